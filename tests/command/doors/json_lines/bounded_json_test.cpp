#include "command/doors/json_lines/bounded_json.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;
using tidegate::testing::contains;

namespace {

constexpr JsonBounds bounds{.depth = 3, .values = 8, .members = 4};

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string why_refused(const std::string& text) {
  CAPTURE(text);
  const auto read = read_json(text, bounds);
  REQUIRE_FALSE(read.ok());
  return read.error().message;
}

}  // namespace

TEST_CASE("within its bounds JSON is read as the library reads it") {
  for (const auto* text :
       {"null", "true", "-7", "18446744073709551615", "0.5", R"("a\u00e4\ud83d\ude00")", "{}", "[]",
        "[[[]]]", R"({"a":{"b":[1,2]},"c":[{},null]})", R"( [ 1 , {"a":[ ]} ] )",
        R"({"a":1,"b":2,"a":[3]})", "[1,2,3,4,5,6,7]"}) {
    CAPTURE(text);
    const auto read = read_json(text, bounds);
    REQUIRE(read.ok());
    CHECK(*read == Json::parse(text));
  }
}

TEST_CASE("brackets without an end are refused at the first one too deep") {
  CHECK(contains(why_refused("[[[["), "deeper than 3 levels"));
  CHECK(contains(why_refused(R"([{"a":{"b":[)"), "deeper than 3 levels"));
  CHECK(contains(why_refused(R"({"a":[[{)"), "deeper than 3 levels"));
  CHECK(contains(why_refused("[[[1]]], and no JSON"), "not JSON"));
}

TEST_CASE("a long list is refused at the first value too many, and an object at its member") {
  CHECK(read_json("[" + repeated("0,", 6) + "0]", bounds).ok());
  CHECK(contains(why_refused("[" + repeated("0,", 7) + "0, and no JSON"), "more than 8 values"));
  CHECK(contains(why_refused("[" + repeated("[],", 7) + "[], and no JSON"), "more than 8 values"));
  CHECK(
      contains(why_refused(R"({"a":1,"b":2,"c":3,"d":4,"e", and no JSON)"), "more than 4 members"));
}

TEST_CASE("text that is not JSON is said to be that") {
  for (const auto* text :
       {"", " ", "{", "[1", "nul", "{\"a\"}", "[1]]", "1e999", "\"\xff\"", "1 2"}) {
    CHECK(why_refused(text) == "not JSON");
  }
}
