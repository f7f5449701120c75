// Histories that break what the oracle says of acknowledgements and of resumed streams: it has to
// notice each of them.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/sim/oracle.hpp"

using namespace tidegate;
using namespace tidegate::sim;
using std::chrono::milliseconds;

namespace {

// Life 0 publishes what is to be acknowledged, life 1 is ready and receives.
class Told {
 public:
  explicit Told(std::vector<Cursor> resume = {}) : oracle(history_) {
    Options options;
    oracle.born(0, {testing::origin(1), "a", false, 0, options, {}});
    options.resume = std::move(resume);
    if (!options.resume.empty()) send();
    oracle.born(1, {testing::origin(2), "b", false, 0, options, {}});
    oracle.subscribed(1, 0, true, {});
  }

  void send() {
    Note note;
    note.at = time(1);
    note.acknowledged = true;
    auto message = testing::a_message("t/0", oracle.payload_for(0));
    oracle.published(0, note);
    sent_.push_back(message);
    oracle.sent(0, {testing::origin(1), ++last_, {std::move(message)}}, time(1));
    oracle.awaits(0, 1, {1});
  }
  void receive(Ticket ticket, std::vector<Received::Without> without = {}) {
    oracle.received(0, {ticket, std::move(without)});
  }
  void deliver(std::uint64_t sequence) {
    oracle.delivered(1, {sent_[sequence - 1], testing::origin(1), "a", sequence, {}}, time(2));
  }
  void lose(std::uint64_t sequence) {
    oracle.died(0);
    oracle.undelivered(
        1, {testing::origin(1), "a", sequence, sequence, Undelivered::Why::expired, {}, {}},
        time(2));
  }
  // The rule that was broken first, or "".
  [[nodiscard]] std::string broken() const {
    const auto& violation = oracle.violation();
    return violation ? violation->substr(0, violation->find(':')) : "";
  }

 private:
  static Instant time(int after) { return Instant(milliseconds(after)); }

  sim::History history_;
  std::vector<Message> sent_;
  std::uint64_t last_ = 0;

 public:
  Oracle oracle;
};

const std::vector<Received::Without> without_b{
    {testing::origin(2), "b", Received::Without::Why::gone}};

}  // namespace

TEST_CASE("a message that was confirmed is not lost") {
  Told before;
  before.send();
  before.receive(1);
  before.lose(1);
  CHECK(before.broken() == "received");
  Told after;
  after.send();
  after.lose(1);
  after.receive(1);
  CHECK(after.broken() == "received");
  Told named;
  named.send();
  named.receive(1, without_b);
  named.lose(1);
  CHECK(named.broken().empty());
}

TEST_CASE("a message that was confirmed is decided in the end") {
  Told told;
  told.send();
  told.receive(1);
  told.oracle.died(0);
  told.oracle.finish();
  CHECK(told.broken() == "received");
  Told good;
  good.send();
  good.receive(1);
  good.deliver(1);
  good.oracle.died(0);
  good.oracle.finish();
  CHECK(good.broken().empty());
}

TEST_CASE("each acknowledged message is answered once, in the order of the stream") {
  Told twice;
  twice.send();
  twice.receive(1);
  twice.receive(1);
  CHECK(twice.broken() == "received");
  Told unsent;
  unsent.receive(1);
  CHECK(unsent.broken() == "received");
  Told reversed;
  reversed.send();
  reversed.send();
  reversed.receive(2);
  reversed.receive(1);
  CHECK(reversed.broken() == "received");
  Told silent;
  silent.send();
  silent.deliver(1);
  silent.oracle.finish();
  CHECK(silent.broken() == "received");
}

TEST_CASE("a resumed stream brings nothing from before its place") {
  Told told({{testing::origin(1), 2}});
  told.send();
  told.deliver(2);
  CHECK(told.broken().empty());
  told.deliver(1);
  CHECK(told.broken() == "resume");
}
