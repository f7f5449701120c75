// The events that those who listen at /events are told, and when; the page that shows them.
#include "command/doors/http/event_feed.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/http/page.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::http_door;

namespace {

constexpr Instant start{1000s};

struct Fed {
  json_lines::PeerReport report;
  std::vector<std::string> events;
  EventFeed feed{[this] { return report; },
                 [this](std::string event) { events.push_back(std::move(event)); }};

  // The names of the events that are sent by then.
  std::string turn(Duration after) {
    events.clear();
    feed.turn(start + after);
    std::string names;
    for (const auto& event : events) names += event.substr(7, event.find('\n') - 7) + " ";
    return names;
  }
};

Delivery delivery(const std::string& topic) {
  Delivery one{{Topic::parse(topic).value(), "secret"}, {}, "app", 1};
  one.held = 3ms;
  return one;
}

}  // namespace

TEST_CASE("while nobody listens nothing is made and nothing is due") {
  Fed fed;
  fed.feed.handle(delivery("a"));
  CHECK(fed.feed.deadline() == never);
  CHECK(fed.turn(0s) == "");
  fed.feed.listen(1);
  CHECK(fed.turn(0s) == "status ");
  fed.feed.listen(0);
  CHECK(fed.feed.deadline() == never);
  CHECK(fed.turn(1h) == "");
}

TEST_CASE("the status is told once a second, at once to a new client, and soon after a change") {
  Fed fed;
  fed.feed.listen(1);
  CHECK(fed.turn(0s) == "status ");
  CHECK(fed.turn(250ms) == "");
  fed.report.held_bytes = 7;  // a number alone
  CHECK(fed.turn(750ms) == "");
  CHECK(fed.turn(1s) == "status ");
  fed.report.troubles.emplace_back();
  CHECK(fed.turn(1100ms) == "");
  CHECK(fed.turn(1250ms) == "status ");
  fed.feed.listen(2);
  CHECK(fed.turn(1251ms) == "status ");
  fed.feed.listen(1);
  CHECK(fed.turn(1501ms) == "");
}

TEST_CASE("deliveries are told together, the newest of them, and never their payload") {
  Fed fed;
  fed.feed.listen(1);
  (void)fed.turn(0s);
  for (int i = 0; i < 100; ++i) fed.feed.handle(delivery("builds/" + std::to_string(i)));
  CHECK(fed.turn(250ms) == "deliveries ");
  const auto text = fed.events.front();
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.ends_with("}\n\n"));
  const auto json = nlohmann::json::parse(text.substr(text.find('{')));
  CHECK(json["delivered"] == 100);
  REQUIRE(json["newest"].size() == 20);
  CHECK(json["newest"][19]["topic"] == nlohmann::json{"builds", "99"});
  CHECK(json["newest"][19]["bytes"] == 6);
  CHECK(json["newest"][19]["held_ms"] == 3);
  CHECK(fed.turn(500ms) == "");
}

TEST_CASE("a text with line breaks is one event") {
  Fed fed;
  fed.report.name = "a\n\nevent: trouble\ndata: {}";
  fed.feed.listen(1);
  CHECK(fed.turn(0s) == "status ");
  CHECK(fed.events.front().find("\n\n") == fed.events.front().size() - 2);
}

TEST_CASE("a trouble is told when it begins and when it has ended") {
  Fed fed;
  fed.feed.listen(1);
  fed.feed.handle(Notice(Trouble{.kind = Trouble::Kind::replay_still}));
  fed.feed.handle(Notice(Warning{"something else"}));
  REQUIRE(fed.events.size() == 1);
  CHECK(fed.events.front().starts_with("event: trouble\ndata: {"));
}

TEST_CASE("the page runs its own script and style alone") {
  // The hashes are those of `printf a | openssl dgst -sha256 -binary | base64`, and of b.
  CHECK(page_policy("b", "a") ==
        "default-src 'none'; script-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='; "
        "style-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  const auto page = live_page().body;
  CHECK(page.find("<script>") == page.rfind("<script>"));
  CHECK(page.find("<style>") == page.rfind("<style>"));
  for (const auto* never_there : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                                  "eval(", "style=\"", "onclick"}) {
    CAPTURE(never_there);
    CHECK(page.find(never_there) == std::string::npos);
  }
}
