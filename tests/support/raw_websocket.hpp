// A stranger's HTTP and WebSocket client, byte by byte: for what no library would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peer/io/descriptor.hpp"

namespace tidegate::testing {

// Writes that, and returns all that comes until the other end closes the connection.
[[nodiscard]] std::string http_answer(std::uint16_t port, std::string_view request);

// The head of a request to open a WebSocket; `more`: header lines, each with its line break.
[[nodiscard]] std::string websocket_head(std::uint16_t port, std::string_view target = "/stomp",
                                         std::string_view more = "");

class RawWebSocket {
 public:
  enum Opcode : std::uint8_t {
    continued = 0,
    text = 1,
    binary = 2,
    closing = 8,
    ping = 9,
    pong = 10
  };
  struct Frame {
    std::uint8_t opcode = 0;  // 255: the connection has ended
    std::string payload;

    // Of a close frame; 0: it has none.
    [[nodiscard]] unsigned code() const;
  };

  // Connects and shakes hands; opening() is the answer. Throws when nobody listens.
  explicit RawWebSocket(std::uint16_t port, std::string_view more = "");

  [[nodiscard]] const std::string& opening() const { return opening_; }

  void send(Opcode opcode, std::string_view payload, bool last = true) const {
    send_bytes(frame(opcode, payload, last));
  }
  void send_bytes(std::string_view bytes) const;
  [[nodiscard]] static std::string frame(Opcode opcode, std::string_view payload, bool last = true);
  // The next frame; an end if none comes within the bound of a test.
  [[nodiscard]] Frame next();

 private:
  [[nodiscard]] bool read_more();

  io::Descriptor socket_;
  std::string opening_;
  std::string read_;  // and not taken yet
};

}  // namespace tidegate::testing
