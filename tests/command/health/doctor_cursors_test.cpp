// Cursors of durable subscriptions, as `tidegate doctor` judges them.
#include "command/health/doctor_cursors.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::health;
using namespace tidegate::testing;

namespace {

CursorFacts mails(std::uint64_t rows, std::optional<Duration> waits, bool lost = false) {
  return {.name = "mails",
          .file = "/s/mails.outbox",
          .unreadable = "",
          .lag = postgres::CursorLag{.name = "mails",
                                     .settled = 740,
                                     .rows = rows,
                                     .waits = waits,
                                     .lost = lost,
                                     .trouble = ""}};
}

Finding only(const CursorFacts& facts) {
  const auto findings = judge_cursors({facts});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].about == "cursor mails");
  CHECK((findings[0].verdict == Verdict::ok) == findings[0].cure.empty());
  return findings[0];
}

}  // namespace

TEST_CASE("a cursor whose rows were taken, or came just now, is well") {
  CHECK(only(mails(0, {})).what == "no row waits");
  const auto fresh = only(mails(2, 3s));
  CHECK(fresh.verdict == Verdict::ok);
  CHECK(fresh.what == "2 rows wait, the first for 3.0 s");
}

TEST_CASE("a cursor behind which rows wait for long is named, with its file") {
  CHECK(only(mails(1, 59min)).verdict == Verdict::ok);
  const auto waits = only(mails(1, 1h));
  CHECK(waits.verdict == Verdict::warning);
  CHECK(contains(waits.what, "1 row waits, the first for 1 h 0 min"));
  CHECK(contains(waits.cure, "start its reader"));
  CHECK(contains(waits.cure, "remove /s/mails.outbox"));
  CHECK(contains(only(mails(postgres::most_counted_behind, 2h)).what, "100000 or more rows wait"));
}

TEST_CASE("a cursor behind which rows were removed is named, besides rows that wait") {
  const auto lost = only(mails(0, {}, true));
  CHECK(lost.verdict == Verdict::warning);
  CHECK(contains(lost.what, "rows of transactions from 740 on were removed"));
  CHECK(contains(lost.cure, "outbox-retain-for"));
  CHECK(judge_cursors({mails(1, 1h, true)}).size() == 2);
}

TEST_CASE("a cursor that can't be read is a problem, and one that has not begun is named") {
  CursorFacts facts{.name = "mails", .file = "/s/mails.outbox", .unreadable = "", .lag = {}};
  CHECK(only(facts).verdict == Verdict::ok);
  facts.begun = false;
  CHECK(only(facts).verdict == Verdict::warning);
  facts.unreadable = "its file can't be read: /s/mails.outbox";
  const auto broken = only(facts);
  CHECK(broken.verdict == Verdict::problem);
  CHECK(broken.what == facts.unreadable);
  CHECK(contains(broken.cure, "move it away"));
}
