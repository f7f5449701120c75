#include "support/port.hpp"

#include <random>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "peer/io/descriptor.hpp"

namespace tidegate::support {
namespace {

bool can_bind(std::uint16_t port) {
  const io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

std::uint16_t unused_port() {
  constexpr std::uint32_t first = 20000;
  constexpr std::uint32_t end = 32768;
  // Random, so that two test programs at the same time are unlikely to choose the same one.
  std::random_device random;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(first + random() % (end - first));
    if (can_bind(port)) return port;
  }
  throw std::runtime_error("no unused port was found on 127.0.0.1");
}

}  // namespace tidegate::support
