// Lines in that publish nothing and tell the peer to do something.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;

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
