#include "tidegate/token.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/gate/visibility.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using tidegate::testing::history;
using tidegate::testing::place;

namespace {

constexpr ClusterId cluster = 7423456789012345678U;
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Position usual() {
  auto position = place(history("1 2@97492402528/1795640443355842"), 0x16B374D848, cluster);
  position.after = 0x16B374D010;
  return position;
}

// As many timelines as that, each with its promotion.
std::vector<HistoryEntry> chain(TimelineId count, std::int64_t promoted = 1'790'000'000'000'000) {
  std::vector<HistoryEntry> entries{{1, 0, 0}};
  while (entries.size() < count) {
    const auto number = entries.back().number + 1;
    entries.push_back(
        {number, std::uint64_t{1000} * number, promoted == 0 ? 0 : promoted + number});
  }
  return entries;
}

Position on(std::vector<HistoryEntry> entries, std::uint64_t offset, std::uint64_t after = 0) {
  return {Branch(ServerKind::postgres, cluster, *History::of(std::move(entries))), offset, after};
}

Position through_token(const Position& position) {
  const auto parsed = parse_token(to_token(position));
  REQUIRE_MESSAGE(parsed.ok(), to_token(position));
  return *parsed;
}

std::string why_not(std::string_view token) {
  const auto parsed = parse_token(token);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("a token brings its position back, kind, history and the place behind it included") {
  CHECK(through_token(usual()) == usual());
  for (const auto* text : {"1", "5", "1 2@100", "1 2@100/7 3@200/9", "4 6@100 4294967295@101/8"}) {
    CAPTURE(text);
    const auto position = place(history(text), 1000, cluster);
    CHECK(through_token(position) == position);
  }
  auto longest = on(chain(4, 0), ~std::uint64_t{0}, 1);
  CHECK(through_token(longest) == longest);
  longest.after = 0;
  CHECK(through_token(longest) == longest);
  for (const std::int64_t started : {std::int64_t{1}, 1'795'640'440'133'201, INT64_MAX}) {
    const Position told{Branch(ServerKind::postgres, cluster, history("2"), started), 1000};
    CHECK(through_token(told) == told);
    CHECK(to_token(told).size() <= 60);
  }
  const Position later{Branch(ServerKind{9}, 1, history("1")), 1};
  CHECK(through_token(later) == later);
}

TEST_CASE("a token is a short word that cookies and URLs take as it is") {
  const auto of_one = to_token(place(history("1"), 0x16B374D848, cluster));
  CHECK(of_one.size() <= 40);
  CHECK(to_token(usual()).size() <= 64);
  CHECK(to_token(on(chain(4), 0x16B374D848, 0x16B374D010)).size() <= 100);
  for (const auto& token : {of_one, to_token(usual())}) {
    CHECK(token.starts_with("tide1."));
    CHECK(token.substr(6).find_first_not_of(alphabet) == std::string::npos);
  }
  // The worst that there can be.
  std::vector<HistoryEntry> entries;
  constexpr auto all = ~std::uint64_t{0};
  for (TimelineId i = 0; i < 64; ++i) {
    entries.push_back({~TimelineId{0} - 63 + i, all - 64 + i, i == 56 ? INT64_MAX : 0});
  }
  CHECK(to_token(on(entries, all, 1)).size() <= longest_token);
}

TEST_CASE("the token of PROTOCOL.md is what the code makes") {
  CHECK(to_token({Branch(ServerKind::postgres, 7, history("1")), 0x3000060, 0x3000018}) ==
        "tide1.AQAAAAAAAAAH4ICAGEgAAQAAjz1IqA");
}

TEST_CASE("a position of nothing has no token") {
  CHECK(to_token({}).empty());
  CHECK(to_token({Branch(ServerKind::postgres, 0, history("1")), 5}).empty());
  CHECK(to_token({Branch(ServerKind::postgres, 7, history("1")), 0}).empty());
  CHECK(to_token({Branch(ServerKind::postgres, 7, History()), 5}).empty());
  CHECK(to_token({Branch(ServerKind::postgres, 7, history("1")), 5, 5}).empty());
}

TEST_CASE("every typing error in a token is noticed") {
  const auto token = to_token(usual());
  for (std::size_t i = 0; i < token.size(); ++i) {
    int taken = 0;
    for (int byte = 0; byte < 256; ++byte) {
      auto changed = token;
      changed[i] = static_cast<char>(byte);
      if (parse_token(changed).ok()) ++taken;
    }
    CHECK(taken == 1);
    CHECK_FALSE(parse_token(token.substr(0, i)).ok());
    CHECK_FALSE(parse_token(token.substr(0, i) + token.substr(i + 1)).ok());
    auto swapped = token;
    if (i > 0) std::swap(swapped[i - 1], swapped[i]);
    CHECK(parse_token(swapped).ok() == (swapped == token));
  }
  for (const auto* end : {"A", "=", " ", "\n", "."}) CHECK_FALSE(parse_token(token + end).ok());
}

TEST_CASE("an unreadable token is refused with the reason and the cure") {
  CHECK(why_not("") == "'' is no token; one begins with 'tide1.'");
  CHECK(why_not("tide") == "'tide' is no token; one begins with 'tide1.'");
  CHECK(why_not("postgres:7:1:0/1").ends_with("is no token; one begins with 'tide1.'"));
  CHECK(why_not("tide2.AAAA") ==
        "'tide2.AAAA' is a token of another version; upgrade the older tidegate");
  CHECK(why_not("tide1.AAAA") == "'tide1.AAAA' is a token that was cut or changed; copy it anew");
  const auto endless = "tide1." + std::string(100'000, 'A');
  CHECK(why_not(endless).size() < 2 * longest_token);
  CHECK(why_not(endless).ends_with("was cut or changed; copy it anew"));
}

TEST_CASE("a token names the latest timelines of a long history") {
  const auto entries = [](const Position& position) {
    const auto all = position.history().entries();
    return std::vector(all.begin(), all.end());
  };
  const auto whole = chain(60);
  CHECK(entries(through_token(on(whole, 100'000))) == std::vector(whole.end() - 4, whole.end()));
  // Those that begin only behind the position are not on the way to it.
  CHECK(entries(through_token(on(whole, 20'000))) ==
        std::vector(whole.begin() + 15, whole.begin() + 19));
  // None of the last four can be told from another one of the same number: more are named.
  auto unknown = chain(20);
  for (auto i = unknown.end() - 5; i != unknown.end(); ++i) i->promoted = 0;
  CHECK(entries(through_token(on(unknown, 100'000))) ==
        std::vector(unknown.end() - 6, unknown.end()));
  const auto all_unknown = chain(20, 0);
  CHECK(entries(through_token(on(all_unknown, 100'000))) ==
        std::vector(all_unknown.end() - 8, all_unknown.end()));
}

// Promotions as they happen: each life of a cluster's log leaves another one somewhere.
TEST_CASE("by its token a position is never taken for visible, or lost, where it is not") {
  base::Random random(20261126);
  std::array<std::size_t, 4> seen{};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<HistoryEntry>> lives{{{1, 0, 0}}};
    std::vector<std::uint64_t> ends{100 + random.below(100)};
    while (lives.size() < 20) {
      // Mostly the latest server is followed.
      const auto parent = random.below(3) == 0 ? random.below(lives.size()) : lives.size() - 1;
      auto life = lives[parent];
      const auto begin = life.back().begin + random.below(ends[parent] - life.back().begin + 1);
      life.push_back({life.back().number + 1, std::max<std::uint64_t>(begin, 1),
                      static_cast<std::int64_t>(1000 + lives.size())});
      ends.push_back(begin + 1 + random.below(100));
      lives.push_back(std::move(life));
    }
    for (int draw = 0; draw < 300; ++draw) {
      const auto& life = lives[random.below(lives.size())];
      const auto offset = 2 + random.below(600);
      const auto position = on(life, offset, random.below(2) == 0 ? 0 : random.below(offset));
      const auto server = random.below(lives.size());
      const auto replayed = lives[server].back().begin + random.below(ends[server]);
      const Tide tide{{cluster, 1}, *History::of(lives[server]), replayed + 1};
      const auto whole = gate::visibility_of(position, tide);
      const auto shortened = gate::visibility_of(through_token(position), tide);
      ++seen.at(static_cast<std::size_t>(whole));
      if (shortened == whole) continue;
      // More modest only.
      CAPTURE(to_text(position));
      const bool lost = whole == Visibility::orphaned || whole == Visibility::in_doubt;
      CHECK(lost);
      CHECK((shortened == Visibility::pending || shortened == Visibility::in_doubt));
    }
  }
  for (const auto count : seen) CHECK(count > 1000);
}
