// The judge of the soak: what it holds against the peers, and what it does not. A judge that never
// complains would make every soak a success.
#include <deque>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/soak/judge.hpp"

using namespace tidegate;
using namespace tidegate::soak;

namespace {

// A publisher, "p", and a receiver, "r", who met before the first of three messages with a row
// each; all three were delivered, and their rows seen.
struct Run {
  std::deque<Life> lives{{0, "p.1", "primary", false, {}}, {1, "r.1", "replica", false, {}}};
  std::set<std::string> rows{"row1", "row2", "row3"};
  std::vector<Astray> astray;

  Run() {
    tell(publisher(), Began{"p"});
    tell(receiver(), Began{"r"});
    tell(publisher(), Met{"r"});
  }

  Life& publisher() { return lives[0]; }
  Life& receiver() { return lives[1]; }

  static void tell(Life& life, Event event) {
    life.records.push_back({Instant(), std::move(event)});
  }

  void announce(std::uint64_t number, const std::string& way = "after", bool straddled = false) {
    tell(publisher(), Announcing{number, way, "row" + std::to_string(number)});
    tell(publisher(), Answered{number, true, straddled, "accepted"});
  }
  void deliver(std::uint64_t sequence, std::uint64_t number, Look look = Look::seen) {
    tell(receiver(),
         Delivered{"p", sequence, number, 1, sequence, look, "row" + std::to_string(number), "-"});
  }
  void report(std::uint64_t first, std::uint64_t last, const std::string& why) {
    tell(receiver(), Reported{"p", first, last, why});
  }

  Verdict end(std::uint64_t sent) {
    tell(publisher(), Standing{.last_sequence = sent});
    for (auto& life : lives) {
      if (!life.killed) tell(life, Ended{});
    }
    return judge(lives, rows, astray);
  }
};

}  // namespace

TEST_CASE("a run in which everything was delivered once, in order and visible is good") {
  Run run;
  for (std::uint64_t i = 1; i <= 3; ++i) run.announce(i);
  for (std::uint64_t i = 1; i <= 3; ++i) run.deliver(i, i);
  const auto verdict = run.end(3);
  CHECK(verdict.good());
  CHECK(verdict.published == 3);
  CHECK(verdict.delivered == 3);
  CHECK(verdict.rows_seen == 3);
}

TEST_CASE("a row that is not there when it is announced, and later is, is a stale read") {
  Run run;
  run.announce(1);
  run.deliver(1, 1, Look::absent);
  CHECK(run.end(1).stale.count == 1);
}

TEST_CASE("a row that was undone is a stale read unless its publisher could not know better") {
  for (const bool straddled : {false, true}) {
    CAPTURE(straddled);
    Run run;
    run.rows.clear();
    run.announce(1, "after", straddled);
    run.deliver(1, 1, Look::absent);
    const auto verdict = run.end(1);
    CHECK(verdict.stale.count == (straddled ? 0 : 1));
    CHECK(verdict.excused_straddled == (straddled ? 1 : 0));
  }
}

TEST_CASE("a row that a message carries which has none of its own counts only if it remains") {
  for (const bool remains : {false, true}) {
    CAPTURE(remains);
    Run run;
    if (!remains) run.rows.clear();
    run.announce(1, "no_change");
    run.deliver(1, 1, Look::absent);
    CHECK(run.end(1).stale.count == (remains ? 1 : 0));
  }
}

TEST_CASE("a server that went astray excuses what a message carries, and no row of its own") {
  for (const std::string way : {"no_change", "after"}) {
    CAPTURE(way);
    Run run;
    run.astray.push_back({"replica", Instant(), Instant()});
    run.announce(1, way);
    run.deliver(1, 1, Look::absent);
    const auto verdict = run.end(1);
    CHECK(verdict.excused_astray == (way == "no_change" ? 1 : 0));
    CHECK(verdict.stale.count == (way == "no_change" ? 0 : 1));
  }
}

TEST_CASE("rows of a server in another incarnation are not judged") {
  Run run;
  run.announce(1);
  run.deliver(1, 1, Look::unjudged);
  const auto verdict = run.end(1);
  CHECK(verdict.good());
  CHECK(verdict.unjudged == 1);
  CHECK_FALSE(verdict.has_looked());
}

TEST_CASE("a message that comes twice, or that was accounted for otherwise, is a duplicate") {
  for (const std::string other :
       {"delivered", "reported before", "reported after", "handed back"}) {
    CAPTURE(other);
    Run run;
    run.announce(1);
    if (other == "delivered") run.deliver(1, 1);
    if (other == "reported before") run.report(1, 1, "missing");
    if (other == "handed back") Run::tell(run.publisher(), Withdrawn{1});
    run.deliver(1, 1);
    if (other == "reported after") run.report(1, 1, "orphaned");
    CHECK(run.end(1).duplicates.count == 1);
  }
}

TEST_CASE("a sequence or a number that goes back is out of order") {
  for (const bool sequence_goes_back : {false, true}) {
    CAPTURE(sequence_goes_back);
    Run run;
    for (std::uint64_t i = 1; i <= 3; ++i) run.announce(i);
    run.deliver(2, 2);
    run.deliver(sequence_goes_back ? 1 : 3, sequence_goes_back ? 3 : 1);
    CHECK(run.end(3).order.count == 1);
  }
}

TEST_CASE(
    "between two peers that lived to the end all is delivered or reported, from their meeting on") {
  Run run;
  for (std::uint64_t i = 1; i <= 6; ++i) run.announce(i);
  run.deliver(3, 3);
  run.report(4, 5, "orphaned");
  const auto verdict = run.end(6);
  CHECK(verdict.missing.count == 3);  // 1, 2 and 6
  CHECK(verdict.missing.first.size() == 2);
}

TEST_CASE("a message that was handed back has no sequence, and nobody misses it") {
  Run run;
  run.announce(1);
  run.announce(2);
  Run::tell(run.publisher(), Withdrawn{1});
  run.deliver(1, 2);
  const auto verdict = run.end(1);
  CHECK(verdict.good());
  CHECK(verdict.unpublished == 1);
}

TEST_CASE("a message that was accepted and neither sent nor handed back is missing") {
  Run run;
  run.announce(1);
  run.announce(2);
  run.deliver(1, 1);
  CHECK(run.end(1).missing.count == 1);
}

TEST_CASE("of a killed publisher a lost tail is counted apart, and a hole is missing") {
  for (const bool gap : {false, true}) {
    CAPTURE(gap);
    Run run;
    run.publisher().killed = true;
    for (std::uint64_t i = 1; i <= 3; ++i) run.announce(i);
    run.deliver(1, 1);
    if (gap) run.deliver(3, 3);
    const auto verdict = run.end(2);
    CHECK(verdict.missing.count == (gap ? 1 : 0));
    CHECK(verdict.lost_with_publisher == (gap ? 1 : 2));
    CHECK(verdict.reached_nobody == (gap ? 1 : 2));
  }
}

TEST_CASE("a peer that was killed need not have got anything") {
  Run run;
  run.receiver().killed = true;
  run.announce(1);
  CHECK(run.end(1).good());
}
