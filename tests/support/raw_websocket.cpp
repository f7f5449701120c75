#include "tests/support/raw_websocket.hpp"

#include <cerrno>
#include <chrono>

#include <sys/socket.h>

#include "support/process.hpp"
#include "tests/support/raw_zmtp.hpp"

namespace tidegate::testing {
namespace {

constexpr auto bound = std::chrono::seconds(20);
constexpr std::string_view end_of_head = "\r\n\r\n";

void send_all(const io::Descriptor& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return;  // the end is noticed by reading
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool read_some(const io::Descriptor& socket, std::string& into) {
  if (!support::readable(socket, bound)) return false;
  std::string buffer(65536, '\0');
  const auto got = recv(socket.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  into.append(buffer, 0, static_cast<std::size_t>(got));
  return true;
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

std::string bytes_of(std::uint64_t value, unsigned count) {
  std::string bytes;
  for (unsigned i = count; i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xFFU);
  return bytes;
}

}  // namespace

std::string http_answer(std::uint16_t port, std::string_view request) {
  const auto socket = connect_tcp(port);
  send_all(socket, request);
  std::string answer;
  while (read_some(socket, answer)) {
  }
  return answer;
}

std::string websocket_head(std::uint16_t port, std::string_view target, std::string_view more) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         std::string(more) + "\r\n";
}

unsigned RawWebSocket::Frame::code() const {
  return payload.size() < 2 ? 0 : static_cast<unsigned>(number(payload.substr(0, 2)));
}

RawWebSocket::RawWebSocket(std::uint16_t port, std::string_view more) : socket_(connect_tcp(port)) {
  send_bytes(websocket_head(port, "/stomp", more));
  while (read_.find(end_of_head) == std::string::npos && read_more()) {
  }
  const auto head = read_.find(end_of_head);
  const auto size = head == std::string::npos ? read_.size() : head + end_of_head.size();
  opening_ = read_.substr(0, size);
  read_.erase(0, size);
}

bool RawWebSocket::read_more() { return read_some(socket_, read_); }

void RawWebSocket::send_bytes(std::string_view bytes) const { send_all(socket_, bytes); }

std::string RawWebSocket::frame(Opcode opcode, std::string_view payload, bool last) {
  constexpr std::string_view mask = "mask";
  std::string bytes(1, static_cast<char>(opcode | (last ? 0x80U : 0U)));
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80U | payload.size());
  } else if (payload.size() < 65536) {
    bytes += static_cast<char>(0x80U | 126U);
    bytes += bytes_of(payload.size(), 2);
  } else {
    bytes += static_cast<char>(0x80U | 127U);
    bytes += bytes_of(payload.size(), 8);
  }
  bytes += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes += static_cast<char>(payload[i] ^ mask[i % mask.size()]);
  }
  return bytes;
}

RawWebSocket::Frame RawWebSocket::next() {
  const auto have = [&](std::size_t size) {
    while (read_.size() < size) {
      if (!read_more()) return false;
    }
    return true;
  };
  Frame ended{255, ""};
  std::size_t head = 2;
  if (!have(head)) return ended;
  std::uint64_t size = static_cast<unsigned char>(read_[1]) & 0x7FU;
  if (const auto more_bytes = size == 126 ? 2U : size == 127 ? 8U : 0U; more_bytes > 0) {
    if (!have(head + more_bytes)) return ended;
    size = number(std::string_view(read_).substr(head, more_bytes));
    head += more_bytes;
  }
  if (!have(head + size)) return ended;
  Frame frame{static_cast<std::uint8_t>(static_cast<unsigned char>(read_[0]) & 0x0FU),
              read_.substr(head, size)};
  read_.erase(0, head + size);
  return frame;
}

}  // namespace tidegate::testing
