#include "tidegate/history.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"

using namespace tidegate;

namespace {

History history(std::vector<HistoryEntry> entries) {
  return History::of(std::move(entries)).value();
}

const HistoryEntry root{1, 0, 0};

// "same", "ancestor 200", "descendant 200" or "apart 200"
std::string stands(const History& of, const History& to) {
  const auto found = kinship(of, to);
  const auto at = " " + std::to_string(found.left_at);
  switch (found.kind) {
    case Kinship::Kind::same:
      return "same";
    case Kinship::Kind::ancestor:
      return "ancestor" + at;
    case Kinship::Kind::descendant:
      return "descendant" + at;
    case Kinship::Kind::apart:
      return "apart" + at;
  }
  return "";
}

const auto all = std::to_string(std::numeric_limits<std::uint64_t>::max());

}  // namespace

TEST_CASE("a history is its timelines from the oldest that is known to the present one") {
  CHECK(history({root, {2, 200, 7}}).timeline() == 2);
  CHECK(history({root, {2, 200, 7}}).entries().size() == 2);
  CHECK(History().timeline() == 0);
  CHECK(History().entries().empty());
  CHECK(history({root, {2, 200, 7}}).complete());
  CHECK_FALSE(history({root, {2, 200, 0}}).complete());
  CHECK_FALSE(history({{2, 200, 7}}).complete());
  CHECK_FALSE(History().complete());
}

TEST_CASE("a history that no server can have is refused") {
  CHECK_FALSE(History::of({}).ok());
  CHECK_FALSE(History::of({{0, 0, 0}}).ok());
  CHECK_FALSE(History::of({root, root}).ok());
  CHECK_FALSE(History::of({{2, 200, 7}, root}).ok());
  CHECK_FALSE(History::of({root, {2, 200, 7}, {3, 199, 9}}).ok());
  CHECK(History::of({root, {2, 200, 7}, {3, 200, 9}}).ok());
  std::vector<HistoryEntry> many;
  for (TimelineId number = 1; number <= base::limits::history_entries + 1; ++number) {
    many.push_back({number, number, 1});
  }
  CHECK_FALSE(History::of(many).ok());
  many.pop_back();
  CHECK(History::of(many).ok());
}

TEST_CASE("a history that goes on from another was left by it where the next timeline begins") {
  const auto old = history({root});
  const auto second = history({root, {2, 200, 7}});
  const auto third = history({root, {2, 200, 7}, {3, 300, 8}});
  CHECK(stands(old, old) == "same");
  CHECK(stands(third, history({root, {2, 200, 7}, {3, 300, 8}})) == "same");
  CHECK(stands(old, second) == "ancestor 200");
  CHECK(stands(old, third) == "ancestor 200");
  CHECK(stands(second, third) == "ancestor 300");
  CHECK(stands(third, old) == "descendant 200");
  CHECK(stands(third, second) == "descendant 300");
}

TEST_CASE("the same number is another timeline where it begins elsewhere or was begun otherwise") {
  const auto one = history({root, {2, 200, 7}});
  CHECK(stands(one, history({root, {2, 250, 9}})) == "apart 200");
  CHECK(stands(one, history({root, {2, 200, 8}})) == "apart 200");
  CHECK(stands(history({root, {2, 200, 7}, {3, 300, 1}}),
               history({root, {2, 200, 8}, {3, 300, 1}})) == "apart 200");
  CHECK(stands(one, history({root, {3, 150, 9}})) == "apart 150");
  CHECK(stands(one, history({root, {2, 0, 8}})) == "apart 200");
  CHECK(stands(history({root, {2, 0, 7}}), history({root, {2, 0, 8}})) == "apart " + all);
  CHECK(stands(history({root, {2, 0, 7}}), history({root})) == "descendant " + all);
}

TEST_CASE("an unknown begin or promotion is taken to be equal") {
  const auto known = history({root, {2, 200, 7}});
  CHECK(stands(known, history({root, {2, 200, 0}})) == "same");
  CHECK(stands(known, history({{2, 0, 0}})) == "same");
  CHECK(stands(history({{2, 0, 0}}), history({root, {2, 200, 7}, {3, 300, 8}})) == "ancestor 300");
  CHECK(stands(known, history({{2, 0, 0}, {3, 300, 8}})) == "ancestor 300");
}

TEST_CASE("histories without a common timeline show as little as possible of each other") {
  const auto known = history({root, {2, 200, 7}});
  CHECK(stands(known, history({{3, 0, 0}})) == "ancestor 0");
  CHECK(stands(history({{3, 0, 0}}), known) == "descendant " + all);
  CHECK(stands(known, History()) == "descendant " + all);
  CHECK(stands(History(), known) == "ancestor 0");
}
