// Many random lives of a cluster and of one who reads its outbox: overlapping transactions, a
// standby that is behind, restarts, rows that are not done, failovers that lose something.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/outbox/reader.hpp"
#include "tests/lib/outbox/outbox_model.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using outbox::Reader;

namespace {

// A session announces "3.1", "3.2" and so on, in this order.
struct Announced {
  std::size_t session = 0;
  std::uint64_t number = 0;
  std::size_t committed_at = 0;  // the end of the log behind its COMMIT; 0: not committed
};

class Life {
 public:
  explicit Life(std::uint64_t seed, bool failovers) : random_(seed), failovers_(failovers) {}

  void run() {
    for (int step = 0; step < 300; ++step) act();
    while (!model_.open().empty()) end(*model_.open().begin());
    shown_ = model_.end_of_log();
    for (int i = 0; i < 3; ++i) {
      restart();
      for (bool again = true; again;) {
        again = read();
        finish_all();
      }
    }
    judge();
  }

  std::size_t missed_by_naive = 0;

 private:
  struct Session {
    std::optional<OutboxModel::Xid> transaction;
    std::vector<std::string> announced;
    std::uint64_t number = 0;
  };

  void act() {
    auto& session = sessions_[random_.below(sessions_.size())];
    switch (random_.below(16)) {
      case 0:
      case 1:
        if (!session.transaction) session.transaction = model_.begin();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        if (session.transaction) announce(session);
        break;
      case 6:
      case 7:
        if (session.transaction) end(*session.transaction);
        break;
      case 8:
        shown_ += random_.below(model_.end_of_log() - shown_ + 1);
        break;
      case 9:
      case 10:
        static_cast<void>(read());
        break;
      case 11:
      case 12:
        finish_some();
        break;
      case 13:
        if (random_.below(4) == 0) restart();
        break;
      case 14:
        now_ += std::chrono::seconds(random_.below(8));
        break;
      default:
        if (failovers_ && random_.below(10) == 0) fail_over();
    }
  }

  void announce(Session& session) {
    const auto name =
        std::to_string(&session - sessions_.data()) + "." + std::to_string(++session.number);
    model_.announce(*session.transaction, name);
    session.announced.push_back(name);
  }

  void end(OutboxModel::Xid xid) {
    auto& session = *std::find_if(sessions_.begin(), sessions_.end(),
                                  [&](const Session& each) { return each.transaction == xid; });
    const bool commits = random_.below(100) >= 15;
    model_.end(xid, commits);
    if (commits) {
      for (const auto& name : session.announced) committed_[name] = model_.end_of_log();
    }
    session.transaction.reset();
    session.announced.clear();
  }

  void fail_over() {
    const auto lost = random_.below(1 + std::min<std::size_t>(model_.end_of_log(), 20));
    const auto fork = model_.end_of_log() - lost;
    model_.promote(fork);
    std::erase_if(committed_, [&](const auto& each) { return each.second > fork; });
    for (auto& session : sessions_) {
      session.transaction.reset();
      session.announced.clear();
    }
    // The reader is at the new primary, or at a standby that had to go back as well.
    shown_ = std::min(shown_, fork);
    naive_last_ = 0;
  }

  bool read() {
    const auto question = reader_.question();
    if (!question) return false;
    auto asked = *question;
    asked.most_rows = std::min<std::size_t>(asked.most_rows, 1 + random_.below(20));
    auto taken = reader_.take(model_.read(asked, shown_), now_);
    if (taken.loss) {
      went_back_ = true;
      last_.clear();
      under_way_.clear();
    }
    for (auto& [ticket, row] : taken.deliveries) deliver(ticket, row);
    read_naively();
    return taken.again;
  }

  void deliver(std::uint64_t ticket, const outbox::Row& row) {
    const auto& name = row.payload;
    const auto committed = committed_.find(name);
    REQUIRE(committed != committed_.end());
    CHECK(committed->second <= shown_);  // nothing early
    if (!went_back_) CHECK(done_.count(name) == 0);
    const auto dot = name.find('.');
    const auto session = name.substr(0, dot);
    const auto number = std::stoull(name.substr(dot + 1));
    CHECK(number > last_[session]);
    last_[session] = number;
    under_way_[ticket] = name;
  }

  void finish_some() {
    for (auto each = under_way_.begin(); each != under_way_.end();) {
      if (random_.below(3) == 0) {
        ++each;
        continue;
      }
      reader_.done(each->first);
      ++done_[each->second];
      each = under_way_.erase(each);
    }
  }
  void finish_all() {
    for (const auto& [ticket, name] : under_way_) {
      reader_.done(ticket);
      ++done_[name];
    }
    under_way_.clear();
  }

  void restart() {
    const auto cursor = reader_.cursor();
    if (!cursor) return;
    reader_ = Reader(outbox::cursor_from_text(to_text(*cursor)).value());
    under_way_.clear();
    last_.clear();  // those that were not done come again
  }

  // As is often written: all behind the highest id so far.
  void read_naively() {
    for (const auto& row : model_.read({.most_rows = 1'000'000}, shown_).rows) {
      if (row.key.id <= naive_last_) continue;
      ++naive_[row.payload];
      naive_highest_ = std::max(naive_highest_, row.key.id);
    }
    naive_last_ = naive_highest_;
  }

  void judge() {
    for (const auto& committed : committed_) {
      const auto& name = committed.first;
      CAPTURE(name);
      CHECK(done_.count(name) == 1);
      if (!failovers_) CHECK(done_[name] == 1);
      if (!naive_.contains(name)) ++missed_by_naive;
    }
    if (!failovers_) CHECK(done_.size() == committed_.size());
  }

  base::Random random_;
  bool failovers_;
  OutboxModel model_;
  std::vector<Session> sessions_{6};
  std::map<std::string, std::size_t> committed_;  // and where in the log
  std::size_t shown_ = 0;                         // by the server that is read
  Instant now_{std::chrono::hours(1)};
  Reader reader_{Reader::From::earliest};
  std::map<std::uint64_t, std::string> under_way_;  // by ticket
  std::map<std::string, int> done_;
  std::map<std::string, std::uint64_t> last_;  // of each session
  bool went_back_ = false;
  std::map<std::string, int> naive_;
  std::uint64_t naive_last_ = 0;
  std::uint64_t naive_highest_ = 0;
};

}  // namespace

TEST_CASE("each announcement that is committed is done once, and the naive reader misses some") {
  std::size_t missed_by_naive = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Life life(seed, false);
    life.run();
    missed_by_naive += life.missed_by_naive;
  }
  CHECK(missed_by_naive > 100);
}

TEST_CASE("behind failovers each announcement that has survived is done") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Life(seed, true).run();
  }
}
