// The bytes of a datagram. Numbers stand with their highest byte first.
//
//     all      0        kind: 1 probe, 2 frame, 3 acknowledgement; + 0x80 where the mesh has a key
//              1        path, 8 bytes
//              9        number of the datagram on its path, 8 bytes; the first one is 1
//
//     frame    17       the frame, to the end
//     frame    17       epoch of the key, 4 bytes
//     (key)    21       counter of the frame, 8 bytes: the nonce of ChaCha20
//              29       mark for this reader, 16 bytes
//              45       the frame in ciphertext, to the end
//
//     probe    17       zeros, to the end
//     probe    17       epoch of the key, 4 bytes
//     (key)    21       nonce, 24 bytes
//              45       the key of the frames, wrapped, 48 bytes
//              93       zeros, to the end
//
//     ack      17       size of the datagram with that number, 4 bytes
//              21       how many datagrams have come, 8 bytes
//              29       the first sequence of the stream that has not, 8 bytes
//              37       end; (key) mark for the publisher, 16 bytes, then the end
//
// The number of an acknowledgement is that of the datagram which it tells of. Marks and keys are in
// lib/keys/datagram_seal.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "lib/keys/datagram_seal.hpp"
#include "lib/mesh/datagram.hpp"

namespace tidegate::datagrams {

inline constexpr std::size_t longest_datagram = 2048;  // a longer one is malformed
inline constexpr std::size_t plain_head_bytes = 17;
inline constexpr std::size_t sealed_head_bytes = 45;
inline constexpr std::size_t shortest_probe = 93;
static_assert(plain_head_bytes <= mesh::datagram_head_bytes);
static_assert(sealed_head_bytes <= mesh::datagram_head_bytes);

// Stands beside a frame in a mesh with a key.
struct FrameSeal {
  keys::FrameLabel label;
  keys::Mark mark{};
};

struct ProbeView {
  mesh::PathNumber number;
  std::optional<keys::WrappedKey> key;
};
struct FrameView {
  mesh::PathNumber number;
  std::optional<FrameSeal> seal;
  std::span<std::uint8_t> bytes;  // of the datagram, as they came
};
struct AckView {
  mesh::PathId path = 0;
  mesh::DatagramAck ack;
  std::optional<keys::Mark> mark;
  std::span<const std::uint8_t> marked;  // of the datagram, for PathSeal::mark_ack
};
using View = std::variant<ProbeView, FrameView, AckView>;

// Nothing: it is none, or has no key where the mesh has one, or the other way round.
[[nodiscard]] std::optional<View> parse(std::span<std::uint8_t> datagram, bool sealed);

// All before a frame. The same storage serves both forms; the size is that of the head.
using FrameHead = std::array<std::uint8_t, sealed_head_bytes>;
[[nodiscard]] std::size_t write_head(FrameHead& head, const mesh::PathNumber& number,
                                     const std::optional<FrameSeal>& seal);

// The size is that of the whole, at least `shortest_probe`.
void write_probe(std::vector<std::uint8_t>& probe, const mesh::PathNumber& number,
                 std::uint32_t size, const std::optional<keys::WrappedKey>& key);

inline constexpr std::size_t plain_ack_bytes = 37;
using PlainAck = std::array<std::uint8_t, plain_ack_bytes>;
using SealedAck = std::array<std::uint8_t, plain_ack_bytes + sizeof(keys::Mark)>;
// A sealed one is the same with another kind, and a mark behind it.
[[nodiscard]] PlainAck write_ack(mesh::PathId path, const mesh::DatagramAck& ack, bool sealed);

}  // namespace tidegate::datagrams
