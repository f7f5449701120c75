// The discovery datagram: "I am here, in this mesh, at these ports".
//
// It carries ports and no addresses: a peer does not know which of its addresses a listener can
// reach, but the datagram comes from one that does. The receiver takes its source address.
//
// Fixed size and fixed offsets instead of msgpack: it is read from strangers before anything is
// known of them, and this way the whole reader is a page of comparisons. All numbers are
// big-endian.
//
//   offset  size  field
//        0     8  magic, the bytes "tidegate"
//        8     1  version, 1
//        9     1  flags: 1 = leaving, 2 = reply wanted; the others are 0
//       10     2  port of the XPUB endpoint (publish), not 0
//       12     2  port of the ROUTER endpoint (direct), not 0
//       14     2  reserved, 0
//       16    16  peer id
//       32     8  incarnation
//       40     8  key id, 0 = no key
//       48    32  mesh name, 1 to 32 printable ASCII characters without space, filled up with 0
//       80    32  MAC over bytes 0 to 79 under that key; 0 without a key
//      112        end
//
// Version rule: whatever a reader of version 1 could misread gets a higher version. A reader counts
// and ignores datagrams of another version, whatever their length; only magic and version keep
// their place for ever. Keys belong to a later version of this reader: until then a key id or a MAC
// that is not 0 is refused, never taken for "no key".
//
// Every announcement has exactly one encoding. Bytes that decode are not yet trusted: anybody on
// the link can send them, so they hint at an address to dial and nothing more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/limits.hpp"
#include "tidegate/origin.hpp"

namespace tidegate::mesh {

struct Announcement {
  std::string mesh;  // only peers of the same mesh talk to each other
  Origin origin;     // also how a peer recognises its own announcement when it hears it
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  bool leaving = false;       // a farewell: this life ends now, on purpose
  bool reply_wanted = false;  // the sender has just come and wants to hear the others at once

  friend bool operator==(const Announcement&, const Announcement&) = default;
};

inline constexpr std::size_t announcement_size = 112;  // bytes
using AnnouncementBytes = std::array<std::byte, announcement_size>;

// 1 to 32 printable ASCII characters without space: it stands in logs, and two names that look
// alike are the same bytes.
[[nodiscard]] bool valid_mesh_name(std::string_view name);

// Why a datagram is ignored. The first two are usual on a shared port, the others are worth a count
// of their own: somebody speaks this protocol badly.
enum class AnnouncementFault : std::uint8_t {
  wrong_magic,    // not of this protocol, or cut off before its version
  other_version,  // of a newer peer
  wrong_length,
  unknown_flags,
  zero_port,
  reserved_not_zero,
  bad_mesh_name,  // empty, an unprintable character, or something behind its end
  keyed,          // has a key id or a MAC, which this version can't check
};

[[nodiscard]] std::string_view to_string(AnnouncementFault fault);

// The mesh name must be valid and the ports not 0: the caller's configuration has seen to that.
[[nodiscard]] AnnouncementBytes encode(const Announcement& announcement);

// Takes any bytes, of any length.
[[nodiscard]] std::variant<Announcement, AnnouncementFault> decode_announcement(
    std::span<const std::byte> bytes);

}  // namespace tidegate::mesh
