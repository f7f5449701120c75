#include "lib/keys/mesh_key.hpp"

#include <doctest/doctest.h>

#include "tests/lib/keys/sample_key.hpp"

using namespace tidegate;
using keys::parse_keys;
using keys::Secret;
using testing::sample_key;

namespace {

std::string refusal(std::string_view text) {
  const auto keys = parse_keys(text);
  return keys ? "accepted" : keys.error().message;
}

}  // namespace

TEST_CASE("a key is this text, and is read back from it") {
  CHECK(to_text(sample_key(0)) ==
        "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg");
  const auto keys = parse_keys(to_text(sample_key(7)));
  REQUIRE(keys);
  REQUIRE(keys->size() == 1);
  CHECK(keys->front() == sample_key(7));
}

TEST_CASE("a list of keys keeps its order; comments and empty lines are left out") {
  const auto keys = parse_keys("# the new one\n\n  " + to_text(sample_key(2)) + "\t# of May\r\n" +
                               to_text(sample_key(1)));
  REQUIRE(keys);
  REQUIRE(keys->size() == 2);
  CHECK(keys->at(0) == sample_key(2));
  CHECK(keys->at(1) == sample_key(1));
}

TEST_CASE("a key that was cut or changed anywhere is refused, and its line is named") {
  const auto text = to_text(sample_key(1));
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    int taken = 0;
    for (int byte = 0; byte < 256; ++byte) {
      auto changed = text;
      changed[i] = static_cast<char>(byte);
      if (parse_keys(changed)) ++taken;
    }
    CHECK(taken == 1);
    CHECK_FALSE(parse_keys(text.substr(0, i)));
  }
  CHECK_FALSE(parse_keys(text + "A"));
  CHECK_FALSE(parse_keys(text + " " + text));
  CHECK(refusal("\n" + text.substr(0, 40)).starts_with("line 2 is a key that was cut"));
}

TEST_CASE("an error about a key does not quote it") {
  for (const auto& text : {to_text(sample_key(1)).substr(0, 60), to_text(sample_key(1)) + "AA",
                           "key = " + to_text(sample_key(1)),
                           to_text(sample_key(1)) + "\n" + to_text(sample_key(1))}) {
    CAPTURE(text);
    CHECK_FALSE(parse_keys(text));
    CHECK(refusal(text).find(to_text(sample_key(1)).substr(20, 6)) == std::string::npos);
  }
}

TEST_CASE("no key, one twice, and too many are refused") {
  CHECK(refusal("").starts_with("has no key"));
  CHECK(refusal("# nothing\n").starts_with("has no key"));
  CHECK(refusal("hunter2").starts_with("line 1 is no key; one begins with 'tidegate-key-1:'"));
  CHECK(refusal(to_text(sample_key(1)) + "\n" + to_text(sample_key(1)))
            .starts_with("line 2 has a key that"));
  std::string many;
  for (std::uint8_t i = 0; i < keys::most_keys; ++i) many += to_text(sample_key(i)) + "\n";
  CHECK(refusal(many) == "accepted");
  CHECK(refusal(many + to_text(sample_key(99))).starts_with("line 9 is one key too many"));
}
