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
//       40     8  counter, rises with each announcement of this life
//       48    32  mesh name, 1 to 32 printable ASCII characters without space, filled up with 0
//       80     8  key id, 0 = no key
//       88    32  MAC over bytes 0 to 87 under that key; 0 without a key
//      120        end
//
// Version rule: whatever a reader of version 1 could misread gets a higher version. A reader counts
// and ignores datagrams of another version, whatever their length; only magic and version keep
// their place for ever.
//
// Key id and MAC are set and checked where the keys are (discovery/beacon_seal.hpp); here they are
// bytes like others. A MAC shows that a member made the datagram, not that it was made now, nor
// which member: so an announcement hints at an address to dial and nothing more.
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

// The name of a key of the mesh; 0: there is none, or it is not known.
using KeyId = std::uint64_t;

struct Announcement {
  std::string mesh;  // only peers of the same mesh talk to each other
  Origin origin;     // also how a peer recognises its own announcement when it hears it
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  bool leaving = false;       // a farewell: this life ends now, on purpose
  bool reply_wanted = false;  // the sender has just come and wants to hear the others at once
  std::uint64_t counter = 0;  // one that is not above the last one is an old one, sent again
  KeyId key = 0;              // of the sender, as it was read; encode() leaves it to the seal

  friend bool operator==(const Announcement&, const Announcement&) = default;
};

inline constexpr std::size_t announcement_size = 120;   // bytes
inline constexpr std::size_t announcement_key_id = 80;  // offsets
inline constexpr std::size_t announcement_mac = 88;
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
};

[[nodiscard]] std::string_view to_string(AnnouncementFault fault);

// Without a key. The mesh name must be valid and the ports not 0: the caller's configuration has
// seen to that.
[[nodiscard]] AnnouncementBytes encode(const Announcement& announcement);

// Takes any bytes, of any length.
[[nodiscard]] std::variant<Announcement, AnnouncementFault> decode_announcement(
    std::span<const std::byte> bytes);

}  // namespace tidegate::mesh
