#include "lib/mesh/announcement.hpp"

#include <algorithm>

#include "lib/base/enum_names.hpp"
#include "lib/base/must.hpp"

namespace tidegate::mesh {
namespace {

constexpr std::string_view magic = "tidegate";
constexpr std::byte version{1};
constexpr std::byte leaving_flag{1};
constexpr std::byte reply_wanted_flag{2};

struct Field {
  std::size_t offset;
  std::size_t size;

  [[nodiscard]] constexpr std::size_t end() const { return offset + size; }
};

constexpr Field magic_field{0, 8};
constexpr Field version_field{magic_field.end(), 1};
constexpr Field flags_field{version_field.end(), 1};
constexpr Field publish_port_field{flags_field.end(), 2};
constexpr Field direct_port_field{publish_port_field.end(), 2};
constexpr Field reserved_field{direct_port_field.end(), 2};
constexpr Field peer_field{reserved_field.end(), 16};
constexpr Field incarnation_field{peer_field.end(), 8};
constexpr Field counter_field{incarnation_field.end(), 8};
constexpr Field mesh_field{counter_field.end(), base::limits::mesh_name_bytes};
constexpr Field key_id_field{mesh_field.end(), 8};
constexpr Field mac_field{key_id_field.end(), 32};

static_assert(magic.size() == magic_field.size);
static_assert(peer_field.offset == 16 && mesh_field.offset == 48);
static_assert(key_id_field.offset == announcement_key_id && mac_field.offset == announcement_mac);
static_assert(mac_field.end() == announcement_size);
static_assert(announcement_size <= 256, "a datagram that no link has to cut");

std::byte to_byte(char c) { return static_cast<std::byte>(static_cast<unsigned char>(c)); }

template <typename Number>
void put(AnnouncementBytes& bytes, Field field, Number number) {
  TIDEGATE_MUST(field.size == sizeof(Number));
  for (std::size_t i = field.size; i > 0; --i) {
    bytes[field.offset + i - 1] = static_cast<std::byte>(number & 0xFFU);
    number = static_cast<Number>(number >> 8U);
  }
}

// A datagram of the right length. Fields are constants inside it, so no read can leave it.
using Bytes = std::span<const std::byte, announcement_size>;

std::span<const std::byte> field_of(Bytes bytes, Field field) {
  return bytes.subspan(field.offset, field.size);
}

template <typename Number>
Number get(Bytes bytes, Field field) {
  TIDEGATE_MUST(field.size == sizeof(Number));
  std::uint64_t number = 0;
  for (const auto byte : field_of(bytes, field)) {
    number = number << 8U | std::to_integer<std::uint64_t>(byte);
  }
  return static_cast<Number>(number);
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

bool printable(char c) { return c > ' ' && c <= '~'; }

}  // namespace

bool valid_mesh_name(std::string_view name) {
  return !name.empty() && name.size() <= base::limits::mesh_name_bytes &&
         std::all_of(name.begin(), name.end(), printable);
}

std::string_view to_string(AnnouncementFault fault) {
  static constexpr auto names = base::enum_names<AnnouncementFault>(
      {{AnnouncementFault::wrong_magic, "not an announcement"},
       {AnnouncementFault::other_version, "another version"},
       {AnnouncementFault::wrong_length, "wrong length"},
       {AnnouncementFault::unknown_flags, "unknown flags"},
       {AnnouncementFault::zero_port, "port 0"},
       {AnnouncementFault::reserved_not_zero, "reserved bytes are not 0"},
       {AnnouncementFault::bad_mesh_name, "bad mesh name"}});
  return names.name(fault);
}

AnnouncementBytes encode(const Announcement& announcement) {
  TIDEGATE_MUST(valid_mesh_name(announcement.mesh));
  TIDEGATE_MUST(announcement.publish_port != 0 && announcement.direct_port != 0);

  AnnouncementBytes bytes{};  // what is not written below is reserved, or a key's: 0
  std::transform(magic.begin(), magic.end(), bytes.begin(), to_byte);
  bytes[version_field.offset] = version;
  if (announcement.leaving) bytes[flags_field.offset] |= leaving_flag;
  if (announcement.reply_wanted) bytes[flags_field.offset] |= reply_wanted_flag;
  put(bytes, publish_port_field, announcement.publish_port);
  put(bytes, direct_port_field, announcement.direct_port);
  for (std::size_t i = 0; i < peer_field.size; ++i) {
    bytes[peer_field.offset + i] = std::byte{announcement.origin.peer.bytes[i]};
  }
  put(bytes, incarnation_field, announcement.origin.incarnation);
  put(bytes, counter_field, announcement.counter);
  for (std::size_t i = 0; i < announcement.mesh.size(); ++i) {
    bytes[mesh_field.offset + i] = to_byte(announcement.mesh[i]);
  }
  return bytes;
}

std::variant<Announcement, AnnouncementFault> decode_announcement(
    std::span<const std::byte> bytes) {
  if (bytes.size() < version_field.end() ||
      !std::equal(magic.begin(), magic.end(), bytes.begin(),
                  [](char c, std::byte b) { return to_byte(c) == b; })) {
    return AnnouncementFault::wrong_magic;
  }
  if (bytes[version_field.offset] != version) return AnnouncementFault::other_version;
  if (bytes.size() != announcement_size) return AnnouncementFault::wrong_length;
  const auto fields = bytes.first<announcement_size>();

  const auto flags = fields[flags_field.offset];
  if ((flags & ~(leaving_flag | reply_wanted_flag)) != std::byte{0}) {
    return AnnouncementFault::unknown_flags;
  }
  if (!all_zero(field_of(fields, reserved_field))) return AnnouncementFault::reserved_not_zero;

  Announcement announcement;
  announcement.leaving = (flags & leaving_flag) != std::byte{0};
  announcement.reply_wanted = (flags & reply_wanted_flag) != std::byte{0};
  announcement.publish_port = get<std::uint16_t>(fields, publish_port_field);
  announcement.direct_port = get<std::uint16_t>(fields, direct_port_field);
  if (announcement.publish_port == 0 || announcement.direct_port == 0) {
    return AnnouncementFault::zero_port;
  }
  const auto peer = field_of(fields, peer_field);
  std::transform(peer.begin(), peer.end(), announcement.origin.peer.bytes.begin(),
                 [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  announcement.origin.incarnation = get<std::uint64_t>(fields, incarnation_field);
  announcement.counter = get<std::uint64_t>(fields, counter_field);
  announcement.key = get<KeyId>(fields, key_id_field);

  const auto name = field_of(fields, mesh_field);
  const auto name_end = std::find(name.begin(), name.end(), std::byte{0});
  std::transform(name.begin(), name_end, std::back_inserter(announcement.mesh),
                 [](std::byte b) { return static_cast<char>(b); });
  if (!valid_mesh_name(announcement.mesh) || !all_zero({name_end, name.end()})) {
    return AnnouncementFault::bad_mesh_name;
  }
  return announcement;
}

}  // namespace tidegate::mesh
