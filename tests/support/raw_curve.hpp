// A member's ZMTP 3 client with CURVE, byte by byte: for what no library would send, from one who
// has the key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/keys/keyring.hpp"
#include "peer/io/descriptor.hpp"

namespace tidegate::testing {

class RawCurve {
 public:
  // Connects on 127.0.0.1 and shakes hands. Throws when that fails.
  RawCurve(std::uint16_t port, std::string_view socket_type, const keys::CurveKeys& client,
           const keys::PublicKey& server);

  enum class Kind : std::uint8_t { last_part = 0, part = 1, command = 2 };

  // A frame for the wire; in the order in which they are made.
  [[nodiscard]] std::string sealed(Kind kind, std::string_view bytes);

  // Waits until all of it has gone; false: the other end has hung up, or takes no more.
  [[nodiscard]] bool send(std::string_view bytes) const;

 private:
  void take_welcome(const keys::PublicKey& server);
  [[nodiscard]] std::string hello(const keys::PublicKey& server);
  [[nodiscard]] std::string initiate(std::string_view socket_type, const keys::CurveKeys& client,
                                     const keys::PublicKey& server);
  [[nodiscard]] std::string receive(std::size_t size) const;
  // The nonce's last 8 bytes, and the box.
  [[nodiscard]] std::string boxed(std::string_view purpose, std::string_view plain,
                                  const keys::PublicKey& to);

  io::Descriptor socket_;
  keys::CurveKeys own_;  // for this connection
  keys::PublicKey servers_{};
  std::string cookie_;
  std::uint64_t counter_ = 0;
};

}  // namespace tidegate::testing
