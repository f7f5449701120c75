#include "discovery/seeds.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::discovery;

TEST_CASE("a seed is an IPv4 address, an IPv6 address in brackets or a name, with a port") {
  const auto seeds = parse_seeds({"192.0.2.7:17882", "[2001:db8::7]:1", "master-b.example:65535",
                                  "localhost:17882", "build_db_1:17882", "3com.example:17882"});
  REQUIRE(seeds.ok());
  CHECK(*seeds == std::vector<Seed>{{"192.0.2.7", 17882},
                                    {"2001:db8::7", 1},
                                    {"master-b.example", 65535},
                                    {"localhost", 17882},
                                    {"build_db_1", 17882},
                                    {"3com.example", 17882}});
}

TEST_CASE("a seed is written as it is read") {
  for (const auto* text : {"192.0.2.7:17882", "[2001:db8::7]:17882", "master-b:17882"}) {
    CHECK(to_string(parse_seeds({text})->front()) == text);
  }
}

TEST_CASE("no seeds are fine") { CHECK(parse_seeds({})->empty()); }

TEST_CASE("a text that is not a seed is refused and quoted") {
  using namespace std::string_literals;
  for (const auto& text : {""s,
                           "a"s,
                           ":1"s,
                           "a:"s,
                           "a:0"s,
                           "a:65536"s,
                           "a:-1"s,
                           "a:+1"s,
                           "a: 1"s,
                           "a:1 "s,
                           "a b:1"s,
                           "a:1x"s,
                           "tcp://a:1"s,
                           "a..b:1"s,
                           ".a:1"s,
                           "a.:1"s,
                           "-a:1"s,
                           "a-:1"s,
                           "1.2.3:1"s,
                           "1.2.3.256:1"s,
                           "1.2.3.4.5:1"s,
                           "::1:1"s,
                           "[::1]"s,
                           "[::1:1"s,
                           "[a]:1"s,
                           "[]:1"s,
                           "[1.2.3.4]:1"s,
                           "[::1\0]:1"s,
                           "1.2.3.4\0:1"s,
                           "b\xC3\xBC"
                           "cher:1"s,
                           std::string(64, 'a') + ":1"}) {
    const auto seeds = parse_seeds({text});
    CAPTURE(text);
    REQUIRE_FALSE(seeds.ok());
    CHECK(seeds.error().message.find("'" + text + "'") != std::string::npos);
  }
}

TEST_CASE("all that is wrong is told at once") {
  const auto seeds = parse_seeds({"first", "good:17882", "::1:17882", "last:0"});
  REQUIRE_FALSE(seeds.ok());
  CHECK(seeds.error().message ==
        "seed 'first' has no port; write host:port; "
        "seed '::1:17882' has more than one colon; write an IPv6 address as [address]:port; "
        "seed 'last:0' needs a port from 1 to 65535 behind its last colon");
}
