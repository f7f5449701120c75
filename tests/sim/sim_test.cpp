// The simulator as a test: many seeds, all scenario files, and an oracle that can fail. Each rule
// is shown a history that breaks it, since an oracle that is content with everything says nothing.
#include <algorithm>
#include <filesystem>
#include <utility>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/paths.hpp"
#include "tests/sim/batch.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/scenario.hpp"

using namespace tidegate;
using namespace tidegate::sim;
using std::chrono::milliseconds;
using tidegate::testing::home;

namespace {

// The failures of a hundred seeds; none: an empty string.
std::string failures_from(std::uint64_t first) {
  const auto batch = run_seeds(first, 100, 1, [](std::uint64_t, std::size_t) {});
  CHECK(batch.sum.totals.delivered > 10'000);
  std::string text;
  for (const auto& [seed, what] : batch.failures) {
    text += what + "\n  again: ./dev sim --seed " + std::to_string(seed) + "\n";
  }
  return text;
}

// An oracle that is told a history by hand: life 0 publishes, life 1 receives. Timeline 1 was left
// at its third change; the fourth is lost.
class Told {
 public:
  explicit Told(bool gated = true) : oracle(history_) {
    history_.found(home, 100);
    for (auto& change : changes) (void)history_.write(home, 1, 100, true, change);
    (void)history_.branch({home, 1, 400});
    Options options;
    options.held_bytes = 1000;
    oracle.born(0, {origin(0), "a", true, home, options, {}});
    oracle.born(1, {origin(1), "b", gated, home, options, {}});
    oracle.subscribed(1, 0, true, {});
  }

  static Origin origin(std::uint8_t number) { return testing::origin(number); }
  static Position at(std::uint64_t lsn, TimelineId timeline = 1) {
    return tidegate::testing::place(
        tidegate::testing::history(timeline == 1 ? "1" : "1 2@400/2000000"), lsn);
  }
  static Instant time(int after) { return Instant(milliseconds(after)); }

  // Life 0 publishes the change (0: none) and sends it at a position.
  void send(std::size_t change, std::optional<Position> position, int published = 0) {
    payload_ = oracle.payload_for(0);
    Note note;
    note.at = time(published);
    note.kind = change == 0 ? Note::Kind::no_change : Note::Kind::after_commit;
    if (change > 0) note.change = changes[change - 1];
    oracle.published(0, note);
    auto message = a_message(payload_, std::move(position));
    if (change == 0) std::swap(message.position, message.inherited);
    sent_.push_back(message);
    oracle.sent(0, {origin(0), ++last_, {std::move(message)}}, time(1));
  }
  void show(std::uint64_t lsn, std::uint32_t timeline = 1) {
    const Place place{home, timeline, lsn};
    oracle.read(1, {place, place});
  }
  void deliver(std::uint64_t sequence, int when = 10, int held = 0) {
    oracle.delivered(1, {sent_[sequence - 1], origin(0), "a", sequence, milliseconds(held)},
                     time(when));
  }
  void give_back(Ticket ticket) {
    oracle.unpublished(0, {ticket, Unpublished::Why::primary_lost, Topic::parse("t/0").value(),
                           "0." + std::to_string(ticket)});
  }
  void report(std::uint64_t first, std::uint64_t last, Undelivered::Why why) {
    oracle.undelivered(1, {origin(0), "a", first, last, why, {}}, time(10));
  }

  // The rule that was broken first, or "".
  [[nodiscard]] std::string broken() const {
    const auto& violation = oracle.violation();
    return violation ? violation->substr(0, violation->find(':')) : "";
  }

 private:
  static Message a_message(const std::string& payload, std::optional<Position> position) {
    return {Topic::parse("t/0").value(), payload, std::move(position), std::nullopt};
  }

  sim::History history_;
  std::vector<Message> sent_;
  std::string payload_;
  std::uint64_t last_ = 0;

 public:
  std::array<ChangeId, 4> changes{};
  Oracle oracle;
};

}  // namespace

TEST_CASE("a hundred seeds keep all promises") { CHECK(failures_from(0) == ""); }
TEST_CASE("another hundred seeds keep all promises") { CHECK(failures_from(100) == ""); }
TEST_CASE("a third hundred seeds keep all promises") { CHECK(failures_from(200) == ""); }
TEST_CASE("a fourth hundred seeds keep all promises") { CHECK(failures_from(300) == ""); }
TEST_CASE("a fifth hundred seeds keep all promises") { CHECK(failures_from(400) == ""); }

TEST_CASE("a seed means the same run again") {
  Trace first(Trace::Mode::keep);
  Trace second(Trace::Mode::keep);
  CHECK(run_seed(3, first).steps == run_seed(3, second).steps);
  CHECK(first.take() == second.take());
}

TEST_CASE("the run of a scenario is the one that its file records") {
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(TIDEGATE_SOURCE_ROOT "/tests/scenarios")) {
    ++count;
    CHECK(check_scenario(entry.path().string(), false) == "");
  }
  CHECK(count >= 10);
}

TEST_CASE("a scenario whose output is another one is told so") {
  const std::string text = "cluster 1\n----\nnonsense\n\n";
  CHECK(play_scenario(text) == "cluster 1\n");
  CHECK(play_scenario("nonsense\n") == "nonsense\n----\nno such command\n\n");
}

TEST_CASE("the oracle accepts a right run") {
  Told told;
  told.send(1, Told::at(200));
  told.send(0, Told::at(200));
  told.show(200);
  told.deliver(1);
  told.deliver(2);
  told.oracle.finish();
  CHECK(told.broken() == "");
}

TEST_CASE("S1: the oracle sees a delivery before its change") {
  Told told;
  told.send(1, Told::at(200));
  SUBCASE("without a reading") {}
  SUBCASE("with a reading that is a byte short") { told.show(199); }
  SUBCASE("with a reading of an earlier life of the server") {
    told.show(200);
    told.oracle.server_down(1);
  }
  told.deliver(1);
  CHECK(told.broken() == "S1");
}

TEST_CASE("S2: the oracle sees a lost change that is announced") {
  Told told;
  SUBCASE("delivered where the timeline was left before it") {
    told.send(4, Told::at(500));
    told.show(900, 2);
    told.deliver(1);
  }
  SUBCASE("sent under a position of the next timeline") { told.send(4, Told::at(450, 2)); }
  SUBCASE("sent under a position that does not cover it") { told.send(2, Told::at(299)); }
  CHECK(told.broken() == "S2");
}

TEST_CASE("S3: the oracle sees a message that is decided twice, or comes from nowhere") {
  Told told;
  told.send(1, Told::at(200));
  told.show(200);
  told.deliver(1);
  SUBCASE("delivered again") { told.deliver(1); }
  SUBCASE("reported after it was delivered") { told.report(1, 1, Undelivered::Why::missing); }
  SUBCASE("never sent") { told.report(2, 2, Undelivered::Why::missing); }
  SUBCASE("sent and given back") { told.give_back(1); }
  CHECK(told.broken() == "S3");
}

TEST_CASE("N1: the oracle sees a hole in what was taken of a publisher that is dead") {
  Told told;
  told.send(1, Told::at(200));
  told.send(2, Told::at(300));
  told.send(3, Told::at(400));
  told.send(3, Told::at(400));
  told.show(400);
  told.deliver(1);
  told.oracle.died(0);
  SUBCASE("a message before the last that was taken is neither delivered nor reported") {
    told.deliver(3);
    told.oracle.finish();
    CHECK(told.broken() == "N1");
  }
  SUBCASE("the end of its stream may be lost with it: that is right") {
    told.deliver(2);
    told.oracle.finish();
    CHECK(told.broken() == "");
  }
}

TEST_CASE("N1: the oracle sees a peer that comes or goes twice") {
  Told told;
  told.oracle.ready(1, Told::origin(0));
  told.oracle.gone(1, Told::origin(0));
  told.oracle.ready(1, Told::origin(0));
  CHECK(told.broken() == "");
  SUBCASE("ready, and again") { told.oracle.ready(1, Told::origin(0)); }
  SUBCASE("gone, and again") {
    told.oracle.gone(1, Told::origin(0));
    told.oracle.gone(1, Told::origin(0));
  }
  SUBCASE("gone, though it was never ready") { told.oracle.gone(0, Told::origin(1)); }
  CHECK(told.broken() == "N1");
}

TEST_CASE("S3: the oracle takes a stream that goes on in a later life for one") {
  Told told;
  told.oracle.ready(0, Told::origin(1));
  told.send(1, Told::at(200));
  told.send(2, Told::at(300));
  told.show(400);
  told.deliver(1);
  told.oracle.died(0);
  const Origin later{Told::origin(0).peer, 9};
  told.oracle.born(2, {later, "a", true, home, {}, {}, 0});
  told.oracle.published(2, {});
  const Message third{Topic::parse("t/0").value(), "2.1", std::nullopt, Told::at(200)};
  const auto send = [&](std::uint64_t first) { told.oracle.sent(2, {later, first, {third}}, {}); };
  const auto deliver = [&](std::uint64_t sequence) {
    told.oracle.delivered(1, {third, Told::origin(0), "a", sequence, {}}, Told::time(12));
  };
  SUBCASE("what was lost is reported, and it goes on: that is right") {
    send(3);
    told.report(2, 2, Undelivered::Why::expired);
    deliver(3);
    told.oracle.finish();
    CHECK(told.broken() == "");
  }
  SUBCASE("a message of the former life comes again") {
    send(3);
    told.deliver(1);
    CHECK(told.broken() == "S3");
  }
  SUBCASE("a sequence is used again") {
    send(2);
    CHECK(told.broken() == "S4");
  }
  SUBCASE("the former life's message comes behind the later one's") {
    send(3);
    deliver(3);
    told.deliver(2);
    CHECK(told.broken() == "S4");
  }
  SUBCASE("what was lost is not reported") {
    send(3);
    deliver(3);
    told.oracle.finish();
    CHECK(told.broken() == "N1");
  }
}

TEST_CASE("S4: the oracle sees messages of one origin out of their order") {
  Told told;
  told.send(1, Told::at(200));
  told.send(2, Told::at(300));
  told.show(400);
  SUBCASE("delivered") {
    told.deliver(2);
    told.deliver(1);
  }
  SUBCASE("sent with a hole") { told.oracle.sent(0, {Told::origin(0), 4, {}}, {}); }
  CHECK(told.broken() == "S4");
}

TEST_CASE("S5: the oracle sees a later place go out before an earlier one that was held") {
  Told told;
  told.oracle.born(2, {Told::origin(2), "c", true, home, {}, {}});
  told.send(2, Told::at(300));
  told.oracle.published(2, {Note::Kind::after_commit, told.changes[0], 0, {}});
  const Message earlier{Topic::parse("t/0").value(), "2.1", Told::at(200)};
  told.oracle.sent(2, {Told::origin(2), 1, {earlier}}, {});
  told.show(400);
  told.deliver(1, 10);
  const auto deliver = [&](int held) {
    told.oracle.delivered(1, {earlier, Told::origin(2), "c", 1, milliseconds(held)},
                          Told::time(12));
  };
  SUBCASE("held since before") {
    deliver(5);
    CHECK(told.broken() == "S5");
  }
  SUBCASE("arrived afterwards: that is right") {
    deliver(1);
    CHECK(told.broken() == "");
  }
}

TEST_CASE("S6: the oracle sees a message that does not cover the changes that its peer has seen") {
  Told told;
  told.send(3, Told::at(400));
  SUBCASE("an earlier position") { told.send(0, Told::at(300)); }
  SUBCASE("none") { told.send(0, std::nullopt); }
  CHECK(told.broken() == "S6");
}

TEST_CASE("L1: the oracle sees what takes long though all is well") {
  Told told;
  SUBCASE("to be sent") {
    told.oracle.calm(Told::time(-400));
    told.send(1, Told::at(200));  // published at 0, sent at 1 ms
    CHECK(told.broken() == "");
    told.send(1, Told::at(200), -350);
  }
  SUBCASE("to be delivered") {
    told.send(1, Told::at(200));
    told.send(1, Told::at(200));
    told.show(200);
    told.oracle.calm(Told::time(0));
    told.deliver(1, 300);
    CHECK(told.broken() == "");
    told.deliver(2, 302);
  }
  CHECK(told.broken() == "L1");
}

TEST_CASE("the oracle lets a message that is sent apart go before those that wait") {
  Told told;
  const auto publish = [&](Note::Kind kind, bool apart) {
    Note note{kind, told.changes[0], 0, {}};
    note.apart = apart;
    told.oracle.published(0, note);
  };
  const auto send = [&](std::uint64_t sequence, std::uint64_t index) {
    Message message{Topic::parse("t/0").value(), "0." + std::to_string(index), {}, {}};
    told.oracle.sent(0, {Told::origin(0), sequence, {std::move(message)}}, Told::time(1));
  };
  bool apart = true;
  SUBCASE("as it should be") {}
  SUBCASE("but no other one") { apart = false; }
  publish(Note::Kind::no_change, false);
  publish(Note::Kind::no_change, false);
  publish(Note::Kind::no_change, apart);
  send(1, 3);
  send(2, 1);
  send(3, 2);
  CHECK(told.broken() == (apart ? "" : "N1"));
}

TEST_CASE("B1: the oracle sees more held than is allowed") {
  Told told;
  Status status;
  status.held = 2;
  status.held_bytes = 1001;
  told.oracle.seen(1, status);
  CHECK(told.broken() == "B1");
}

TEST_CASE("N1: the oracle sees a message that vanishes") {
  Told told;
  told.oracle.ready(0, Told::origin(1));
  told.send(1, Told::at(200));
  SUBCASE("at the end") {
    told.oracle.finish();
    CHECK(told.broken() == "N1");
  }
  SUBCASE("reported: that is right") {
    told.report(1, 1, Undelivered::Why::missing);
    told.oracle.finish();
    CHECK(told.broken() == "");
  }
  SUBCASE("not subscribed: that is right") {
    told.oracle.subscribed(1, 0, false, Told::time(2));
    told.oracle.finish();
    CHECK(told.broken() == "");
  }
}

TEST_CASE("N1: the oracle sees an accepted message that is not answered as it should be") {
  Told told;
  Options options;
  options.report_sent = true;
  told.oracle.born(2, {Told::origin(2), "c", true, home, options, {}});
  told.oracle.published(2, {});
  const auto send = [&] {
    told.oracle.sent(2, {Told::origin(2), 1, {{Topic::parse("t/0").value(), "2.1", {}}}}, {});
  };
  SUBCASE("answered: that is right") {
    told.oracle.told_sent(2, {1, 1, {}});
    send();
    told.oracle.farewell(2);
    told.oracle.finish();
    CHECK(told.broken() == "");
    return;
  }
  SUBCASE("not at all") { told.oracle.farewell(2); }
  SUBCASE("though it was sent") { send(); }
  SUBCASE("with another ticket") { told.oracle.told_sent(2, {2, 1, {}}); }
  SUBCASE("twice") {
    told.oracle.told_sent(2, {1, 1, {}});
    told.oracle.told_sent(2, {1, 1, {}});
  }
  SUBCASE("with another sequence") {
    told.oracle.told_sent(2, {1, 2, {}});
    send();
  }
  SUBCASE("with another position") {
    told.oracle.told_sent(2, {1, 1, Told::at(200)});
    send();
  }
  CHECK(told.broken() == "N1");
}

TEST_CASE("N1: the oracle allows no hole that could be filled") {
  Told told;
  told.oracle.ready(1, Told::origin(0));
  told.send(1, Told::at(200));
  SUBCASE("its publisher lives") {
    told.report(1, 1, Undelivered::Why::missing);
    CHECK(told.broken() == "N1");
  }
  SUBCASE("its publisher is said to keep it no longer") {
    told.report(1, 1, Undelivered::Why::expired);
    CHECK(told.broken() == "N1");
  }
  SUBCASE("its publisher seems to be gone: that is right") {
    told.oracle.gone(1, Told::origin(0));
    told.report(1, 1, Undelivered::Why::missing);
    CHECK(told.broken() == "");
  }
  SUBCASE("its publisher is dead: that is right") {
    told.oracle.died(0);
    told.report(1, 1, Undelivered::Why::missing);
    CHECK(told.broken() == "");
  }
}

TEST_CASE("the oracle accepts that a change is in doubt where nobody can tell") {
  Told told;
  told.send(3, Told::at(500));
  auto around_the_fork = Told::at(500);
  around_the_fork.after = 399;
  told.send(3, around_the_fork);
  told.show(500, 2);
  told.report(1, 2, Undelivered::Why::in_doubt);
  CHECK(told.broken() == "");
}

TEST_CASE("the oracle sees a reason that is not true") {
  Told told;
  told.send(3, Told::at(400));
  told.show(300);
  SUBCASE("orphaned, though it comes") { told.report(1, 1, Undelivered::Why::orphaned); }
  SUBCASE("orphaned, though it is there") {
    told.show(400, 2);
    told.report(1, 1, Undelivered::Why::orphaned);
  }
  SUBCASE("orphaned, though its change is there, if not all that its position covers") {
    told.send(3, Told::at(500));
    told.show(500, 2);
    told.report(2, 2, Undelivered::Why::orphaned);
  }
  SUBCASE("in doubt, though it comes") { told.report(1, 1, Undelivered::Why::in_doubt); }
  SUBCASE("in doubt, though it is gone for sure") {
    auto behind_the_fork = Told::at(500);
    behind_the_fork.after = 400;
    told.send(4, behind_the_fork);
    told.show(500, 2);
    told.report(2, 2, Undelivered::Why::in_doubt);
  }
  SUBCASE("foreign, though it is of this cluster") { told.report(1, 1, Undelivered::Why::foreign); }
  SUBCASE("given back, though the primary lives") {
    told.oracle.primary_known(0, {home, 1});
    told.oracle.published(0, {Note::Kind::after_commit, told.changes[0], 0, {}});
    told.give_back(2);
  }
  CHECK(told.broken() == "reason");
}
