// Lines in that publish nothing and tell the peer to do something.
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;
using tidegate::testing::contains;

TEST_CASE("a line about the outbox says one thing, about a name") {
  const auto read = [](std::string_view line) {
    const auto order = parse_outbox(line);
    REQUIRE(order);
    return *order;
  };
  const auto subscribe = read(R"({"outbox":"mails","subscribe":"a/#","from":"earliest","id":"x"})");
  REQUIRE(subscribe);
  CHECK(subscribe->name == "mails");
  CHECK(subscribe->id == R"("x")");
  const auto& wanted = std::get<OutboxOrder::Subscribe>(subscribe->deed);
  CHECK(wanted.text == "a/#");
  CHECK((wanted.pattern == Pattern::parse("a/#").value()));
  CHECK((wanted.from == From::earliest));
  const auto latest = read(R"({"outbox":"mails","subscribe":"#"})");
  REQUIRE(latest);
  CHECK((std::get<OutboxOrder::Subscribe>(latest->deed).from == From::latest));
  const auto taken = read(R"({"taken":17,"outbox":"mails"})");
  REQUIRE(taken);
  CHECK(std::get<OutboxOrder::Take>(taken->deed).ticket == 17);
  const auto unsubscribe = read(R"({"unsubscribe":"a/#","outbox":"mails"})");
  REQUIRE(unsubscribe);
  CHECK(std::get<OutboxOrder::Unsubscribe>(unsubscribe->deed).text == "a/#");
  const auto forget = read(R"({"forget":true,"outbox":"mails"})");
  REQUIRE(forget);
  CHECK(std::holds_alternative<OutboxOrder::Forget>(forget->deed));
  for (const auto* other : {R"({"topic":"outbox"})", R"({"topic":"a","payload":"\"outbox\""})",
                            R"({"subscribe":"outbox"})", R"("outbox")", ""}) {
    CAPTURE(other);
    CHECK_FALSE(parse_outbox(other));
  }
  for (const auto& wrong : std::vector<std::pair<const char*, const char*>>{
           {R"({"outbox":"mails"})", "says one thing"},
           {R"({"outbox":"mails","taken":1,"forget":true})", "says one thing"},
           {R"({"outbox":"mails","topic":"a"})", R"("topic" is unknown)"},
           {R"({"outbox":"mails","taken":1,"from":"latest"})", "from is for subscribe alone"},
           {R"({"outbox":"mails","subscribe":"a","from":"now"})", R"("earliest" or "latest")"},
           {R"({"outbox":"mails","subscribe":"a/#/b"})", "#"},
           {R"({"outbox":"mails","taken":"1"})", "a number"},
           {R"({"outbox":"mails","forget":false})", R"("forget":true)"},
           {R"({"outbox":"../x","subscribe":"a"})", "../x"},
           {R"({"outbox":"mails","subscribe":"a","id":null})", "id is neither"}}) {
    CAPTURE(wrong.first);
    const auto order = read(wrong.first);
    REQUIRE_FALSE(order);
    CHECK(contains(order.error().message, wrong.second));
  }
}

TEST_CASE("a line is an order as a whole, and nothing that is near it") {
  const auto is = [](std::string_view line, auto kind) {
    const auto order = parse_order(line);
    return order && *order && std::holds_alternative<decltype(kind)>(**order);
  };
  CHECK(is(R"({"trust":"primary"})", TrustPrimary{}));
  CHECK(is(R"( { "trust" : "primary" } )", TrustPrimary{}));
  CHECK(is(R"({"keys":"reload"})", ReloadKeys{}));
  const auto subscribe = parse_order(R"({"subscribe":"builds/\\*/#"})");
  REQUIRE((subscribe && *subscribe));
  const auto& wanted = std::get<Subscribe>(**subscribe);
  CHECK(wanted.text == R"(builds/\*/#)");
  CHECK((wanted.pattern == Pattern::parse(R"(builds/\*/#)").value()));
  const auto unsubscribe = parse_order(R"({"unsubscribe":"#"})");
  REQUIRE((unsubscribe && *unsubscribe));
  CHECK((std::get<Unsubscribe>(**unsubscribe).pattern == Pattern::all()));
  for (const auto* message :
       {R"({"trust":"primary","topic":"a"})", R"({"topic":"trust"})", "trust", "reload",
        R"({"keys":"reload","topic":"a"})", R"({"subscribe":"a","id":1})", "[]", ""}) {
    CAPTURE(message);
    CHECK_FALSE(parse_order(message));
  }
  for (const auto* wrong : {R"({"trust":"replica"})", R"({"keys":"show"})",
                            R"({"subscribe":["a"]})", R"({"unsubscribe":"a/#/b"})"}) {
    CAPTURE(wrong);
    const auto order = parse_order(wrong);
    REQUIRE(order);
    CHECK_FALSE(*order);
  }
}
