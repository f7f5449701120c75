#include "lib/outbox/reader.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "tests/lib/outbox/outbox_model.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using outbox::Reader;
using Why = outbox::Reader::Loss::Why;

namespace {

constexpr Instant start{std::chrono::hours(1)};

// A reader at a server of the model. Payloads that it gets are told as one text, "a b ".
struct Site {
  std::string read() { return read(model.end_of_log()); }
  std::string read(std::size_t place) {
    std::string got;
    for (bool again = true; again;) {
      const auto question = reader.question();
      if (!question) return got + "(full) ";
      auto taken = reader.take(model.read(*question, place), now);
      for (auto& [ticket, row] : taken.deliveries) {
        got += row.payload + " ";
        if (finishes) reader.done(ticket);
        last_ticket = ticket;
      }
      if (taken.loss) losses.push_back(*taken.loss);
      again = taken.again;
    }
    return got;
  }
  void restart() {
    reader = Reader(outbox::cursor_from_text(to_text(reader.cursor().value())).value());
  }
  // A transaction with one row.
  OutboxModel::Xid announce(const std::string& payload) {
    const auto xid = model.begin();
    model.announce(xid, payload);
    model.end(xid, true);
    return xid;
  }

  OutboxModel model;
  Reader reader{Reader::From::earliest};
  Instant now = start;
  bool finishes = true;
  std::uint64_t last_ticket = 0;
  std::vector<Reader::Loss> losses;
};

Reader restarted(const Reader& reader) {
  return Reader(outbox::cursor_from_text(to_text(reader.cursor().value())).value());
}

// One with these rows, each of a transaction of its own with the same number.
outbox::Reading a_reading(const std::vector<std::uint64_t>& rows, std::uint64_t horizon,
                          std::uint64_t removed_before) {
  auto reading = OutboxModel().read({}, 0);
  for (const auto number : rows) {
    reading.rows.push_back({{number, number}, 0, Topic::of({"t"}).value(), ""});
  }
  reading.horizon = horizon;
  reading.removed_before = removed_before;
  return reading;
}

// Rows with gaps between their ids, until the reader asks for no more. None is settled, or all are.
void read_and_finish_all_but_one(Reader& reader, bool settled) {
  std::uint64_t id = 0;
  std::uint64_t ticket = 1;
  while (reader.under_way() == 0 || reader.question()) {
    auto reading = OutboxModel().read({}, 0);
    const auto question = *reader.question();
    for (std::size_t i = 0; i < question.most_rows && !question.settled_only; ++i) {
      id += 2;
      reading.rows.push_back({{id, id}, 0, Topic::of({"t"}).value(), ""});
    }
    if (reading.rows.empty()) return;
    reading.horizon = settled ? id + 1 : 1;
    static_cast<void>(reader.take(std::move(reading), start));
    while (reader.under_way() > 1) reader.done(++ticket);
  }
}

}  // namespace

TEST_CASE("the row of a transaction that commits later than its successors is not missed") {
  Site site;
  const auto slow = site.model.begin();
  site.model.announce(slow, "slow");
  site.announce("a");
  CHECK(site.read() == "a ");
  site.announce("b");
  CHECK(site.read() == "b ");
  site.restart();
  CHECK(site.read().empty());
  site.model.end(slow, true);
  CHECK(site.read() == "slow ");
  CHECK(site.read().empty());
  CHECK(site.reader.cursor()->now.done.size() == 0);
}

TEST_CASE("rows of a transaction that is rolled back are never seen") {
  Site site;
  const auto undone = site.model.begin();
  site.model.announce(undone, "x");
  CHECK(site.read().empty());
  site.model.end(undone, false);
  site.announce("a");
  CHECK(site.read() == "a ");
}

TEST_CASE("one that begins now skips what is there, and gets what commits later") {
  Site site;
  site.reader = Reader(Reader::From::now);
  site.announce("old");
  const auto open = site.model.begin();
  site.model.announce(open, "open");
  site.announce("also old");
  CHECK(site.read().empty());
  site.model.end(open, true);
  site.announce("new");
  CHECK(site.read() == "open new ");
}

TEST_CASE("what is not done comes again behind a restart, and what is done does not") {
  Site site;
  site.finishes = false;
  for (const auto* payload : {"a", "b", "c"}) site.announce(payload);
  CHECK(site.read() == "a b c ");
  CHECK(site.reader.under_way() == 3);
  site.reader.done(2);
  site.restart();
  CHECK(site.read() == "a c ");
  site.reader.done(1);
  site.reader.done(2);
  site.restart();
  CHECK(site.read().empty());
}

TEST_CASE("a reader whose rows are not done asks for no more than its window") {
  Site site;
  site.finishes = false;
  const auto many = base::limits::outbox_window + 10;
  const auto xid = site.model.begin();
  for (std::size_t i = 0; i < many; ++i) site.model.announce(xid, "r");
  site.model.end(xid, true);
  const auto got = site.read();
  CHECK(got.size() == 2 * base::limits::outbox_window + std::string("(full) ").size());
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) site.reader.done(ticket);
  CHECK(site.read() == "r r r r (full) ");
}

TEST_CASE("behind a transaction that stays open the set is bounded, and nothing is missed") {
  Site site;
  const auto open = site.model.begin();
  site.model.announce(open, "open");
  std::size_t got = 0;
  // Each leaves a gap in the ids, so that no two make one range.
  const auto announce = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto xid = site.model.begin();
      site.model.skip_id();
      site.model.announce(xid, "r");
      site.model.end(xid, true);
    }
    got += site.read().size() / 2;
  };
  announce(base::limits::outbox_ranges - 1);
  CHECK_FALSE(site.reader.waits_for_settling());
  announce(base::limits::outbox_window);
  CHECK(site.reader.waits_for_settling());
  const auto before = got;
  announce(50);
  CHECK(got == before);
  CHECK(site.reader.cursor()->now.done.size() <= base::limits::outbox_done_ranges);
  site.restart();
  announce(0);
  site.model.end(open, true);
  CHECK(site.read().substr(0, 5) == "open ");
  CHECK_FALSE(site.reader.waits_for_settling());
  CHECK(site.reader.cursor()->now.done.size() == 0);
}

TEST_CASE("a reader that has done very much behind a row that is not done goes on with that") {
  Reader reader(Reader::From::earliest);
  read_and_finish_all_but_one(reader, true);
  CHECK_FALSE(reader.question().has_value());
  SUBCASE("by the application") {
    reader.done(1);
    CHECK(reader.cursor()->now.done.size() == 0);
  }
  SUBCASE("by the next one") { reader = restarted(reader); }
  CHECK(reader.question().has_value());
}

TEST_CASE("a reader behind a long transaction takes no more rows with each restart") {
  Reader reader(Reader::From::earliest);
  read_and_finish_all_but_one(reader, false);
  reader.done(1);
  REQUIRE(reader.waits_for_settling());
  CHECK(reader.question()->settled_only);
  CHECK(restarted(reader).question()->settled_only);
}

TEST_CASE("rows that were removed before they were read are told") {
  Site site;
  site.announce("a");
  CHECK(site.read() == "a ");
  const auto first = site.announce("b");
  const auto last = site.announce("c");
  site.announce("d");
  site.model.remove_before(last + 1);
  CHECK(site.read() == "d ");
  REQUIRE(site.losses.size() == 1);
  CHECK(site.losses[0].why == Why::removed);
  CHECK(site.losses[0].first <= first);
  CHECK(site.losses[0].last == last);
  // Once, and not what was read before.
  site.announce("e");
  CHECK(site.read() == "e ");
  site.model.remove_before(last + 2);
  site.restart();
  CHECK(site.read().empty());
  CHECK(site.losses.size() == 1);
}

TEST_CASE("one that begins with all that is kept has missed nothing") {
  Site site;
  const auto gone = site.announce("a");
  site.announce("b");
  site.model.remove_before(gone + 1);
  CHECK(site.read() == "b ");
  CHECK(site.losses.empty());
}

// Rows are removed by their age, so of a transaction that was long the last ones stay.
TEST_CASE("rows that an earlier removal has left are told when the next one takes them unread") {
  Reader reader(Reader::From::earliest);
  auto cut_off = a_reading({3}, 30, 8);
  cut_off.more = true;  // and 5 is there
  CHECK_FALSE(reader.take(cut_off, start).loss.has_value());
  const auto taken = reader.take(a_reading({12}, 30, 10), start);
  REQUIRE(taken.loss.has_value());
  CHECK(taken.loss->first <= 5);
  CHECK(taken.loss->last == 9);
  // The next ones are told without those.
  auto behind = a_reading({12}, 30, 35);
  behind.rows.clear();
  behind.horizon = 35;
  CHECK(reader.take(behind, start).loss->first == 30);
}

TEST_CASE("one that begins now is not told of rows before that can't be read") {
  Reader reader(Reader::From::now);
  auto reading = a_reading({}, 3, 0);
  reading.unreadable.push_back({{5, 5}, "it is none"});
  CHECK(reader.take(reading, start).unreadable.empty());
  reading.unreadable.push_back({{6, 6}, "it is none"});
  const auto taken = reader.take(reading, start);
  REQUIRE(taken.unreadable.size() == 1);
  CHECK(taken.unreadable[0].key.id == 6);
}

TEST_CASE("one that has not begun is told of no loss") {
  Reader reader(Reader::From::now);
  auto reading = a_reading({5}, 3, 0);
  reading.more = true;
  static_cast<void>(reader.take(reading, start));
  SUBCASE("by age") { reading.removed_before = 4; }
  SUBCASE("to another cluster") { reading.tide.incarnation.cluster = 8; }
  const auto taken = reader.take(reading, start);
  CHECK_FALSE(taken.loss.has_value());
  CHECK(taken.deliveries.empty());
}

// With ids of transactions that are still to come there, and a removal up to one of them.
TEST_CASE("a dump that was restored in another cluster brings its rows once, and then new ones") {
  Reader reader(Reader::From::earliest);
  std::size_t deliveries = 0;
  const auto take = [&](const std::vector<std::uint64_t>& rows, std::uint64_t horizon) {
    const auto question = reader.question().value();
    auto reading = a_reading(rows, horizon, 890);
    std::erase_if(reading.rows, [&](const auto& row) {
      return row.key.transaction < question.from || question.except.has(row.key.id);
    });
    auto taken = reader.take(reading, start);
    for (const auto& each : taken.deliveries) reader.done(each.ticket);
    deliveries += taken.deliveries.size();
    reader = restarted(reader);
  };
  take({900, 905}, 10);
  CHECK(deliveries == 2);
  take({11, 900, 905}, 10);
  CHECK(deliveries == 3);
  take({11, 12, 900, 905}, 13);
  CHECK(deliveries == 4);
  take({11, 12, 900, 905, 906}, 907);
  CHECK(deliveries == 5);
  CHECK(reader.cursor()->now.done.size() == 0);
}

TEST_CASE("a standby that is behind repeats nothing") {
  Site site;
  site.announce("a");
  const auto place = site.model.end_of_log();
  site.announce("b");
  CHECK(site.read() == "a b ");
  CHECK(site.read(place).empty());
  CHECK(site.read() == "");
  site.announce("c");
  CHECK(site.read(place).empty());
  CHECK(site.read() == "c ");
  CHECK(site.losses.empty());
}

// They are not removed there yet, and would come behind later rows of their own transaction.
TEST_CASE("a standby that is behind does not bring back rows that were told as removed") {
  Site site;
  const auto xid = site.model.begin();
  site.model.announce(xid, "a");
  site.model.announce(xid, "b");
  site.model.end(xid, true);
  const auto place = site.model.end_of_log();
  site.announce("c");

  auto cut_off = a_reading({}, 30, xid + 1);
  cut_off.tide = site.model.read({}, site.model.end_of_log()).tide;
  cut_off.rows.push_back({{xid, 2}, 0, Topic::of({"t"}).value(), "b"});
  cut_off.more = true;
  REQUIRE(site.reader.take(cut_off, start).deliveries.size() == 1);
  CHECK(site.read(place).empty());
  CHECK(site.read().ends_with("c "));
}

TEST_CASE("a promotion that loses nothing goes unnoticed") {
  Site site;
  site.announce("a");
  CHECK(site.read() == "a ");
  site.announce("b");
  site.model.promote(site.model.end_of_log());
  site.announce("c");
  site.restart();
  CHECK(site.read() == "b c ");
  CHECK(site.losses.empty());
}

TEST_CASE("rows of a past that a failover has undone don't hide those that have their ids now") {
  Site site;
  site.announce("a");
  CHECK(site.read() == "a ");
  site.now += 20s;
  CHECK(site.read().empty());
  const auto fork = site.model.end_of_log();
  site.now += 20s;
  site.announce("lost 1");
  site.announce("lost 2");
  CHECK(site.read() == "lost 1 lost 2 ");
  site.model.promote(fork);
  site.announce("new 1");
  site.announce("new 2");
  SUBCASE("at once") {}
  SUBCASE("behind a restart") { site.restart(); }
  CHECK(site.read() == "new 1 new 2 ");
  REQUIRE(site.losses.size() == 1);
  CHECK(site.losses[0].why == Why::undone);
}

TEST_CASE("what one server showed and a failover undid is told though one behind was read since") {
  Site site;
  site.announce("a");
  CHECK(site.read() == "a ");
  const auto fork = site.model.end_of_log();
  site.announce("lost");
  CHECK(site.read() == "lost ");
  CHECK(site.read(fork).empty());
  site.model.promote(fork);
  site.announce("new");
  CHECK(site.read().ends_with("new "));
  REQUIRE(site.losses.size() == 1);
  CHECK(site.losses[0].why == Why::undone);
}

TEST_CASE("rows that come no more behind a past that was undone are told as removed once more") {
  Site site;
  CHECK(site.read().empty());  // to where it goes back
  const auto removed = site.announce("removed");
  site.model.remove_before(removed + 1);
  CHECK(site.read().empty());
  const auto fork = site.model.end_of_log();
  site.announce("lost");
  CHECK(site.read() == "lost ");
  site.model.promote(fork);
  CHECK(site.read().empty());
  REQUIRE(site.losses.size() == 3);
  CHECK(site.losses[1].why == Why::undone);
  CHECK(site.losses[2].why == Why::removed);
  CHECK(site.losses[2].last == removed);
}

TEST_CASE("a ticket of a past that was undone finishes nothing") {
  Site site;
  site.finishes = false;
  site.announce("a");
  CHECK(site.read() == "a ");
  site.reader.done(1);
  const auto fork = site.model.end_of_log();
  site.now += 20s;
  site.announce("lost");
  CHECK(site.read() == "lost ");
  const auto lost = site.last_ticket;
  site.model.promote(fork);
  site.announce("new");
  CHECK(site.read().ends_with("new "));
  site.reader.done(lost);
  site.restart();
  CHECK(site.read().ends_with("new "));
}

TEST_CASE("a failover that goes back further than the cursor knows brings all rows again") {
  Site site;
  site.announce("a");
  const auto fork = site.model.end_of_log();
  for (int i = 0; i < 4; ++i) {
    site.now += 20s;
    site.announce("lost");
    static_cast<void>(site.read());
  }
  site.model.promote(fork);
  site.announce("b");
  CHECK(site.read() == "a b ");
  REQUIRE(site.losses.size() == 1);
  CHECK(site.losses[0].first == 0);
  CHECK(site.losses[0].last >= 5);  // the last that was delivered
}

TEST_CASE("on another cluster all rows come, and that is told") {
  Site site;
  site.announce("a");
  CHECK(site.read() == "a ");
  auto reading = site.model.read({}, 0);
  reading.tide.incarnation.cluster = 8;
  const auto taken = site.reader.take(reading, site.now);
  REQUIRE(taken.loss.has_value());
  CHECK(taken.loss->why == Why::foreign);
  CHECK(site.reader.question()->from == 0);
}
