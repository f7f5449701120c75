#include "lib/gate/waiters.hpp"

#include <string>

#include <doctest/doctest.h>

#include "lib/node/names.hpp"
#include "tests/lib/gate/gate_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace tidegate::testing::gates;
using gate::TidePoll;
using gate::Waiters;
using namespace std::chrono_literals;

namespace {

// A server, and those who ask about it; what it is asked is told by the poll.
class Desk {
 public:
  Desk() { poll.server_up(); }

  std::string once(Ticket ticket, const Position& position) {
    waiters.ask_once(ticket, position, poll, now);
    return told();
  }
  std::string ask(Ticket ticket, const Position& position, Duration timeout) {
    waiters.ask(ticket, position, poll, now, now + timeout);
    return told();
  }
  bool asks_server() {
    const auto waiting = waiters.waiting();
    return waiting && poll.take(*waiting, now);
  }
  std::string read(std::optional<Tide> tide) {
    poll.answered(std::move(tide));
    waiters.look(poll);
    return told();
  }
  std::string at_time(Instant when) {
    now = when;
    waiters.expire(poll, now);
    return told();
  }
  std::string down() {
    poll.server_down();
    waiters.look(poll);
    return told();
  }
  std::string told() {
    std::string text;
    for (const auto& [ticket, covered] : waiters.take_answers()) {
      text += (text.empty() ? "" : ", ") + std::to_string(ticket) + " ";
      text += to_string(covered);
    }
    return text;
  }

  Instant now = start;
  TidePoll poll;
  Waiters waiters;
};

Desk with_reading(std::uint64_t lsn) {
  Desk desk;
  CHECK(desk.once(1, at(1)) == "");
  REQUIRE(desk.asks_server());
  (void)desk.read(replayed(lsn));
  desk.now += 1s;
  return desk;
}

}  // namespace

TEST_CASE("a position that the last reading covers is answered without a query") {
  auto desk = with_reading(500);
  CHECK(desk.once(2, at(500)) == "2 visible");
  CHECK(desk.ask(3, at(499), 1s) == "3 visible");
  CHECK(desk.once(4, place(1, 101)) == "4 in_doubt");
  CHECK(desk.once(5, behind(100, place(1, 101))) == "5 orphaned");
  CHECK(desk.once(6, place(2, 5, home + 1)) == "6 foreign");
  CHECK_FALSE(desk.asks_server());
  CHECK(desk.waiters.deadline() == never);
}

TEST_CASE("a position that may have come meanwhile costs one reading for all who ask") {
  auto desk = with_reading(500);
  for (Ticket ticket = 2; ticket < 1000; ++ticket) CHECK(desk.once(ticket, at(501)) == "");
  CHECK(desk.asks_server());
  CHECK_FALSE(desk.asks_server());
  CHECK(desk.once(1000, at(502)) == "");  // the reading under way answers it, too
  const auto told = desk.read(replayed(501));
  CHECK(told.starts_with("2 visible, 3 visible, "));
  CHECK(told.ends_with("999 visible, 1000 pending"));
  CHECK_FALSE(desk.asks_server());
}

TEST_CASE("questions a moment after a reading are answered by it") {
  auto desk = with_reading(500);
  CHECK(desk.once(2, at(600)) == "");
  CHECK(desk.asks_server());
  CHECK(desk.read(replayed(500)) == "2 pending");
  desk.now += 1ms;
  CHECK(desk.once(3, at(600)) == "3 pending");
  desk.now += 1us;
  CHECK(desk.once(4, at(600)) == "");
  CHECK(desk.asks_server());
}

TEST_CASE("a reading that was asked for long before a question does not tell it no") {
  auto desk = with_reading(500);
  CHECK(desk.once(2, at(600)) == "");
  CHECK(desk.asks_server());
  desk.now += 50ms;
  CHECK(desk.once(3, at(601)) == "");
  CHECK(desk.read(replayed(600)) == "2 visible");
  CHECK(desk.asks_server());
  CHECK(desk.read(replayed(600)) == "3 pending");
}

TEST_CASE("whoever waits for a change hears of it with the first reading that shows it") {
  auto desk = with_reading(500);
  CHECK(desk.ask(2, at(600), 10s) == "");
  CHECK(desk.ask(3, at(700), 10s) == "");
  CHECK(desk.asks_server());
  CHECK(desk.read(replayed(599)) == "");
  CHECK_FALSE(desk.asks_server());
  desk.now += 2ms;
  CHECK(desk.asks_server());
  CHECK(desk.read(replayed(600)) == "2 visible");
  CHECK(desk.waiters.size() == 1);
}

TEST_CASE("questions cost at most a thousand readings a second, however many there are") {
  auto desk = with_reading(500);
  std::size_t readings = 0;
  for (Ticket ticket = 2; ticket < 20'002; ++ticket) {
    desk.now += 50us;
    if (ticket % 2 == 0) {
      (void)desk.ask(ticket, at(10'000 + ticket), 500ms);
    } else {
      (void)desk.once(ticket, at(10'000 + ticket));
    }
    (void)desk.at_time(desk.now);
    if (!desk.asks_server()) continue;
    ++readings;
    (void)desk.read(replayed(500 + ticket));
  }
  CHECK(readings <= 1000);
  CHECK(readings > 50);
}

TEST_CASE("a wait that is over is told how it stands") {
  auto desk = with_reading(500);
  CHECK(desk.ask(2, at(600), 10ms) == "");
  CHECK(desk.waiters.deadline() == desk.now + 10ms);
  CHECK(desk.at_time(desk.now + 9ms) == "");
  CHECK(desk.at_time(desk.now + 1ms) == "2 pending");
  CHECK(desk.waiters.size() == 0);
}

TEST_CASE("without an answer of the server within a second a question is answered as unknown") {
  auto desk = with_reading(500);
  CHECK(desk.once(2, at(600)) == "");
  CHECK(desk.asks_server());
  CHECK(desk.at_time(desk.now + 999ms) == "");
  CHECK(desk.at_time(desk.now + 1ms) == "2 unknown");
}

TEST_CASE("a server that is not met yet is waited for, one that is down is not") {
  Desk desk;
  desk.poll = TidePoll();
  CHECK(desk.once(1, at(600)) == "");
  CHECK(desk.ask(2, at(600), 2s) == "");
  CHECK_FALSE(desk.asks_server());
  CHECK(desk.down() == "1 unknown");
  CHECK(desk.once(3, at(600)) == "3 unknown");
  desk.poll.server_up();
  CHECK(desk.asks_server());
  CHECK(desk.read(replayed(600)) == "2 visible");
}

TEST_CASE("a server that went away has shown nothing to those who ask afterwards") {
  auto desk = with_reading(500);
  CHECK(desk.down() == "");
  CHECK(desk.once(2, at(400)) == "2 unknown");
  CHECK(desk.ask(3, at(400), 1s) == "");
  CHECK(desk.at_time(desk.now + 1s) == "3 unknown");
}

TEST_CASE("whoever waits on a history that a failover leaves behind is told that it is lost") {
  Desk desk;
  CHECK(desk.ask(1, behind(150, place(1, 200)), 1min) == "");
  CHECK(desk.ask(2, place(1, 201), 1min) == "");
  CHECK(desk.ask(3, place(1, 90), 1min) == "");
  REQUIRE(desk.asks_server());
  CHECK(desk.read(Tide{{home, 1}, history("1"), 80}) == "");
  desk.now += 1s;
  REQUIRE(desk.asks_server());
  CHECK(desk.read(Tide{{home, 1}, history("1 2@100"), 120}) == "3 visible, 1 orphaned, 2 in_doubt");
}

TEST_CASE("a server that goes past the fork loses the change, though it is not at its offset") {
  Desk desk;
  CHECK(desk.ask(1, behind(150, place(history("1 2@100"), 200)), 1min) == "");
  REQUIRE(desk.asks_server());
  CHECK(desk.read(Tide{{home, 1}, history("1"), 80}) == "");
  CHECK(desk.ask(2, behind(150, place(history("1 2@100"), 201)), 1min) == "");
  desk.now += 1s;
  REQUIRE(desk.asks_server());
  CHECK(desk.read(Tide{{home, 1}, history("1"), 100}) == "");
  desk.now += 1s;
  REQUIRE(desk.asks_server());
  CHECK(desk.read(Tide{{home, 1}, history("1"), 101}) == "1 orphaned, 2 orphaned");
}

TEST_CASE("another cluster behind the same name tells all who wait that it is foreign") {
  auto desk = with_reading(500);
  CHECK(desk.ask(2, at(600), 1min) == "");
  REQUIRE(desk.asks_server());
  CHECK(desk.read(replayed(510)) == "");
  CHECK(desk.down() == "");
  desk.poll.server_up();
  desk.now += 1s;
  REQUIRE(desk.asks_server());
  auto other = replayed(550);
  other.incarnation.cluster = home + 1;
  CHECK(desk.read(other) == "2 foreign");
}

TEST_CASE("a peer that leaves answers all who wait") {
  auto desk = with_reading(500);
  CHECK(desk.once(2, at(600)) == "");
  CHECK(desk.ask(3, at(600), 1min) == "");
  desk.waiters.give_up(desk.poll);
  CHECK(desk.told() == "2 unknown, 3 pending");
  CHECK(desk.waiters.size() == 0);
}

TEST_CASE("one who waits costs the server at most a reading each millisecond") {
  Desk desk;
  CHECK(desk.ask(1, at(200), 1s) == "");
  int readings = 0;
  for (int i = 0; i < 500; ++i) {
    CHECK(desk.at_time(start + i * 10us) == "");
    if (!desk.asks_server()) continue;
    ++readings;
    CHECK(desk.read(replayed(100)) == "");
  }
  CHECK(readings >= 1);
  CHECK(readings <= 5);
}
