// The HTTP server lets in its own pages, those that are named, and programs.
#include "command/doors/http/admission.hpp"

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate::http_door;
using tidegate::testing::contains;

namespace {

using Values = std::vector<std::string>;

// 0: let in.
unsigned status_of(const Values& hosts, const Values& origins, const Values& named = {}) {
  const auto refusal = Admission(named).refuses({hosts, origins});
  return refusal ? refusal->status : 0;
}

}  // namespace

TEST_CASE("a program that names no origin is let in, by any name of loopback") {
  for (const auto* host : {"localhost", "localhost:1", "LocalHost:1", "127.0.0.1:1", "127.9.9.9",
                           "[::1]", "[::1]:1"}) {
    CAPTURE(host);
    CHECK(status_of({host}, {}) == 0);
  }
  for (const auto* host : {"", ":1", "evil.example", "evil.example:1", "127.0.0.1.evil.example",
                           "127.0.0.1@evil.example", "[::2]", "10.0.0.1", "0.0.0.0"}) {
    CAPTURE(host);
    CHECK(status_of({host}, {}) == 421);
  }
  CHECK(status_of({}, {}) == 400);
  CHECK(status_of({"localhost", "localhost"}, {}) == 400);
}

TEST_CASE("a page is let in if its origin is the server's own, to the port, or is named") {
  CHECK(status_of({"localhost:1"}, {"http://localhost:1"}) == 0);
  CHECK(status_of({"localhost:1"}, {"https://localhost:1"}) == 0);
  for (const auto* origin : {"http://localhost", "http://localhost:2", "http://127.0.0.1:1", "null",
                             "", "localhost:1", "https://app.example.org"}) {
    CAPTURE(origin);
    CHECK(status_of({"localhost:1"}, {origin}) == 403);
  }
  CHECK(status_of({"localhost:1"}, {"http://localhost:1", "http://localhost:1"}) == 400);
  const Values named = {"https://app.example.org", "http://[::1]:3000"};
  CHECK(status_of({"localhost:1"}, {"https://app.example.org"}, named) == 0);
  CHECK(status_of({"localhost:1"}, {"http://[::1]:3000"}, named) == 0);
  CHECK(status_of({"localhost:1"}, {"http://app.example.org"}, named) == 403);
}

TEST_CASE("a page with a name of its own for this host is refused, also under its own origin") {
  CHECK(status_of({"evil.example:1"}, {"http://evil.example:1"}) == 421);
  // Behind a proxy the name is that of an origin.
  const Values named = {"https://app.example.org"};
  CHECK(status_of({"app.example.org"}, {"https://app.example.org"}, named) == 0);
  CHECK(status_of({"app.example.org:8"}, {"https://app.example.org:8"}, named) == 421);
}

TEST_CASE("a refusal names the option that lets the page in") {
  const auto page = Admission({}).refuses({{"localhost:1"}, {"https://app.example.org"}});
  CHECK(contains(page->text, "--http-origin https://app.example.org"));
  const auto hostile =
      Admission({}).refuses({{"localhost:1"}, {"\x1b[2J" + std::string(9999, 'x')}});
  CHECK(contains(hostile->text, "\\x1b[2J"));
  CHECK(hostile->text.size() < 1000);
}

TEST_CASE("an origin is written as browsers write it") {
  CHECK(parse_origin("https://App.Example.org").value() == "https://app.example.org");
  CHECK(parse_origin("https://app.example.org:443").value() == "https://app.example.org");
  CHECK(parse_origin("http://localhost:80").value() == "http://localhost");
  CHECK(parse_origin("http://localhost:443").value() == "http://localhost:443");
  CHECK(parse_origin("http://[::1]:3000").value() == "http://[::1]:3000");
  for (const auto* wrong : {"*", "null", "", "app.example.org", "https://", "https://a/", "ws://a",
                            "https://a:0", "https://a:x", "https://a b", "https://a/b:443",
                            "https://a:1:443", "https://[::1", "https://::1"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_origin(wrong).ok());
  }
}
