#include "lib/base/decimal.hpp"

#include <cstdint>

#include <doctest/doctest.h>

using tidegate::base::parse_number;
using tidegate::base::take_number;

TEST_CASE("a number is all of the text, without sign or blanks, and fits") {
  CHECK(parse_number<std::uint16_t>("65535") == 65535);
  CHECK(parse_number<std::uint64_t>("7f", 16) == 0x7F);
  CHECK(parse_number<int>("-5") == -5);
  for (const auto* text : {"", " 1", "1 ", "+1", "-1", "65536", "1.0", "one"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number<std::uint16_t>(text).has_value());
  }
}

TEST_CASE("a number is taken off the front, and nothing when there is none") {
  std::string_view text = "64 MiB";
  CHECK(take_number<int>(text) == 64);
  CHECK(text == " MiB");
  CHECK_FALSE(take_number<int>(text).has_value());
  CHECK(text == " MiB");
}
