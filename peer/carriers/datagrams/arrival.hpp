// The things that come out of the UDP sockets of a peer (port.hpp).
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "lib/mesh/datagram.hpp"
#include "tidegate/origin.hpp"

namespace tidegate::datagrams {

// The bytes are the port's, valid until its next call.
struct Frame {
  Origin publisher;
  mesh::PathNumber number;
  std::uint32_t size = 0;  // of the datagram
  std::string_view bytes;  // empty: a probe
};
struct Ack {
  mesh::PathId path = 0;
  mesh::DatagramAck ack;
};
struct BrokenPath {  // the system refused to send on it: too long, no way there, or nobody there
  mesh::PathId path = 0;
};
// From a stranger, damaged, come again, or of a key that no probe has told yet; dropped.
struct Malformed {};
using Arrival = std::variant<Frame, Ack, BrokenPath, Malformed>;

}  // namespace tidegate::datagrams
