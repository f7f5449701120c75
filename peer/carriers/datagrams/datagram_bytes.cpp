#include "peer/carriers/datagrams/datagram_bytes.hpp"

#include <algorithm>

#include "lib/base/big_endian.hpp"
#include "lib/base/must.hpp"

namespace tidegate::datagrams {
namespace {

using base::get_big_endian;
using base::put_big_endian;

enum Kind : std::uint8_t { probe = 1, frame = 2, acknowledgement = 3 };
constexpr std::uint8_t sealed_bit = 0x80;

// Places in a datagram.
constexpr std::size_t at_path = 1;
constexpr std::size_t at_number = 9;
constexpr std::size_t at_epoch = 17;
constexpr std::size_t at_counter = 21;
constexpr std::size_t at_mark = 29;
constexpr std::size_t at_nonce = 21;
constexpr std::size_t at_box = 45;
constexpr std::size_t at_size = 17;
constexpr std::size_t at_received = 21;
constexpr std::size_t at_next = 29;
static_assert(at_mark + sizeof(keys::Mark) == sealed_head_bytes);
static_assert(at_nonce + sizeof(keys::WrappedKey::nonce) == at_box);
static_assert(at_box + sizeof(keys::WrappedKey::box) == shortest_probe);
static_assert(at_next + 8 == plain_ack_bytes);

std::uint8_t kind_byte(Kind kind, bool sealed) {
  return static_cast<std::uint8_t>(kind | (sealed ? sealed_bit : 0U));
}

void put_head(std::uint8_t* bytes, std::uint8_t kind, const mesh::PathNumber& number) {
  bytes[0] = kind;
  put_big_endian(bytes + at_path, number.path);
  put_big_endian(bytes + at_number, number.number);
}

// Bytes from that place on, which have to be there.
template <std::size_t size>
std::array<std::uint8_t, size> bytes_at(std::span<const std::uint8_t> datagram, std::size_t at) {
  std::array<std::uint8_t, size> bytes{};
  std::copy_n(datagram.begin() + static_cast<std::ptrdiff_t>(at), size, bytes.begin());
  return bytes;
}

std::optional<View> parse_probe(std::span<const std::uint8_t> datagram,
                                const mesh::PathNumber& number, bool sealed) {
  if (datagram.size() < shortest_probe) return std::nullopt;
  const auto rest = datagram.subspan(sealed ? shortest_probe : plain_head_bytes);
  if (std::any_of(rest.begin(), rest.end(), [](auto byte) { return byte != 0; })) {
    return std::nullopt;
  }
  ProbeView view{number, std::nullopt};
  if (sealed) {
    view.key = keys::WrappedKey{get_big_endian<std::uint32_t>(&datagram[at_epoch]),
                                bytes_at<sizeof(keys::WrappedKey::nonce)>(datagram, at_nonce),
                                bytes_at<sizeof(keys::WrappedKey::box)>(datagram, at_box)};
  }
  return view;
}

std::optional<View> parse_frame(std::span<std::uint8_t> datagram, const mesh::PathNumber& number,
                                bool sealed) {
  const auto head = sealed ? sealed_head_bytes : plain_head_bytes;
  if (datagram.size() <= head) return std::nullopt;
  FrameView view{number, std::nullopt, datagram.subspan(head)};
  if (sealed) {
    view.seal = FrameSeal{{get_big_endian<std::uint32_t>(&datagram[at_epoch]),
                           get_big_endian<std::uint64_t>(&datagram[at_counter])},
                          bytes_at<sizeof(keys::Mark)>(datagram, at_mark)};
  }
  return view;
}

std::optional<View> parse_ack(std::span<const std::uint8_t> datagram,
                              const mesh::PathNumber& number, bool sealed) {
  if (datagram.size() != (sealed ? sizeof(SealedAck) : sizeof(PlainAck))) return std::nullopt;
  AckView view{number.path,
               {number.number, get_big_endian<std::uint32_t>(&datagram[at_size]),
                get_big_endian<std::uint64_t>(&datagram[at_received]),
                get_big_endian<std::uint64_t>(&datagram[at_next])},
               std::nullopt,
               datagram.first(plain_ack_bytes)};
  if (sealed) view.mark = bytes_at<sizeof(keys::Mark)>(datagram, plain_ack_bytes);
  return view;
}

}  // namespace

std::optional<View> parse(std::span<std::uint8_t> datagram, bool sealed) {
  if (datagram.size() < plain_head_bytes || datagram.size() > longest_datagram) return std::nullopt;
  if (((datagram[0] & sealed_bit) != 0) != sealed) return std::nullopt;
  const mesh::PathNumber number{get_big_endian<std::uint64_t>(&datagram[at_path]),
                                get_big_endian<std::uint64_t>(&datagram[at_number])};
  switch (datagram[0] & ~sealed_bit) {
    case Kind::probe:
      return parse_probe(datagram, number, sealed);
    case Kind::frame:
      return parse_frame(datagram, number, sealed);
    case Kind::acknowledgement:
      return parse_ack(datagram, number, sealed);
    default:
      return std::nullopt;
  }
}

std::size_t write_head(FrameHead& head, const mesh::PathNumber& number,
                       const std::optional<FrameSeal>& seal) {
  put_head(head.data(), kind_byte(Kind::frame, seal.has_value()), number);
  if (!seal) return plain_head_bytes;
  put_big_endian(&head[at_epoch], seal->label.epoch);
  put_big_endian(&head[at_counter], seal->label.counter);
  std::copy(seal->mark.begin(), seal->mark.end(), head.begin() + at_mark);
  return sealed_head_bytes;
}

void write_probe(std::vector<std::uint8_t>& probe, const mesh::PathNumber& number,
                 std::uint32_t size, const std::optional<keys::WrappedKey>& key) {
  TIDEGATE_MUST(size >= shortest_probe);
  probe.assign(size, 0);
  put_head(probe.data(), kind_byte(Kind::probe, key.has_value()), number);
  if (!key) return;
  put_big_endian(&probe[at_epoch], key->epoch);
  std::copy(key->nonce.begin(), key->nonce.end(), probe.begin() + at_nonce);
  std::copy(key->box.begin(), key->box.end(), probe.begin() + at_box);
}

PlainAck write_ack(mesh::PathId path, const mesh::DatagramAck& ack, bool sealed) {
  PlainAck bytes{};
  put_head(bytes.data(), kind_byte(Kind::acknowledgement, sealed), {path, ack.number});
  put_big_endian(&bytes[at_size], ack.size);
  put_big_endian(&bytes[at_received], ack.received);
  put_big_endian(&bytes[at_next], ack.next);
  return bytes;
}

}  // namespace tidegate::datagrams
