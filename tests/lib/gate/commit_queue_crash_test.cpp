// The commit queue against a primary that flushes when it likes, crashes, and uses LSNs again.
#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/gate/commit_queue.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::gate;
using std::chrono::microseconds;
using tidegate::testing::a_message;
using tidegate::testing::home;
using Query = CommitQueue::Query;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));

class Primary {
 public:
  explicit Primary(std::uint64_t seed) : random_(seed) {}

  // The number of the change; `synchronous`: flushed when the call returns.
  std::uint64_t commit(bool synchronous) {
    insert_ += 1 + random_.below(9);
    changes_[++last_] = insert_;
    if (synchronous) flush_ = insert_;
    return last_;
  }
  void write_of_another_session() { insert_ += 1 + random_.below(9); }
  void flush() { flush_ = insert_; }
  void crash() {
    insert_ = flush_;
    for (auto i = changes_.begin(); i != changes_.end();) {
      i = i->second > flush_ ? changes_.erase(i) : std::next(i);
    }
    ++life_.started;
  }
  [[nodiscard]] CommitPosition read() const {
    return {life_, tidegate::testing::history("1"), Lsn{insert_}, Lsn{flush_}};
  }
  [[nodiscard]] ServerIncarnation life() const { return life_; }

  // Whether the change is there, flushed, and behind a position.
  [[nodiscard]] bool announced_by(std::uint64_t change, Lsn position) const {
    const auto found = changes_.find(change);
    return found != changes_.end() && found->second <= position.bytes && position.bytes <= flush_;
  }
  [[nodiscard]] bool has(std::uint64_t change) const { return changes_.contains(change); }

 private:
  Random random_;
  ServerIncarnation life_{home, 1};
  std::uint64_t insert_ = 100;
  std::uint64_t flush_ = 100;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::uint64_t> changes_;  // number, end of its commit record
};

}  // namespace

TEST_CASE(
    "every message that is sent is there and flushed, and all come out once, whatever the primary "
    "does") {
  int sent = 0;
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Primary primary(seed);
    CommitQueue queue;
    bool up = false;
    bool open = false;
    std::uint64_t next_out = 1;
    auto now = start;

    const auto come = [&] {
      if (!up) queue.primary_up(primary.life(), {});
      up = true;
    };
    const auto turn = [&] {
      if (open) {
        open = false;
        queue.answered(primary.read(), now);
      }
      while (const auto one = queue.pop()) {
        const auto change = std::stoull(to_string(one->message.topic));
        REQUIRE(change == next_out++);
        if (one->fate != CommitQueue::Fate::sent) {
          ++lost;
          continue;
        }
        ++sent;
        REQUIRE(one->message.position.has_value());
        REQUIRE(primary.announced_by(change, Lsn{one->message.position->offset}));
      }
      if (const auto request = queue.take_query(now)) {
        open = true;
        if (*request == Query::nudge) primary.flush();
      }
    };

    std::uint64_t published = 0;
    for (int i = 0; i < 200; ++i) {
      now += microseconds(random.below(2000));
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          // An application can only commit where the queue's primary lives, so it is seen first.
          come();
          const bool synchronous = random.below(2) == 0;
          published = primary.commit(synchronous);
          queue.push(a_message(std::to_string(published), ""),
                     AfterCommit{synchronous && i % 3 == 0}, published, start);
          break;
        }
        case 4:
          primary.write_of_another_session();
          break;
        case 5:
          primary.flush();
          break;
        case 6:
          if (random.below(4) == 0) {
            primary.crash();
            queue.primary_down();
            up = open = false;
          }
          break;
        case 7:
          if (random.below(4) == 0) {
            queue.primary_down();
            up = open = false;
          }
          break;
        default:
          come();
          turn();
      }
    }
    come();
    for (int i = 0; i < 100 && queue.size() > 0; ++i) {
      turn();
      if (!open) now = std::max(now, queue.deadline());
    }
    CHECK(queue.size() == 0);
    CHECK(next_out == published + 1);
    CHECK(queue.bytes() == 0);
    turn();
    if (open) turn();
    CHECK(queue.deadline() == never);
  }
  CHECK(sent > 1000);
  CHECK(lost > 100);
}

TEST_CASE("a position that a failover has undone for sure is not sent any more") {
  const ServerIncarnation first{home, 1};
  const ServerIncarnation second{home, 2};
  CommitQueue queue;
  queue.primary_up(first, tidegate::testing::history("1"));
  queue.push(a_message("tail", ""), AfterCommit{false}, 1, start);
  queue.push(a_message("a", ""), AfterCommit{true}, 2, start);
  REQUIRE(queue.take_query(start));
  queue.answered({first, tidegate::testing::history("1"), Lsn{100}, Lsn{50}}, start);
  queue.primary_down();

  bool survives = false;
  SUBCASE("the new history has left the old one before it") {}
  SUBCASE("or behind it: it has survived") { survives = true; }
  const auto later = tidegate::testing::history(survives ? "1 2@50/7" : "1 2@49/7");
  queue.primary_up(second, later);
  REQUIRE(queue.take_query(start));
  queue.answered({second, later, Lsn{300}, Lsn{300}}, start);
  CHECK(queue.pop().value().fate == CommitQueue::Fate::lost);
  CHECK((queue.pop().value().fate == CommitQueue::Fate::sent) == survives);
}

TEST_CASE(
    "a message that is accepted while the only primary known was denied is tied to that one") {
  const auto fate_with = [](const ServerIncarnation& denied, const ServerIncarnation& next) {
    CommitQueue queue;
    queue.primary_denied(denied);
    queue.push(a_message("a", ""), AfterCommit{false}, 1, start);
    queue.primary_up(next, testing::history("1"));
    REQUIRE(queue.take_query(start) == Query::ask);
    queue.answered({next, testing::history("1"), Lsn{100}, Lsn{100}}, start);
    return queue.pop().value().fate;
  };
  CHECK(fate_with({home, 1}, {home, 2}) == CommitQueue::Fate::outdated);
  CHECK(fate_with({home, 1}, {home, 1}) == CommitQueue::Fate::sent);
}
