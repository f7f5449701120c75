#include "lib/frame_codec.hpp"

#include <string>

#include <doctest/doctest.h>

#include "lib/limits.hpp"
#include "tests/samples.hpp"

using namespace tidegate;
using tidegate::testing::hex;
using tidegate::testing::message;
using tidegate::testing::origin;

namespace {

const Card card{origin(1), "default", "master-1", 17900, 17901};

std::vector<Frame> one_of_each() {
  return {
      Hello{card},
      Welcome{card},
      Refusal{"another mesh"},
      Ready{origin(1), 7},
      Listening{origin(2)},
      Data{
          origin(1), 3, {message("a/b", "x"), message("c", std::string(300, '\0'), "2:0/3000060")}},
      Heartbeat{origin(1), 0, std::nullopt},
      Heartbeat{origin(1), 9, Position{7, 2, Lsn{0x3000060}}},
      Farewell{origin(1), 9},
  };
}

}  // namespace

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
                  {message("builds/42", "new", "1:0/3000060")}};
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
  CHECK_FALSE(decode(encode(Listening{origin(1)}) + "x").ok());
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
  auto data = Data{origin(1), 1, {message("a", "")}};
  data.messages[0].payload.assign(limits::payload_bytes + 1, 'x');
  CHECK_FALSE(decode(encode(data)).ok());
  data.messages[0].payload.pop_back();
  CHECK(decode(encode(data)).ok());

  CHECK_FALSE(decode(encode(Data{origin(1), 0, {message("a", "")}})).ok());
  CHECK_FALSE(decode(encode(Ready{origin(1), 0})).ok());
  CHECK_FALSE(decode(encode(Refusal{std::string(limits::reason_bytes + 1, 'x')})).ok());
  CHECK_FALSE(decode(encode(Refusal{"\xff"})).ok());
  auto nameless = card;
  nameless.direct_port = 0;
  CHECK_FALSE(decode(encode(Hello{nameless})).ok());
  CHECK_FALSE(decode(encode(Data{origin(1), 1, {message("a", "", "0:0/1")}})).ok());
}

TEST_CASE("a flipped bit never does more than give another frame or an error") {
  for (const auto& frame : one_of_each()) {
    const auto bytes = encode(frame);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      if (const auto back = decode(flipped)) CHECK(decode(encode(Ready{origin(1), 1})).ok());
    }
  }
}
