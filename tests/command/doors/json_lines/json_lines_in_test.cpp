// docs/json.md against the code: each kind of line in may have the members that stand in the
// document, with their types and values, and nothing else.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "tests/command/doors/json_lines/json_contract.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;
using namespace tidegate::testing;

namespace {

// Values of every type, with the name of the type.
std::vector<std::pair<std::string, Json>> one_of_each() {
  return {{"string", "bm9uZQ=="},
          {"integer", 1},
          {"number", 0.5},
          {"boolean", true},
          {"null", nullptr},
          {"array of string", Json::array({"a"})},
          {"array of integer", Json::array({1})},
          {"position", to_json(a_place())},
          {"object", Json::object()}};
}

// The members of that kind of line, which are those that the code knows.
template <typename Members>
auto documented(const char* kind, const Members& members) {
  auto shape = contract_of_repository()[kind];
  Words names;
  for (const auto& entry : shape) names.insert(entry.first);
  CHECK(joined(names) == joined(Words(members.begin(), members.end())));
  return shape;
}

bool accepted(const Json& line) { return parse_publication(to_text(line)).ok(); }

}  // namespace

TEST_CASE("the document of the JSON contract lists exactly what a line that waits may have") {
  const auto shape = documented("wait", wait_members);

  const auto token = to_token(a_place());
  for (const auto& entry : shape) {
    const auto& name = entry.first;
    CAPTURE(name);
    for (const auto& each : one_of_each()) {
      const auto& type = each.first;
      CAPTURE(type);
      Json line = {{"wait", token}};
      line[name] = name == "wait" && type == "string" ? Json(token) : each.second;
      const auto wait = parse_wait(to_text(line));
      REQUIRE(wait.has_value());
      CHECK(wait->ok() == entry.second.types.contains(type));
    }
  }
}

TEST_CASE("the document of the JSON contract lists exactly what a line that traces may have") {
  const auto shape = documented("trace", trace_members);

  for (const auto& entry : shape) {
    const auto& name = entry.first;
    CAPTURE(name);
    for (const auto& each : one_of_each()) {
      const auto& type = each.first;
      CAPTURE(type);
      Json line = {{"trace", "a/#"}};
      line[name] = each.second;
      const auto trace = parse_trace(to_text(line));
      REQUIRE(trace.has_value());
      CHECK(trace->ok() == entry.second.types.contains(type));
    }
  }
}

TEST_CASE("a line that traces is refused with what to write") {
  const auto error = [](const std::string& line) { return parse_trace(line)->error().message; };
  CHECK(error(R"({"trace":"a/#/b"})").find("goes on behind '#'") != std::string::npos);
  CHECK(error(R"({"trace":1})") == R"(trace is a pattern as text, such as "builds/*/new")");
  CHECK(error(R"({"trace":")" + std::string(1025, 'a') + R"("})") ==
        "the pattern has 1025 bytes, and a trace takes 1024; write # for the rest");
  CHECK(error(R"({"trace":"a","timeout_ms":600001})").find("at most 600000") != std::string::npos);
  CHECK(error(R"({"trace":"a","where":1})") ==
        R"("where" is unknown beside "trace"; write id and timeout_ms)");
  CHECK_FALSE(parse_trace(R"({"topic":"trace","payload":"\"trace\""})").has_value());
}

TEST_CASE("the document of the JSON contract lists exactly what a line about the outbox may have") {
  const auto shape = documented("outbox", outbox_members);

  for (const auto& entry : shape) {
    const auto& name = entry.first;
    const auto& member = entry.second;
    CAPTURE(name);
    Json line = {{"outbox", "mails"}};
    if (name == "outbox" || name == "from" || name == "id") line["subscribe"] = "a";
    const auto obeyed = [&](const Json& value) {
      line[name] = value;
      const auto order = parse_outbox(to_text(line));
      REQUIRE(order.has_value());
      return order->ok();
    };
    for (const auto& each : one_of_each()) {
      const auto& type = each.first;
      CAPTURE(type);
      // A string that is one of a few values is tried below, and a name has no "=".
      const bool any = type != "string" || member.values.empty();
      const auto value = name == "outbox" && type == "string" ? Json("mails") : each.second;
      CHECK(obeyed(value) == (any && member.types.contains(type)));
    }
    for (const auto& value : member.values) {
      CAPTURE(value);
      CHECK(obeyed(value));
    }
  }
}

TEST_CASE("the document of the JSON contract lists exactly what a line in may have") {
  const auto shape = documented("publish", publication_members);

  for (const auto& entry : shape) {
    const auto& name = entry.first;
    const auto& member = entry.second;
    CAPTURE(name);
    Json line = {{"topic", "a"}};
    if (name == "durable") line["depends"] = "commit";
    if (name == "receipt") line["id"] = 1;
    for (const auto& each : one_of_each()) {
      const auto& type = each.first;
      CAPTURE(type);
      line[name] = each.second;
      // A string that is one of a few values is tried below.
      const bool any = type != "string" || member.values.empty();
      CHECK(accepted(line) == (any && member.types.contains(type)));
    }
    for (const auto& value : member.values) {
      CAPTURE(value);
      line[name] = value;
      CHECK(accepted(line));
    }
  }
}
