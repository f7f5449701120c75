#include "lib/mesh/frame_codec.hpp"

#include <string>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/base/random.hpp"
#include "tests/lib/mesh/sample_frames.hpp"

using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;
using tidegate::testing::a_message;
using tidegate::testing::hex;
using tidegate::testing::one_of_each;
using tidegate::testing::origin;

TEST_CASE("every frame comes back as it was") {
  for (const auto& frame : one_of_each()) {
    const auto back = decode(encode(frame));
    REQUIRE(back.ok());
    CHECK((*back == frame));
  }
}

TEST_CASE("the bytes are those of the worked example in PROTOCOL.md") {
  const Data data{{PeerId{{0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4,
                           0xc3, 0xd2, 0xe1, 0xf0}},
                   1000},
                  1,
                  {a_message("builds/42", "new", "1:0/3000060")}};
  CHECK(hex(encode(data)) ==
        "9506c4100f1e2d3c4b5a69788796a5b4c3d2e1f0cd03e8019193"
        "92a66275696c6473a23432c4036e6577930701ce03000060");
}

TEST_CASE("a frame that ends anywhere before its end is an error") {
  for (const auto& frame : one_of_each()) {
    const auto bytes = encode(frame);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode(std::string_view(bytes).substr(0, size)).ok());
    }
  }
}

TEST_CASE("a frame with bytes behind its end is an error") {
  CHECK_FALSE(decode(encode(Listening{origin(1), origin(2)}) + "x").ok());
}

TEST_CASE("a field behind the last known one is skipped") {
  auto bytes = encode(Farewell{origin(1), 9});
  REQUIRE(bytes[0] == '\x94');
  bytes[0] = '\x95';
  bytes += '\xc0';
  const auto back = decode(bytes);
  REQUIRE(back.ok());
  CHECK((*back == Frame{Farewell{origin(1), 9}}));
}

TEST_CASE("fields behind the last known one may be of any type, but must be whole") {
  const auto farewell = encode(Farewell{origin(1), 9}).substr(1);
  // A map with a float and an extension, then an array.
  const std::string further("\x81\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18\xd4\x01\x02\x92\xc3\xff", 16);
  const auto back = decode("\x96" + farewell + further);
  REQUIRE(back.ok());
  CHECK((*back == Frame{Farewell{origin(1), 9}}));
  for (std::size_t size = 0; size < further.size(); ++size) {
    CHECK_FALSE(decode("\x96" + farewell + further.substr(0, size)).ok());
  }
  CHECK_FALSE(decode("\x95" + farewell + std::string(100, '\x91') + "\x01").ok());
}

TEST_CASE("numbers and lengths are read in every form that MessagePack has for them") {
  const auto peer = origin(1).peer.bytes;
  const auto id = "\xc4\x10" + std::string(peer.begin(), peer.end());
  const auto frame = [&](const std::string& last) { return "\x94\x08" + id + "\x01" + last; };
  const std::string zeros(7, '\0');
  for (const auto& nine :
       {"\xcc\x09"s, "\xcd"s + zeros.substr(6) + "\x09", "\xce"s + zeros.substr(4) + "\x09",
        "\xcf"s + zeros + "\x09", "\xd0\x09"s, "\xd1"s + zeros.substr(6) + "\x09",
        "\xd2"s + zeros.substr(4) + "\x09", "\xd3"s + zeros + "\x09"}) {
    CAPTURE(hex(nine));
    const auto back = decode(frame(nine));
    REQUIRE(back.ok());
    CHECK((*back == Frame{Farewell{origin(1), 9}}));
  }
  for (const auto& negative : {"\xff"s, "\xd0\x80"s, "\xd3\xff"s + zeros}) {
    CHECK_FALSE(decode(frame(negative)).ok());
  }

  const auto data = [&](const std::string& messages) {
    return "\x95\x06" + id + "\x01\x01" + messages;
  };
  const Frame expected = Data{origin(1), 1, {a_message("a", "x")}};
  for (const auto& list :
       {"\x91"s, "\xdc"s + zeros.substr(6) + "\x01", "\xdd"s + zeros.substr(4) + "\x01"}) {
    for (const auto& text : {"\xa1"s, "\xd9\x01"s, "\xda"s + zeros.substr(6) + "\x01",
                             "\xdb"s + zeros.substr(4) + "\x01"}) {
      for (const auto& binary :
           {"\xc4\x01"s, "\xc5"s + zeros.substr(6) + "\x01", "\xc6"s + zeros.substr(4) + "\x01"}) {
        const auto back = decode(data(list + "\x93" + list + text + "a" + binary + "x\xc0"));
        REQUIRE(back.ok());
        CHECK((*back == expected));
      }
    }
  }
}

TEST_CASE("a hello of another version tells just that, whatever follows") {
  const auto back = decode(std::string("\x93\x01\x02\xc0", 4));
  REQUIRE(back.ok());
  CHECK((*back == Frame{OtherVersion{2}}));
}

TEST_CASE("an array that claims more elements than there are bytes is refused at once") {
  for (const auto& bytes : {std::string("\xdd\xff\xff\xff\xff", 5), std::string("\xdc\xff\xff", 3),
                            std::string("\x95\x06\xdd\x7f\xff\xff\xff", 7)}) {
    CHECK_FALSE(decode(bytes).ok());
  }
}

TEST_CASE("deep nesting is refused") { CHECK_FALSE(decode(std::string(100000, '\x91')).ok()); }

TEST_CASE("what breaks a bound is refused") {
  auto data = Data{origin(1), 1, {a_message("a", "")}};
  data.messages[0].payload.assign(limits::payload_bytes + 1, 'x');
  CHECK_FALSE(decode(encode(data)).ok());
  data.messages[0].payload.pop_back();
  CHECK(decode(encode(data)).ok());

  CHECK_FALSE(decode(encode(Data{origin(1), 0, {a_message("a", "")}})).ok());
  CHECK_FALSE(decode(encode(Ready{origin(1), origin(2), 1, 0})).ok());
  CHECK_FALSE(decode(encode(Refusal{std::string(limits::reason_bytes + 1, 'x')})).ok());
  CHECK_FALSE(decode(encode(Refusal{"\xff"})).ok());
  auto nameless = tidegate::testing::sample_card;
  nameless.direct_port = 0;
  CHECK_FALSE(decode(encode(Hello{nameless})).ok());
  CHECK_FALSE(decode(encode(Data{origin(1), 1, {a_message("a", "", "0:0/1")}})).ok());
}

namespace {

// Whatever decodes must be a frame that this peer could have sent itself, and the same one again
// when it comes back. Returns whether it did decode.
bool decodes_to_a_frame_or_an_error(const std::string& bytes) {
  const auto frame = decode(bytes);
  if (!frame) return false;
  if (std::holds_alternative<OtherVersion>(*frame)) return true;  // is only ever received
  const auto again = decode(encode(*frame));
  if (!again || *again != *frame) FAIL_CHECK("another frame after ", hex(bytes));
  return true;
}

}  // namespace

TEST_CASE("a flipped bit never does more than give another frame or an error") {
  for (const auto& frame : one_of_each()) {
    const auto bytes = encode(frame);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      decodes_to_a_frame_or_an_error(flipped);
    }
  }
}

TEST_CASE("random bytes never do more than give a frame or an error") {
  Random random(1);
  int frames = 0;
  for (int i = 0; i < 50'000; ++i) {
    // Most begin as a frame does, or nothing would come past the first byte.
    std::string bytes;
    if (random.below(4) > 0) {
      bytes += static_cast<char>(0x92 + random.below(7));
      bytes += static_cast<char>(1 + random.below(9));
    }
    for (auto size = random.below(40); size > 0; --size) {
      bytes += static_cast<char>(random.below(256));
    }
    frames += decodes_to_a_frame_or_an_error(bytes) ? 1 : 0;
  }
  CHECK(frames > 0);
}

TEST_CASE("a mutated frame never does more than give another frame or an error") {
  Random random(2);
  auto frames = one_of_each();
  std::vector<std::string> samples;
  samples.reserve(frames.size());
  for (const auto& frame : frames) samples.push_back(encode(frame));
  int decoded = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto bytes = samples[random.below(samples.size())];
    for (auto changes = 1 + random.below(4); changes > 0 && !bytes.empty(); --changes) {
      const auto where = random.below(bytes.size());
      switch (random.below(4)) {
        case 0:
          bytes[where] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.erase(where, 1 + random.below(4));
          break;
        case 2:
          bytes.insert(where, 1, static_cast<char>(random.below(256)));
          break;
        default: {
          const auto& other = samples[random.below(samples.size())];
          bytes = bytes.substr(0, where) + other.substr(random.below(other.size()));
        }
      }
    }
    decoded += decodes_to_a_frame_or_an_error(bytes) ? 1 : 0;
  }
  CHECK(decoded > 1'000);
}
