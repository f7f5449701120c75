#include "peer/carriers/datagrams/datagram_bytes.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"

using namespace tidegate;
using namespace tidegate::datagrams;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr mesh::PathNumber number{0x0102030405060708, 0x1112131415161718};
constexpr mesh::DatagramAck ack{0x1112131415161718, 0x21222324, 0x3132333435363738,
                                0x4142434445464748};

FrameSeal sample_seal() {
  FrameSeal seal{{0x51525354, 0x6162636465666768}, {}};
  std::fill(seal.mark.begin(), seal.mark.end(), std::uint8_t{0xAA});
  return seal;
}

keys::WrappedKey sample_key() {
  keys::WrappedKey key{0x51525354, {}, {}};
  std::fill(key.nonce.begin(), key.nonce.end(), std::uint8_t{0xBB});
  std::fill(key.box.begin(), key.box.end(), std::uint8_t{0xCC});
  return key;
}

Bytes frame_bytes(bool sealed, const std::string& body) {
  FrameHead head{};
  const auto size =
      write_head(head, number, sealed ? std::optional<FrameSeal>(sample_seal()) : std::nullopt);
  Bytes bytes(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

Bytes probe_bytes(bool sealed, std::uint32_t size) {
  Bytes bytes;
  write_probe(bytes, number, size,
              sealed ? std::optional<keys::WrappedKey>(sample_key()) : std::nullopt);
  return bytes;
}

Bytes ack_bytes(bool sealed) {
  const auto plain = write_ack(number.path, ack, sealed);
  Bytes bytes(plain.begin(), plain.end());
  if (sealed) bytes.insert(bytes.end(), 16, 0xAA);
  return bytes;
}

std::string text(const Bytes& bytes) {
  std::string digits;
  for (const auto byte : bytes) {
    digits += "0123456789abcdef"[byte >> 4U];
    digits += "0123456789abcdef"[byte & 15U];
  }
  return digits;
}

std::string repeated(const std::string& word, int times) {
  std::string all;
  for (; times > 0; --times) all += word;
  return all;
}

// In memory of just its size, where a sanitizer sees every step beyond.
bool parses(const Bytes& bytes, bool sealed) {
  Bytes exact(bytes);
  return parse(exact, sealed).has_value();
}

}  // namespace

TEST_CASE("the bytes of datagrams are those of the table") {
  const std::string places = "01020304050607081112131415161718";
  const std::string label = "515253546162636465666768";
  const auto mark = repeated("aa", 16);
  CHECK(text(frame_bytes(false, "xyz")) == "02" + places + "78797a");
  CHECK(text(frame_bytes(true, "xyz")) == "82" + places + label + mark + "78797a");
  CHECK(text(probe_bytes(false, 100)) == "01" + places + repeated("00", 83));
  CHECK(text(probe_bytes(true, 100)) ==
        "81" + places + "51525354" + repeated("bb", 24) + repeated("cc", 48) + repeated("00", 7));
  const std::string told = "2122232431323334353637384142434445464748";
  CHECK(text(ack_bytes(false)) == "03" + places + told);
  CHECK(text(ack_bytes(true)) == "83" + places + told + mark);
}

TEST_CASE("a datagram is read as it was written") {
  for (const bool sealed : {false, true}) {
    auto bytes = frame_bytes(sealed, "xyz");
    auto view = parse(bytes, sealed);
    REQUIRE(view);
    const auto* frame = std::get_if<FrameView>(&*view);
    REQUIRE(frame != nullptr);
    CHECK(frame->number == number);
    CHECK(frame->bytes.size() == 3);
    CHECK(frame->bytes.data() == &bytes[bytes.size() - 3]);
    CHECK(frame->seal.has_value() == sealed);
    if (frame->seal) {
      CHECK(frame->seal->label == sample_seal().label);
      CHECK(frame->seal->mark == sample_seal().mark);
    }

    bytes = probe_bytes(sealed, 93);
    view = parse(bytes, sealed);
    REQUIRE(view);
    const auto* probe = std::get_if<ProbeView>(&*view);
    REQUIRE(probe != nullptr);
    CHECK(probe->number == number);
    CHECK(probe->key.has_value() == sealed);
    if (probe->key) {
      CHECK(probe->key->epoch == sample_key().epoch);
      CHECK(probe->key->nonce == sample_key().nonce);
      CHECK(probe->key->box == sample_key().box);
    }

    bytes = ack_bytes(sealed);
    view = parse(bytes, sealed);
    REQUIRE(view);
    const auto* told = std::get_if<AckView>(&*view);
    REQUIRE(told != nullptr);
    CHECK(told->path == number.path);
    CHECK(told->ack == ack);
    CHECK(told->mark.has_value() == sealed);
    CHECK(told->marked.data() == bytes.data());
    CHECK(told->marked.size() == plain_ack_bytes);
  }
}

TEST_CASE("a sealed datagram has no place in a mesh without a key, and the other way round") {
  for (const bool sealed : {false, true}) {
    for (const auto& bytes : {frame_bytes(sealed, std::string(100, 'x')), probe_bytes(sealed, 548),
                              ack_bytes(sealed)}) {
      CHECK(parses(bytes, sealed));
      CHECK_FALSE(parses(bytes, !sealed));
    }
  }
}

TEST_CASE("a kind that is not known is refused") {
  for (const bool sealed : {false, true}) {
    for (unsigned kind = 0; kind < 256; ++kind) {
      auto bytes = ack_bytes(sealed);
      bytes[0] = static_cast<std::uint8_t>(kind);
      const bool is_ack = kind == (sealed ? 0x83U : 0x03U);
      // As a frame it would be short enough, too.
      const bool is_frame = kind == (sealed ? 0x82U : 0x02U);
      CHECK(parses(bytes, sealed) == (is_ack || is_frame));
    }
  }
}

TEST_CASE("a datagram that was cut is refused, or a shorter frame") {
  for (const bool sealed : {false, true}) {
    const auto head = sealed ? sealed_head_bytes : plain_head_bytes;
    const auto frame = frame_bytes(sealed, "xyz");
    for (std::size_t size = 0; size < frame.size(); ++size) {
      CHECK(parses({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}, sealed) ==
            (size > head));
    }
    const auto probe = probe_bytes(sealed, 548);
    for (std::size_t size = 0; size < probe.size(); ++size) {
      CHECK(parses({probe.begin(), probe.begin() + static_cast<std::ptrdiff_t>(size)}, sealed) ==
            (size >= shortest_probe));
    }
    auto told = ack_bytes(sealed);
    for (std::size_t size = 0; size < told.size(); ++size) {
      CHECK_FALSE(parses({told.begin(), told.begin() + static_cast<std::ptrdiff_t>(size)}, sealed));
    }
    told.push_back(0);
    CHECK_FALSE(parses(told, sealed));
    CHECK(parses(frame_bytes(sealed, std::string(longest_datagram - head, 'x')), sealed));
    CHECK_FALSE(parses(frame_bytes(sealed, std::string(longest_datagram - head + 1, 'x')), sealed));
  }
}

TEST_CASE("a probe has nothing but zeros behind its key") {
  for (const bool sealed : {false, true}) {
    const auto first = sealed ? shortest_probe : plain_head_bytes;
    auto bytes = probe_bytes(sealed, 548);
    for (std::size_t at = first; at < bytes.size(); ++at) {
      bytes[at] = 1;
      CHECK_FALSE(parses(bytes, sealed));
      bytes[at] = 0;
    }
    CHECK(parses(bytes, sealed));
  }
}

TEST_CASE("random bytes are never read beyond their end") {
  base::Random random(1);
  for (int times = 0; times < 20'000; ++times) {
    Bytes bytes(random.below(150));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    if (!bytes.empty()) {
      bytes[0] = static_cast<std::uint8_t>(random.below(4) | (random.below(2) << 7U));
    }
    for (const bool sealed : {false, true}) (void)parses(bytes, sealed);
  }
}
