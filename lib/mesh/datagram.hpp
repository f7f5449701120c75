// The words of the way by which a stream comes in datagrams, beside the one over connections. The
// bytes are in peer/carriers/datagrams/ and in PROTOCOL.md; who sends what and when is in
// datagram_sender.hpp and datagram_receiver.hpp.
//
// A path leads from one publisher to one reader. The reader opens a socket for that publisher alone
// and offers it; so no publisher can fill the buffer of another one's path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidegate::mesh {

// Drawn by the reader, and told to nobody but the publisher: a datagram without it is a stranger's.
using PathId = std::uint64_t;

// Both ends of a path derive from it how they know each other's datagrams, where the mesh has a
// key. Drawn by the reader; all 0: there is no key.
using PathSecret = std::array<std::uint8_t, 32>;

// A datagram of a path. The first one has number 1, and none is used again.
struct PathNumber {
  PathId path = 0;
  std::uint64_t number = 0;
  friend bool operator==(const PathNumber&, const PathNumber&) = default;
};

// One that has come.
struct PathDatagram {
  PathNumber number;
  std::uint32_t size = 0;  // in bytes, of all
};

// A socket that a reader has opened for one publisher.
struct PathSocket {
  std::uint16_t port = 0;      // 0: there was none to be had
  std::uint32_t capacity = 0;  // datagrams of the largest size that its buffer holds
  PathSecret secret{};
};

// From the reader to the publisher: how far it is.
struct DatagramAck {
  std::uint64_t number = 0;    // the highest that has come
  std::uint32_t size = 0;      // of that one, in bytes; it came whole
  std::uint64_t received = 0;  // so many have come
  std::uint64_t next = 0;      // the first sequence of the stream that has not, however it comes
  friend bool operator==(const DatagramAck&, const DatagramAck&) = default;
};

// A datagram has no more than this beside its frame.
inline constexpr std::size_t datagram_head_bytes = 48;

// Sizes that are tried, as UDP counts: nearly all of an Ethernet, what every way of IPv6 lets
// through, and what every host takes.
inline constexpr std::array<std::uint32_t, 3> datagram_sizes = {1452, 1232, 548};

// Linux charges a receive buffer for a datagram of the largest size with this.
inline constexpr std::size_t datagram_charge = 2304;

}  // namespace tidegate::mesh
