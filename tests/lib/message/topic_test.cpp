#include "tidegate/topic.hpp"

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/base/random.hpp"

using namespace tidegate;
using namespace tidegate::base;

namespace {

using Elements = std::vector<std::string>;

Elements elements(std::string_view text) {
  const auto topic = Topic::parse(text);
  if (!topic) return {"refused: " + topic.error().message};
  return {topic->begin(), topic->end()};
}

bool matches(std::string_view pattern, std::string_view topic) {
  return Pattern::parse(pattern).value().matches(Topic::parse(topic).value());
}

}  // namespace

TEST_CASE("a topic is cut at its slashes") {
  CHECK(elements("builds/42/new") == Elements{"builds", "42", "new"});
  CHECK(elements("a") == Elements{"a"});
}

TEST_CASE("an element may be empty") {
  CHECK(elements("") == Elements{""});
  CHECK(elements("/") == Elements{"", ""});
  CHECK(elements("a//b") == Elements{"a", "", "b"});
}

TEST_CASE("a backslash takes the character behind it literally") {
  CHECK(elements("a\\/b/c") == Elements{"a/b", "c"});
  CHECK(elements("a\\\\/b") == Elements{"a\\", "b"});
  CHECK(elements("\\*/\\#") == Elements{"*", "#"});
  CHECK(elements("\\a") == Elements{"a"});
}

TEST_CASE("a topic that looks like a pattern is refused, and told how to write the character") {
  for (const auto* text : {"*", "#", "a/*", "a/#/b"}) {
    CAPTURE(text);
    const auto topic = Topic::parse(text);
    REQUIRE_FALSE(topic.ok());
    CHECK(topic.error().message.find("write \\") != std::string::npos);
  }
  CHECK(elements("a*/#b") == Elements{"a*", "#b"});
}

TEST_CASE("a single backslash at the end is refused") {
  CHECK_FALSE(Topic::parse("a\\").ok());
  CHECK_FALSE(Pattern::parse("a\\").ok());
  CHECK(Topic::parse("a\\\\").ok());
}

TEST_CASE("an element of any length comes back as it was") {
  for (const auto length : {0U, 1U, 14U, 15U, 254U, 255U, 256U, 511U, 512U, 4000U}) {
    CAPTURE(length);
    const Elements parts{"before", std::string(length, 'x'), "behind"};
    const auto topic = Topic::of(parts).value();
    CHECK(Elements(topic.begin(), topic.end()) == parts);
    CHECK(topic.size() == 3);
    CHECK(topic.bytes() == 12 + length);
  }
}

TEST_CASE("a topic has at least one element and no more than the limit") {
  CHECK_FALSE(Topic::of({}).ok());
  CHECK(Topic::of(Elements(limits::topic_elements)).ok());
  CHECK_FALSE(Topic::of(Elements(limits::topic_elements + 1)).ok());
}

TEST_CASE("the elements of a topic together have no more bytes than the limit") {
  const std::string half(limits::topic_bytes / 2, 'x');
  CHECK(Topic::of({half, half})->bytes() == limits::topic_bytes);
  CHECK_FALSE(Topic::of({half, half + "x"}).ok());
}

TEST_CASE("an element that is not UTF-8 is refused") {
  CHECK(Topic::of({"\xc3\xa9"}).ok());
  for (const auto* text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80"}) {
    CHECK_FALSE(Topic::of({"fine", text}).ok());
  }
}

TEST_CASE("every topic comes back from its text form") {
  Random random(1);
  const std::string characters = "ab/\\*#";
  for (int i = 0; i < 20'000; ++i) {
    Elements parts(1 + random.below(3));
    for (auto& part : parts) {
      for (auto size = random.below(4); size > 0; --size) {
        part += characters[random.below(characters.size())];
      }
    }
    const auto topic = Topic::of(parts).value();
    const auto back = Topic::parse(to_string(topic));
    if (!back || *back != topic) FAIL_CHECK(to_string(topic));
  }
}

TEST_CASE("a pattern without a wildcard matches its own topic only") {
  CHECK(matches("a/b", "a/b"));
  CHECK_FALSE(matches("a/b", "a"));
  CHECK_FALSE(matches("a/b", "a/b/c"));
  CHECK_FALSE(matches("a/b", "a/c"));
  CHECK_FALSE(matches("a", ""));
}

TEST_CASE("an asterisk matches exactly one element, also an empty one") {
  CHECK(matches("builds/*/new", "builds/42/new"));
  CHECK(matches("builds/*/new", "builds//new"));
  CHECK_FALSE(matches("builds/*/new", "builds/new"));
  CHECK_FALSE(matches("builds/*/new", "builds/4/2/new"));
  CHECK(matches("*", "a"));
  CHECK_FALSE(matches("*", "a/b"));
}

TEST_CASE("a hash matches all the rest, also nothing") {
  CHECK(matches("builds/#", "builds"));
  CHECK(matches("builds/#", "builds/42/new"));
  CHECK_FALSE(matches("builds/#", "build"));
  CHECK(matches("*/#", "a/b"));
  CHECK_FALSE(matches("*/*/#", "a"));
}

TEST_CASE("a wildcard inside an element or behind a backslash is an ordinary character") {
  CHECK(matches("a*", "a*"));
  CHECK_FALSE(matches("a*", "ab"));
  CHECK(matches("\\*", "\\*"));
  CHECK_FALSE(matches("\\*", "a"));
  CHECK_FALSE(matches("a/\\#", "a"));
}

TEST_CASE("every pattern comes back from its text form") {
  Random random(1);
  const std::string characters = "ab/\\*#";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto size = random.below(8); size > 0; --size) {
      text += characters[random.below(characters.size())];
    }
    const auto pattern = Pattern::parse(text);
    if (!pattern) continue;
    const auto back = Pattern::parse(to_string(*pattern));
    if (!back || *back != *pattern) FAIL_CHECK(text);
  }
}

TEST_CASE("a pattern that goes on behind a hash is refused") {
  CHECK_FALSE(Pattern::parse("#/a").ok());
  CHECK_FALSE(Pattern::parse("#/#").ok());
}

TEST_CASE("the pattern for everything matches everything, and is the one written with a hash") {
  CHECK(Pattern::all().matches(Topic::parse("").value()));
  CHECK(Pattern::all().matches(Topic::parse("a/b").value()));
  CHECK((Pattern::all() == Pattern::parse("#").value()));
}
