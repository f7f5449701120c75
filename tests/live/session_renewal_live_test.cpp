// Questions that are cancelled, sessions that are cut while the server is well, and sessions
// without replication commands: none is an outage, and none stays worse than it must.
#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/position_asker.hpp"
#include "tests/support/replay_watcher.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// The processes that serve our readers.
constexpr auto* our_backends =
    "SELECT pid FROM pg_catalog.pg_stat_activity WHERE application_name = 'tidegate'";

std::string backend(Server& server) { return server.value(our_backends); }

void end_sessions(Server& server) {
  server.execute("SELECT pg_terminate_backend(pid) FROM (" + std::string(our_backends) +
                 ") AS ours");
}

// A session that keeps the questions of new sessions waiting, and can cancel them.
class Obstacle {
 public:
  explicit Obstacle(Server& server) : session_(server.connect()) {
    cancel();  // so that it needs no lock later
    session_.execute("BEGIN; LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE");
  }
  // Whether there was one.
  bool cancel() {
    return session_.value(
               "SELECT pg_stat_clear_snapshot(); SELECT count(*) FROM (SELECT "
               "pg_cancel_backend(pid) FROM (" +
               std::string(our_backends) + " AND wait_event_type = 'Lock') AS a) AS b") != "0";
  }
  void give_way() { session_.execute("COMMIT"); }

 private:
  Session session_;
};

template <typename Machine>
bool cancel_once(Machine& machine, Obstacle& obstacle) {
  return machine.until([&] { return obstacle.cancel(); });
}

}  // namespace

TEST_CASE("a cancelled question is asked again on the same session, and is no outage") {
  Cluster cluster;
  auto& server = cluster.primary();
  ReplayWatcher watcher(server.connection_string());
  PositionAsker asker(server.connection_string());
  Obstacle obstacle(server);
  for (int i = 0; i < 4; ++i) {
    CHECK(cancel_once(watcher, obstacle));
    CHECK(cancel_once(asker, obstacle));
  }
  CHECK(watcher.quiet());
  CHECK(asker.quiet());
  obstacle.give_way();
  watcher.next<ServerUp>();
  watcher.next_tide();
  asker.next<PrimaryUp>();
  asker.ask();
  CHECK(contains(server.log_text(), "canceling statement due to user request"));
}

TEST_CASE("cancelling at random ends no session and loses no answer") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  replica.promote();
  ReplayWatcher watcher(replica.connection_string());
  PositionAsker asker(replica.connection_string());
  watcher.next<ServerUp>();
  watcher.next_tide();
  asker.next<PrimaryUp>();
  const auto before = replica.query(our_backends);
  std::atomic<bool> done = false;
  std::thread canceller([&] {
    auto session = replica.connect();
    while (!done) {
      session.execute("SELECT pg_cancel_backend(pid) FROM (" + std::string(our_backends) +
                      ") AS ours, generate_series(1, 20)");
    }
  });
  for (int i = 0; i < 500; ++i) {
    watcher.read();
    asker.ask();
    asker.nudge();
  }
  done = true;
  canceller.join();
  CHECK(watcher.quiet());
  CHECK(asker.quiet());
  CHECK(replica.query(our_backends) == before);
}

TEST_CASE("a question that is cancelled again and again is an outage, told once") {
  Cluster cluster;
  auto& server = cluster.primary();
  PositionAsker asker(server.connection_string(), {.answer = 500ms});
  Obstacle obstacle(server);
  CHECK(asker.until([&] {
    obstacle.cancel();
    return !asker.quiet();
  }));
  CHECK(contains(asker.next<PrimaryDown>().reason, "cancelled a question again and again"));
  for (int i = 0; i < 200; ++i) {
    obstacle.cancel();
    asker.pass(5ms);
  }
  CHECK(asker.quiet());
  obstacle.give_way();
  asker.await<PrimaryUp>();
}

TEST_CASE("an idle session that is cut is renewed without a word") {
  Cluster cluster;
  auto& server = cluster.primary();
  ReplayWatcher watcher(server.connection_string());
  PositionAsker asker(server.connection_string());
  watcher.next<ServerUp>();
  watcher.next_tide();
  const auto first = asker.next<PrimaryUp>();
  end_sessions(server);
  watcher.next<TideForgotten>();
  watcher.next_tide();
  asker.pass(500ms);
  CHECK(asker.quiet());
  CHECK(watcher.quiet());
  watcher.read();
  CHECK(asker.ask().incarnation == first.incarnation);
}

TEST_CASE("a question under way when its session is cut is asked again on the next one") {
  Cluster cluster;
  auto& server = cluster.primary();
  SUBCASE("a position or a nudge") {
    PositionAsker asker(server.connection_string());
    asker.next<PrimaryUp>();
    for (const bool nudges : {false, true}) {
      CAPTURE(nudges);
      const auto pid = std::stoi(backend(server));
      ::kill(pid, SIGSTOP);
      nudges ? asker->nudge(current_time()) : asker->query(current_time());
      asker.pass(20ms);
      server.execute("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
      ::kill(pid, SIGCONT);
      const auto reading = asker.next<CommitPositionRead>().reading;
      CHECK((!nudges || reading.flush >= reading.insert));
      CHECK(backend(server) != std::to_string(pid));
    }
    // Asked while there is no session.
    end_sessions(server);
    CHECK(asker.until([&] { return asker->interest().descriptor == -1; }));
    asker.ask();
    CHECK(asker.quiet());
  }
  SUBCASE("a reading") {
    ReplayWatcher watcher(server.connection_string());
    watcher.next<ServerUp>();
    watcher.next_tide();
    const auto pid = std::stoi(backend(server));
    ::kill(pid, SIGSTOP);
    watcher->read(current_time());
    watcher.pass(20ms);
    server.execute("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
    ::kill(pid, SIGCONT);
    watcher.next<TideForgotten>();
    watcher.next_tide();
    CHECK(watcher.quiet());
  }
}

TEST_CASE("a session that ends because its server goes away is an outage, told once") {
  Cluster cluster;
  auto& server = cluster.primary();
  ReplayWatcher watcher(server.connection_string());
  PositionAsker asker(server.connection_string());
  watcher.next<ServerUp>();
  watcher.next_tide();
  asker.next<PrimaryUp>();
  server.stop();
  watcher.next<TideForgotten>();
  const auto reason = watcher.next<ServerDown>().reason;
  CHECK(contains(reason, "terminating connection"));
  CHECK(contains(reason, "connecting again: "));
  asker.next<PrimaryDown>();
  watcher.pass(500ms);
  asker.pass(500ms);
  CHECK(watcher.quiet());
  CHECK(asker.quiet());
  server.start();
  watcher.await<ServerUp>();
  asker.await<PrimaryUp>();
}

TEST_CASE("a session that comes back with another life of the server is an outage") {
  Cluster cluster;
  auto& server = cluster.primary();
  PositionAsker asker(server.connection_string());
  const auto first = asker.next<PrimaryUp>();
  server.crash();
  server.start();  // before the reader looks
  const auto down = asker.next<PrimaryDown>();
  CHECK(asker.await<PrimaryUp>().incarnation != first.incarnation);
}

// Seen: degraded until the peer was restarted.
TEST_CASE("wal senders that were used up for a moment cost the full session for a moment") {
  Cluster cluster({.config = "max_wal_senders = 1\n"});
  auto& server = cluster.primary();
  auto first = std::make_unique<ReplayWatcher>(server.connection_string());
  CHECK(first->next<ServerUp>().degraded.empty());
  first->next_tide();
  ReplayWatcher second(server.connection_string(), {.full_session = 200ms});
  CHECK(contains(second.next<ServerUp>().degraded, "raise max_wal_senders"));
  const auto tide = second.next_tide();
  for (int i = 0; i < 50; ++i) {  // it is tried in vain meanwhile
    second.pass(10ms);
    second.read();
  }
  CHECK(second.quiet());
  first.reset();
  CHECK(second.until([&] { return !second.quiet(); }));
  second.next<TideForgotten>();
  const auto up = second.next<ServerUp>();
  CHECK(up.degraded.empty());
  CHECK(up.incarnation == tide.incarnation);
  second.next_tide();
  second.pass(500ms);
  CHECK(second.quiet());
  CHECK(server.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tidegate'") ==
        "1");
}

TEST_CASE("a right that is granted later is noticed, on a replica and on a primary") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  replica.promote();
  replica.execute("CREATE ROLE plain LOGIN");
  const auto connection_string = replica.connection_string("user=plain");
  ReplayWatcher watcher(connection_string, {.full_session = 200ms});
  PositionAsker asker(connection_string, {.full_session = 200ms});
  CHECK_FALSE(watcher.next<ServerUp>().degraded.empty());
  CHECK_FALSE(watcher.next_tide().history.complete());
  const auto degraded = asker.next<PrimaryUp>();
  CHECK_FALSE(degraded.degraded.empty());
  replica.execute("ALTER ROLE plain REPLICATION");
  CHECK(watcher.await<ServerUp>().degraded.empty());
  CHECK(watcher.await_tide().history.complete());
  const auto full = asker.next<PrimaryUp>();
  CHECK(full.degraded.empty());
  CHECK(full.incarnation == degraded.incarnation);
  CHECK(full.history.complete());
  CHECK(asker.ask().history == full.history);
}

TEST_CASE("twenty peers that lost a server of twelve connections all get their turn") {
  Cluster cluster({.config = "max_connections = 12\nsuperuser_reserved_connections = 0\n"
                             "log_connections = on\n"});
  auto& server = cluster.primary();
  server.execute("CREATE ROLE plain LOGIN");
  std::vector<std::unique_ptr<PositionAsker>> askers;
  constexpr int peers = 20;
  askers.reserve(peers);
  for (int peer = 0; peer < peers; ++peer) {
    askers.push_back(std::make_unique<PositionAsker>(server.connection_string("user=plain"),
                                                     postgres::Database::Timeouts{},
                                                     base::Random(std::uint64_t(peer))));
  }
  const auto turn_all = [&](Duration duration) {
    for (const auto end = current_time() + duration; current_time() < end;) {
      for (auto& asker : askers) asker->turn(current_time());
      std::this_thread::sleep_for(1ms);
    }
  };
  turn_all(3s);
  server.restart();
  turn_all(10s);
  int up = 0;
  for (auto& asker : askers) up += asker->operator->()->ready() ? 1 : 0;
  CHECK(up >= 8);
  CHECK(up <= 12);
}
