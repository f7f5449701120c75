// Rows of an outbox are removed while a dump is open on a standby: replay there must go on, since
// everything that the tide brings waits for it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "support/eventually.hpp"
#include "support/process.hpp"
#include "tests/live/outbox_site.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// How long a row that is committed on the primary takes to be shown by a standby, at its longest.
class LagMeter {
 public:
  LagMeter(const Server& primary, const Server& standby)
      : primary_(primary.connect()), standby_(standby.connect()), thread_([this] { measure(); }) {}
  ~LagMeter() { stop(); }

  std::chrono::milliseconds stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
    return std::chrono::round<std::chrono::milliseconds>(longest_);
  }

 private:
  void measure() {
    for (int beat = 1; !done_; ++beat) {
      primary_.execute("INSERT INTO beats VALUES (" + std::to_string(beat) + ")");
      const auto committed = Clock::now();
      while (!done_ && std::stoi(standby_.value("SELECT coalesce(max(i), 0) FROM beats")) < beat) {
        longest_ = std::max<Duration>(longest_, Clock::now() - committed);
        std::this_thread::sleep_for(2ms);
      }
      longest_ = std::max<Duration>(longest_, Clock::now() - committed);
      std::this_thread::sleep_for(5ms);
    }
  }

  Session primary_;
  Session standby_;
  Duration longest_{};
  std::atomic<bool> done_ = false;
  std::thread thread_;  // last: it uses the others
};

// pg_dump that has taken its snapshot and locked its tables, and does not get on: it writes to a
// pipe that nobody reads, as a slow disk would make it. Returns when the primary knows of it.
Process open_dump(Server& primary, Server& standby) {
  Process dump({.arguments = {postgres_program("pg_dump"), "--dbname",
                              standby.connection_string("application_name=dump")},
                .output = Stream::pipe});
  std::string snapshot;
  REQUIRE(eventually(20s, [&] {
    const auto rows = standby.query(
        "SELECT backend_xmin FROM pg_stat_activity WHERE application_name = 'dump'"
        " AND query LIKE 'COPY%' AND state = 'active'");
    if (!rows.empty()) snapshot = rows[0][0];
    return !snapshot.empty();
  }));
  REQUIRE(eventually(20s, [&] {
    return primary.value("SELECT backend_xmin::text FROM pg_stat_replication") == snapshot;
  }));
  return dump;
}

int remove_all(Session& session) {
  int removed = 0;
  for (int now = 1; now > 0; removed += now) {
    now = std::stoi(session.value("SELECT tidegate.remove_announced('0', NULL, 1000)"));
  }
  return removed;
}

}  // namespace

TEST_CASE("replay goes on while rows are removed under an open pg_dump of a standby" *
          doctest::test_suite("long") * doctest::skip(!find_postgres_program("pg_dump"))) {
  constexpr int rows = 60'000;
  OutboxSite site({.config = "max_standby_streaming_delay = 30s\nhot_standby_feedback = on"});
  auto& standby = site.cluster.add_replica();
  site.primary.execute(
      "CREATE TABLE beats (i int); CREATE TABLE much (t text);"
      "INSERT INTO much SELECT repeat('x', 1000) FROM generate_series(1, 20000)");
  site.primary.execute("SELECT tidegate.announce('t', repeat('x', 100)) FROM generate_series(1, " +
                       std::to_string(rows) + ")");
  site.settle(standby);
  auto remover = site.primary.connect();
  LagMeter meter(site.primary, standby);
  {
    auto dump = open_dump(site.primary, standby);
    CHECK(remove_all(remover) == rows);
    remover.execute("VACUUM tidegate.outbox");
    site.settle(standby);
    CHECK(dump.running());
  }
  // To the next one the rows are gone already: nothing keeps the VACUUM from its work, and only the
  // table's setting from giving all its pages back, under a lock.
  auto dump = open_dump(site.primary, standby);
  remover.execute("VACUUM tidegate.outbox");
  CHECK(remover.value("SELECT count(*) FROM tidegate.outbox") == "0");
  CHECK(remover.value("SELECT pg_relation_size('tidegate.outbox') > 5000000") == "t");
  site.settle(standby);
  CHECK(dump.running());
  const auto longest = meter.stop();
  MESSAGE("longest replay lag: ", longest.count(), " ms");
  CHECK(longest < 1s);
}
