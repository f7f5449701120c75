#include "lib/base/ipv4.hpp"

#include <doctest/doctest.h>

using namespace tidegate::base;

TEST_CASE("an address is four numbers up to 255 without leading zeros") {
  CHECK(parse_ipv4("127.0.0.1") == Ipv4{0x7F000001});
  CHECK(parse_ipv4("255.255.255.255") == Ipv4{0xFFFFFFFF});
  CHECK(parse_ipv4("0.0.0.0") == Ipv4{0});
  CHECK(to_string(Ipv4{0x0A110259}) == "10.17.2.89");
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", " 1.2.3.4",
                           "1.2.3.4 ", "1..2.3", "a.b.c.d", "-1.2.3.4", "1", "1.2.3.x", "::1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ipv4(text).has_value());
  }
  CHECK_FALSE(parse_ipv4(std::string_view("1.2.3.4\0", 8)).has_value());
}
