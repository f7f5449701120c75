#include "lib/stomp/destination.hpp"

#include <string>

#include <doctest/doctest.h>

#include "lib/stomp/message_id.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;
using namespace std::string_literals;

namespace {

std::string topic_text(const std::string& destination) {
  const auto topic = topic_of(destination);
  return topic ? to_string(*topic) : topic.error().message;
}

bool gets(const std::string& destination, const std::string& topic) {
  const auto filter = filter_of(destination);
  REQUIRE(filter.ok());
  return filter->pattern.matches(Topic::parse(topic).value());
}

}  // namespace

TEST_CASE("a destination names a topic in three forms") {
  CHECK(topic_text("builds/42/new") == "builds/42/new");
  CHECK(topic_text("/topic/builds/42/new") == "builds/42/new");
  CHECK(topic_text("/topic/builds.42.new") == "builds/42/new");
  CHECK(topic_text("builds.42") == "builds.42");
  CHECK(topic_text("/topic/a\\.b/c\\/d\\\\") == "a.b/c\\/d\\\\");
  CHECK(topic_text("/topic/a/\\*") == "a/\\*");
}

TEST_CASE("a destination that is no topic is refused with the cure") {
  CHECK(contains(topic_text("/queue/a"), "everybody gets it, so write /topic/"));
  CHECK(contains(topic_text("/exchange/a"), "write /topic/a/b"));
  CHECK(contains(topic_text("/topic/a/*"), "write \\*"));
  CHECK(contains(topic_text("a/>"), "write \\>"));
  CHECK(contains(topic_text("a\\"), "single backslash"));
  CHECK(contains(topic_text(std::string(notices)), "only to be subscribed to"));
  CHECK(contains(filter_of("/queue/a").error().message, "write /topic/"));
  CHECK(contains(filter_of("a/#/b").error().message, "is no pattern"));
}

TEST_CASE("a subscription chooses by the wildcards of tidegate and of other brokers") {
  CHECK(gets("/topic/builds.*.new", "builds/1/new"));
  CHECK_FALSE(gets("/topic/builds.*.new", "builds/1/old"));
  for (const auto* rest : {"builds/#", "builds/>", "/topic/builds.>", "/topic/builds/#"}) {
    CAPTURE(rest);
    CHECK(gets(rest, "builds/1/new"));
    CHECK(gets(rest, "builds"));
    CHECK_FALSE(gets(rest, "jobs/1"));
  }
  CHECK(gets("a/\\>", "a/>"));
  CHECK_FALSE(gets("a/\\>", "a/b"));
  CHECK(gets("a/\\*", "a/\\*"));
  CHECK_FALSE(gets("a/\\*", "a/b"));
  CHECK(gets("/topic/a\\.b", "a.b"));
}

TEST_CASE("every topic can be named in every form") {
  const std::vector<std::vector<std::string>> topics = {
      {"a", "b"}, {""},  {"", "a"}, {"a", ""},         {"", "topic", "x"}, {"/topic/x"},
      {"*", "#"}, {">"}, {"a.b"},   {".", "/\\."},     {"*x", "\\*"},      {"a\nb\rc:d"},
      {"", ""},   {"/"}, {"\\"},    {"", "queue", "a"}};
  for (const auto& elements : topics) {
    const auto topic = Topic::of(elements).value();
    for (const auto form : {Form::plain, Form::slashes, Form::dots}) {
      const auto text = destination_of(topic, form);
      CAPTURE(text);
      const auto again = topic_of(text);
      REQUIRE(again.ok());
      CHECK(*again == topic);
      CHECK(filter_of(text).value().pattern.matches(topic));
    }
  }
}

TEST_CASE("messages name their topic in the form of the subscription") {
  const auto topic = Topic::parse("a/b").value();
  CHECK(destination_of(topic, filter_of("a/*").value().form) == "a/b");
  CHECK(destination_of(topic, filter_of("/topic/a/*").value().form) == "/topic/a/b");
  CHECK(destination_of(topic, filter_of("/topic/a.*").value().form) == "/topic/a.b");
}

TEST_CASE("a message-id is read as it was written, and nothing else is one") {
  MessageId id{{{}, 1795640443355842}, 17};
  id.origin.peer.bytes.fill(0xF0);
  const auto text = to_string(id);
  CHECK(text == "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0-1795640443355842-17");
  CHECK(message_id_from(text) == id);
  for (const auto& other : {text + "x", "F" + text.substr(1), text.substr(0, 33), ""s, "f"s,
                            "message-1"s, text.substr(0, 33) + "01-1"}) {
    CAPTURE(other);
    CHECK_FALSE(message_id_from(other));
  }
}
