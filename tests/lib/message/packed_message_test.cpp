#include "lib/message/packed_message.hpp"

#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::message;
using tidegate::testing::a_message;

namespace {

// The message that comes out of a packed one.
Message packed(Message message) {
  PackedMessage packed(std::move(message));
  auto moved = std::move(packed);
  return moved.unpack();
}

}  // namespace

TEST_CASE("topic, payload and headers are unpacked as they were packed, whatever their size") {
  for (const auto* topic : {"a", "a/b", "/", "a//b", "a\\/b/\\*"}) {
    for (const auto bytes : {0U, 1U, 256U, 4096U, 4097U, 100'000U}) {
      CAPTURE(topic);
      CAPTURE(bytes);
      auto original = a_message(topic, std::string(bytes, 'x'));
      CHECK((packed(original) == original));
      original.headers = {
          {"a", ""}, {"content-type", "text/plain"}, {"long", std::string(8000, 'y')}};
      CHECK((packed(original) == original));
    }
  }
}

TEST_CASE("a large payload is not copied") {
  auto original = a_message("a", std::string(100'000, 'x'));
  const auto* const bytes = original.payload.data();
  CHECK(packed(std::move(original)).payload.data() == bytes);
}

TEST_CASE("a packed message weighs what the message does") {
  for (const auto bytes : {0U, 256U, 100'000U}) {
    auto original = a_message("a/" + std::string(300, 'b') + "/c", std::string(bytes, 'x'));
    CHECK(PackedMessage(original).footprint() == footprint(original));
    original.headers = {{"a", ""}, {"content-type", "text/plain"}};
    CHECK(PackedMessage(original).footprint() == footprint(original));
  }
}
