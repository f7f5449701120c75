#include "tests/support/raw_zmtp.hpp"

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "support/process.hpp"

namespace tidegate::testing {
namespace {

constexpr char flag_more = 1;
constexpr char flag_long = 2;
constexpr char flag_command = 4;

std::string with_length(char flags, std::string_view bytes) {
  std::string frame;
  if (bytes.size() < 256) {
    frame = {flags, static_cast<char>(bytes.size())};
  } else {
    frame = {static_cast<char>(flags | flag_long)};
    for (int shift = 56; shift >= 0; shift -= 8) {
      frame += static_cast<char>(bytes.size() >> static_cast<unsigned>(shift));
    }
  }
  return frame.append(bytes);
}

sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  (void)::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

}  // namespace

io::Descriptor connect_tcp(std::uint16_t port, const char* host) {
  io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(host, port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
  }
  return socket;
}

io::Descriptor listen_tcp(std::uint16_t port) {
  io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of("127.0.0.1", port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 8) != 0) {
    throw std::runtime_error("can't listen on port " + std::to_string(port));
  }
  return socket;
}

std::string zmtp_greeting(std::string_view mechanism) {
  std::string bytes("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01", 12);
  bytes.append(mechanism).resize(64);
  return bytes;
}

std::string zmtp_command(std::string_view bytes) { return with_length(flag_command, bytes); }

std::string zmtp_property(std::string_view name, std::string_view value) {
  std::string bytes = {static_cast<char>(name.size())};
  bytes.append(name).append(3, '\0');
  return (bytes += static_cast<char>(value.size())).append(value);
}

std::string zmtp_false_hello() {
  std::string hello("\x05HELLO\x01\0", 8);
  hello.append(72, '\0').append(32, '\x09').append(8, '\0').append(80, 'x');
  return zmtp_greeting("CURVE") + zmtp_command(hello);
}

std::string zmtp_frame(std::string_view bytes, bool more) {
  return with_length(more ? flag_more : '\0', bytes);
}

std::string zmtp_ping() { return zmtp_command(ping_bytes); }

std::string repeated(std::string_view bytes, std::size_t times) {
  std::string all;
  all.reserve(bytes.size() * times);
  for (std::size_t i = 0; i < times; ++i) all.append(bytes);
  return all;
}

RawZmtp::RawZmtp(io::Descriptor connected, std::string_view socket_type)
    : socket_(std::move(connected)) {
  const timeval patience{2, 0};
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {
    (void)::setsockopt(socket_.get(), SOL_SOCKET, option, &patience, sizeof patience);
  }
  const auto ready = zmtp_command("\x05READY" + zmtp_property("Socket-Type", socket_type));
  if (!send(zmtp_greeting() + ready)) return;
  wait_until_ready();
}

// Behind its greeting the other end sends a short command once it has let us in; what came before
// would break the handshake off.
void RawZmtp::wait_until_ready() const {
  constexpr std::size_t size_at = 65;
  std::array<char, 256> buffer{};
  if (::recv(socket_.get(), buffer.data(), size_at + 1, MSG_WAITALL) != size_at + 1) return;
  const auto size = static_cast<std::uint8_t>(buffer.at(size_at));
  (void)::recv(socket_.get(), buffer.data(), size, MSG_WAITALL);
}

bool RawZmtp::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t serve_flood(const io::Descriptor& listener, std::string_view socket_type,
                        std::string_view bytes, std::size_t total, Duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  std::size_t sent = 0;
  while (sent < total && support::readable(listener, end - std::chrono::steady_clock::now())) {
    RawZmtp server(io::Descriptor(::accept(listener.get(), nullptr, nullptr)), socket_type);
    while (sent < total && std::chrono::steady_clock::now() < end && server.send(bytes)) {
      sent += bytes.size();
    }
  }
  return sent;
}

std::size_t flood(std::uint16_t port, std::string_view socket_type, std::string_view bytes,
                  Duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  std::size_t sent = 0;
  while (std::chrono::steady_clock::now() < end) {
    RawZmtp client(port, socket_type);
    while (std::chrono::steady_clock::now() < end && client.send(bytes)) sent += bytes.size();
  }
  return sent;
}

}  // namespace tidegate::testing
