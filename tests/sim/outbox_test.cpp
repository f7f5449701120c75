// The world of the outbox as a test: an oracle that can fail, shown a history that breaks each
// rule, and files that lose what was synced, which it must notice.
#include <doctest/doctest.h>

#include "tests/sim/outbox_run.hpp"

using namespace tidegate;
using namespace tidegate::sim;

namespace {

// Cursor 0 at a cluster of one server, by hand.
class Told {
 public:
  explicit Told(bool wants_all = true)
      : database(events, base::Random(1), history, trace),
        log(database, history, events, base::Random(2), trace),
        oracle(history, log) {
    database.on_lost = [](ServerId) {};
    database.add_cluster("", 7, 0);
    database.add_cluster("f", 8, 0);
    oracle.fresh(0, wants_all);
  }

  // A transaction with a row that is readable; the row.
  RowNumber row(std::size_t session, bool commits = true) {
    while (true) {
      const auto xid = log.begin(0);
      log.announce(0, xid, session);
      const auto number = log.rows().size() - 1;
      const bool readable = log.rows()[number].readable;
      log.end(0, xid, commits && readable, true);
      if (readable) return number;
    }
  }
  [[nodiscard]] Place end(ServerId id = 0) const { return database.server(id).place(); }
  void read(ServerId id = 0) { oracle.read(0, {end(id), end(id), true}, true); }
  void deliver(RowNumber number) { oracle.delivered(0, number, end()); }
  void finish(RowNumber number) {
    deliver(number);
    oracle.done(0, number);
  }
  void lose(OutboxOracle::Loss why, Xid first, Xid last) {
    oracle.lost(0, {why, first, last}, {end(), end(), true});
  }
  [[nodiscard]] Xid xid(RowNumber number) const { return log.rows()[number].xid; }
  // The rule that was broken first, or "".
  [[nodiscard]] std::string broken() const {
    const auto& violation = oracle.violation();
    return violation ? violation->substr(0, violation->find(':')) : "";
  }

  EventQueue events{Instant(std::chrono::hours(1))};
  Trace trace;
  sim::History history;
  Database database;
  OutboxLog log;
  OutboxOracle oracle;
};

}  // namespace

TEST_CASE("the oracle of the outbox is content with rows that come once and in order") {
  Told told;
  told.read();
  for (int i = 0; i < 3; ++i) told.finish(told.row(1));
  told.oracle.finish(told.end());
  CHECK(told.broken() == "");
}

TEST_CASE("the oracle of the outbox sees a row that is not committed") {
  Told told;
  told.read();
  SUBCASE("and never will be") { told.deliver(told.row(1, false)); }
  SUBCASE("where it was read") {
    const auto before = told.end();
    told.oracle.delivered(0, told.row(1), before);
  }
  CHECK(told.broken() == "early");
}

TEST_CASE("the oracle of the outbox sees a row that comes again") {
  Told told;
  told.read();
  const auto row = told.row(1);
  SUBCASE("while it is under way") { told.deliver(row); }
  SUBCASE("behind its acknowledgement") { told.finish(row); }
  SUBCASE("behind a restart with it") {
    told.finish(row);
    told.oracle.restarted(0, OutboxOracle::State(told.oracle.state(0)));
  }
  told.deliver(row);
  CHECK(told.broken() == "twice");
}

TEST_CASE("to the oracle of the outbox a row may come again where that was to be expected") {
  Told told;
  told.read();
  const auto state = told.oracle.state(0);
  const auto row = told.row(1);
  told.finish(row);
  SUBCASE("behind a restart without it") { told.oracle.restarted(0, state); }
  SUBCASE("behind another cluster") {
    told.read(1);
    told.lose(OutboxOracle::Loss::foreign, 0, told.xid(row));
  }
  told.finish(row);
  told.oracle.finish(told.end());
  CHECK(told.broken() == "");
}

TEST_CASE("the oracle of the outbox sees a session's rows in another order") {
  Told told;
  told.read();
  const auto first = told.row(1);
  const auto second = told.row(1);
  told.deliver(second);
  told.deliver(first);
  CHECK(told.broken() == "order");
}

TEST_CASE("the oracle of the outbox sees a row that is missed") {
  Told told;
  const auto row = told.row(1);
  told.read();
  SUBCASE("from the start") {}
  SUBCASE("behind a restart without its acknowledgement") {
    const auto state = told.oracle.state(0);
    told.finish(row);
    told.oracle.restarted(0, state);
  }
  SUBCASE("that was removed and told as such, but with another range") {
    const auto later = told.row(1);
    told.events.pass_to(told.events.now() + std::chrono::seconds(1));
    told.log.remove(0, told.events.now(), 2);
    told.lose(OutboxOracle::Loss::removed, told.xid(later), told.xid(later));
  }
  told.oracle.finish(told.end());
  CHECK(told.broken() == "missed");
}

TEST_CASE(
    "to the oracle of the outbox a row is not missed if it is told as removed, or was there") {
  const bool wants_all = false;
  Told told(wants_all);
  const auto row = told.row(1);
  told.read();
  const auto later = told.row(1);
  told.events.pass_to(told.events.now() + std::chrono::seconds(1));
  told.log.remove(0, told.events.now(), 2);
  told.lose(OutboxOracle::Loss::removed, told.xid(row), told.xid(later));
  told.oracle.finish(told.end());
  CHECK(told.broken() == "");
}

TEST_CASE("the oracle of the outbox sees what was there before a cursor began with the next rows") {
  Told told(false);
  const auto row = told.row(1);
  told.read();
  told.deliver(row);
  CHECK(told.broken() == "twice");
}

TEST_CASE("the oracle of the outbox sees a row that was done, is undone, and was not told") {
  Told told;
  const auto row = told.row(1);
  told.read();
  told.finish(row);
  told.oracle.finish(told.end(1));
  CHECK(told.broken() == "undone");
}

TEST_CASE("the oracle of the outbox sees a loss that is none") {
  Told told;
  const auto xid = told.xid(told.row(1));
  SUBCASE("of one that has not begun") { told.oracle.read(0, {told.end(), told.end()}, false); }
  SUBCASE("of a past that is there") { told.read(); }
  SUBCASE("of no transaction") {
    told.read();
    told.read(1);
    told.lose(OutboxOracle::Loss::foreign, xid, xid - 1);
  }
  told.lose(OutboxOracle::Loss::undone, xid, xid);
  CHECK(told.broken() == "told");
}

TEST_CASE("files that lose what was synced are noticed by the oracle of the outbox") {
  std::size_t noticed = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Trace trace;
    const auto outcome = run_outbox_seed(seed, trace, true);
    if (outcome.violation && outcome.violation->starts_with("twice")) ++noticed;
  }
  CHECK(noticed > 0);
}

TEST_CASE("seeds have outboxes that lose rows to age, to failovers and to other clusters") {
  OutboxOutcome sum;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Trace trace;
    const auto outcome = run_outbox_seed(seed, trace);
    CAPTURE(seed);
    CHECK(outcome.violation.value_or("") == "");
    sum.add(outcome);
  }
  CHECK(sum.counts.delivered > 10'000);
  CHECK(sum.counts.removed > 10);
  CHECK(sum.counts.undone > 10);
  CHECK(sum.counts.foreign > 10);
  CHECK(sum.counts.restarts > 10);
}
