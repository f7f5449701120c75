// Datagrams of the stream, in a mesh without a key and in one with a key.
#include <algorithm>
#include <array>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/keys/datagram_seal.hpp"
#include "peer/carriers/datagrams/datagram_bytes.hpp"
#include "tests/fuzz/targets.hpp"

namespace tidegate::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t path = 7;

keys::PathSeal a_seal() {
  const std::array<std::uint8_t, keys::Secret::size> secret = {1, 2, 3};
  return {path, keys::Secret(secret)};
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The datagram again, as far as the parser has told of it; a probe's padding says nothing.
void check_again(const datagrams::ProbeView& probe, const Bytes& bytes) {
  Bytes again;
  datagrams::write_probe(again, probe.number, static_cast<std::uint32_t>(bytes.size()), probe.key);
  const auto head = probe.key ? datagrams::shortest_probe : datagrams::plain_head_bytes;
  TIDEGATE_MUST(std::equal(again.begin(), again.begin() + head, bytes.begin()));
}
void check_again(const datagrams::FrameView& frame, const Bytes& bytes) {
  datagrams::FrameHead head{};
  const auto size = write_head(head, frame.number, frame.seal);
  TIDEGATE_MUST(size + frame.bytes.size() == bytes.size());
  TIDEGATE_MUST(
      std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size), bytes.begin()));
}
void check_again(const datagrams::AckView& ack, const Bytes& bytes) {
  const auto again = datagrams::write_ack(ack.path, ack.ack, ack.mark.has_value());
  TIDEGATE_MUST(std::equal(again.begin(), again.end(), bytes.begin()));
}

// Nobody who does not know the secret makes one that is taken.
void check_stranger(const datagrams::ProbeView& probe, std::size_t size) {
  if (!probe.key) return;
  keys::StreamOpener opener(a_seal());
  TIDEGATE_MUST(!opener.learn(probe.number.number, static_cast<std::uint32_t>(size), *probe.key));
}
void check_stranger(const datagrams::FrameView& frame, std::size_t) {
  if (!frame.seal) return;
  const keys::StreamOpener opener(a_seal());
  TIDEGATE_MUST(opener.open(frame.number.number, frame.seal->label, frame.seal->mark,
                            frame.bytes) == keys::StreamOpener::Opened::forged);
}
void check_stranger(const datagrams::AckView& ack, std::size_t) {
  if (ack.mark) TIDEGATE_MUST(!keys::same(*ack.mark, a_seal().mark_ack(ack.marked)));
}

}  // namespace

void read_datagrams(std::string_view input) {
  for (const bool sealed : {false, true}) {
    Bytes bytes(input.begin(), input.end());
    const auto view = datagrams::parse(bytes, sealed);
    if (!view) continue;
    std::visit([&](const auto& one) { check_again(one, bytes); }, *view);
    std::visit([&](const auto& one) { check_stranger(one, bytes.size()); }, *view);
  }
}

// Those of another path, in a mesh with a key.
std::vector<std::string> datagram_seeds() {
  std::vector<std::string> seeds;
  const mesh::PathNumber number{path, 9};
  Bytes bytes;
  datagrams::write_probe(bytes, number, 548, std::nullopt);
  seeds.push_back(text_of(bytes));
  datagrams::write_probe(bytes, number, 120, keys::WrappedKey{3, {}, {}});
  seeds.push_back(text_of(bytes));
  datagrams::FrameHead head{};
  for (const bool sealed : {false, true}) {
    const auto seal = sealed ? std::optional(datagrams::FrameSeal{{1, 2}, {}}) : std::nullopt;
    const auto size = write_head(head, number, seal);
    seeds.push_back(text_of(std::span(head).first(size)) + "frame");
    seeds.push_back(text_of(datagrams::write_ack(path, {9, 548, 9, 4}, sealed)));
  }
  seeds.back().append(sizeof(keys::Mark), '\1');
  return seeds;
}

}  // namespace tidegate::fuzz
