// The answers of the HTTP server about a peer, and who gets them.
#include "command/doors/http/replies.hpp"

#include <chrono>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/http/admission.hpp"
#include "command/doors/http/token.hpp"
#include "tests/support/contains.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::http_door;
using json_lines::PeerReport;
using tidegate::testing::contains;

namespace {

const std::string token = "0123456789abcdef";

PeerReport gated(std::optional<Duration> waited) {
  PeerReport report;
  report.gated = true;
  if (waited) {
    report.tide.emplace();
    report.held = *waited > Duration::zero() ? 1 : 0;
    report.held_longest = *waited;
  }
  return report;
}

unsigned status_of(const Credentials& shown, const std::string& wanted = token) {
  const auto refusal = Admission({}, wanted).refuses(shown);
  return refusal ? refusal->status : 0;
}

}  // namespace

TEST_CASE("a peer is ready while its server answers and shows what is announced in time") {
  CHECK(readiness(PeerReport{}, "").status == 200);
  CHECK(readiness(gated(0s), "").status == 200);
  CHECK(readiness(gated(10s), "").status == 200);
  CHECK(readiness(gated(11s), "").status == 503);
  CHECK(readiness(gated(std::nullopt), "").status == 503);
}

TEST_CASE("a probe bounds the lag itself") {
  CHECK(readiness(gated(5s), "lag=5s").status == 200);
  CHECK(readiness(gated(5001ms), "lag=5s").status == 503);
  CHECK(contains(readiness(gated(6s), "lag=5s").body, "the bound is 5s"));
  CHECK(readiness(gated(1min), "lag=2min").status == 200);
  for (const auto* wrong : {"lag", "lag=", "lag=5", "lag=x", "slack=5s", "lag=5s&x=1"}) {
    CAPTURE(wrong);
    const auto reply = readiness(gated(0s), wrong);
    CHECK(reply.status == 400);
    CHECK(contains(reply.body, "?lag=5s"));
  }
}

TEST_CASE("a probe learns no name and no address") {
  auto report = gated(std::nullopt);
  report.database.reason = "could not connect to secret-host";
  CHECK(readiness(report, "").body.find("secret-host") == std::string::npos);
}

TEST_CASE("the status over HTTP is the document of the status socket") {
  PeerReport report;
  report.name = "web-1";
  const auto reply = status_document(report);
  CHECK(reply.type == "application/json");
  CHECK(nlohmann::json::parse(reply.body)["name"] == "web-1");
}

TEST_CASE("a token is shown as a bearer or as the password of anybody") {
  CHECK(shows_token({"Bearer " + token}, token));
  CHECK(shows_token({"bEARER  " + token}, token));
  CHECK(shows_token({"Basic bWU6MDEyMzQ1Njc4OWFiY2RlZg=="}, token));  // me:0123456789abcdef
  CHECK(shows_token({"Basic OjAxMjM0NTY3ODlhYmNkZWY="}, token));      // :0123456789abcdef
  for (const std::string wrong :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeX", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0", "Digest 0123456789abcdef", "0123456789abcdef", "Basic",
        "Basic 0123456789abcdef", "Basic MDEyMzQ1Njc4OWFiY2RlZg==", "Basic %%%"}) {
    CAPTURE(wrong);
    CHECK_FALSE(shows_token({wrong}, token));
  }
  CHECK_FALSE(shows_token({}, token));
}

TEST_CASE("a token that is easily guessed is refused") {
  CHECK_FALSE(refuse_token(token).has_value());
  for (const std::string wrong : {"0123456789abcde", "0123456789 abcdef", "0123456789abcde\n"}) {
    CHECK(contains(refuse_token(wrong).value_or(""), "openssl rand"));
  }
}

TEST_CASE("with a token every request shows it, and only probes need not") {
  const std::string right = "Bearer " + token;
  CHECK(status_of({{"app:1"}, {}, {right}}) == 0);
  CHECK(status_of({{"localhost"}, {}, {}}) == 401);
  CHECK(status_of({{"localhost"}, {}, {"Bearer no"}}) == 401);
  CHECK(status_of({{"app:1"}, {}, {}, true}) == 0);
  CHECK(status_of({{"app:1"}, {"http://app:1"}, {right}}) == 0);
  CHECK(status_of({{"app:1"}, {"http://evil.example"}, {right}}) == 403);
  // Without one, a bearer opens nothing.
  CHECK(status_of({{"evil.example"}, {}, {"Bearer "}}, "") == 421);
}
