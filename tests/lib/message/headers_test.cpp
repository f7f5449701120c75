#include "lib/message/headers.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"

using namespace tidegate;
using tidegate::base::limits::header_bytes;
using tidegate::base::limits::message_headers;
using tidegate::message::valid_headers;

namespace {

std::vector<Header> numbered(std::size_t count) {
  std::vector<Header> headers;
  for (std::size_t i = 0; i < count; ++i) headers.push_back({std::to_string(i), ""});
  return headers;
}

bool valid(const Headers& headers) { return valid_headers(headers); }

}  // namespace

TEST_CASE("headers are few, short, UTF-8, and each has a name of its own") {
  CHECK(valid({}));
  CHECK(valid({{"n", ""}}));
  CHECK(valid({{"name", "first"}, {"Name", "second"}}));
  CHECK_FALSE(valid({{"", "v"}}));
  CHECK_FALSE(valid({{"n", "v"}, {"m", "v"}, {"n", "w"}}));
  CHECK_FALSE(valid({{"\xff", "v"}}));
  CHECK_FALSE(valid({{"n", "\xff"}}));
}

TEST_CASE("the bounds of headers are those of the limits") {
  CHECK(valid(numbered(message_headers)));
  CHECK_FALSE(valid(numbered(message_headers + 1)));
  CHECK(valid({{"n", std::string(header_bytes - 1, 'x')}}));
  CHECK_FALSE(valid({{"n", std::string(header_bytes, 'x')}}));
  CHECK_FALSE(valid({{std::string(header_bytes, 'n'), "x"}}));
}

TEST_CASE("a list of headers is copied whole, and an empty one is like none") {
  const Headers none;
  CHECK(none.empty());
  CHECK(none.begin() == none.end());
  CHECK(none == Headers(std::vector<Header>()));
  CHECK(none == Headers{});
  Headers one{{"n", "v"}};
  CHECK(one != none);
  const auto copy = one;
  one = {{"m", "w"}};
  CHECK(copy.size() == 1);
  CHECK(*copy.begin() == Header{"n", "v"});
  CHECK(copy != one);
  one = none;
  CHECK(one.empty());
}
