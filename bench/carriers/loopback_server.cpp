#include "bench/carriers/loopback_server.hpp"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "peer/io/descriptor.hpp"
#include "support/eventually.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_start = 120s;  // RabbitMQ's on a busy machine
constexpr std::size_t shown_log = 2000;   // bytes

support::Command in(const std::filesystem::path& directory, support::Command command) {
  command.directory = directory;
  command.log = directory / "log";
  return command;
}

bool answers(std::uint16_t port) {
  const io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string log_end(const std::filesystem::path& directory) {
  std::stringstream text;
  text << std::ifstream(directory / "log").rdbuf();
  const auto log = text.str();
  return log.size() > shown_log ? log.substr(log.size() - shown_log) : log;
}

}  // namespace

LoopbackServer::LoopbackServer(const std::filesystem::path& directory, support::Command command,
                               std::uint16_t port)
    : port_(port), process_(in(directory, std::move(command))) {
  const bool settled =
      support::eventually(longest_start, [&] { return !process_.running() || answers(port); });
  if (!settled || !process_.running()) {
    throw std::runtime_error("the server does not answer; its log ends with:\n" +
                             log_end(directory));
  }
}

}  // namespace tidegate::bench
