// A stranger's ZMTP 3 client and server, byte by byte: for what no library would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peer/io/descriptor.hpp"
#include "tidegate/time.hpp"

namespace tidegate::testing {

// Throws when nobody listens there.
[[nodiscard]] io::Descriptor connect_tcp(std::uint16_t port, const char* host = "127.0.0.1");

// Of ZMTP 3.1, before anything is negotiated.
[[nodiscard]] std::string zmtp_greeting(std::string_view mechanism = "NULL");
// A command with its name, and a property of one that has them.
[[nodiscard]] std::string zmtp_command(std::string_view bytes);
[[nodiscard]] std::string zmtp_property(std::string_view name, std::string_view value);
// One part of a message.
[[nodiscard]] std::string zmtp_frame(std::string_view bytes, bool more = false);
[[nodiscard]] std::string zmtp_ping();
inline constexpr std::string_view ping_bytes{"\x04PING\0\1hello", 12};
// The beginning of a CURVE handshake by one who does not know the server's key.
[[nodiscard]] std::string zmtp_false_hello();

// The same bytes so many times.
[[nodiscard]] std::string repeated(std::string_view bytes, std::size_t times);

class RawZmtp {
 public:
  // Connects as a socket of this type ("DEALER", "SUB"), and shakes hands, until it is let in.
  // Later answers are never read.
  RawZmtp(std::uint16_t port, std::string_view socket_type)
      : RawZmtp(connect_tcp(port), socket_type) {}
  RawZmtp(io::Descriptor connected, std::string_view socket_type);

  // Waits until all of it has gone; false: the other end has hung up, or takes no more.
  [[nodiscard]] bool send(std::string_view bytes);

 private:
  void wait_until_ready() const;

  io::Descriptor socket_;
};

// Listens on 127.0.0.1. Throws when it can't.
[[nodiscard]] io::Descriptor listen_tcp(std::uint16_t port);

// Sends the bytes again and again to whoever dials, as a socket of this type, until so many bytes
// have gone or the time is over. Returns how many went.
std::size_t serve_flood(const io::Descriptor& listener, std::string_view socket_type,
                        std::string_view bytes, std::size_t total, Duration time);

// Sends the bytes again and again for so long, on a new connection whenever one has ended. Returns
// how many bytes went.
std::size_t flood(std::uint16_t port, std::string_view socket_type, std::string_view bytes,
                  Duration time);

}  // namespace tidegate::testing
