// Servers that go away and come back, politely or not: nothing early, nothing lost, and what is in
// doubt is said.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

struct Servers {
  Servers() {
    primary.execute("CREATE TABLE t (i int)");
    // Nothing is flushed but by a durable commit or a nudge.
    primary.append_config("wal_writer_delay = 10s\n");
  }

  Cluster cluster;
  Server& primary = cluster.primary();
  Server& replica = cluster.add_replica();
};

// Each test leaves them running; one that fails in between leaves that to the next.
Servers& servers() {
  static Servers all;
  for (auto* server : {&all.primary, &all.replica}) {
    if (!server->running()) server->start();
  }
  return all;
}

// A writing application on the primary and a reading one on a replica, and an empty table.
struct World {
  World() {
    primary.execute("TRUNCATE t");
    start_masters();
  }

  void start_masters() {
    mesh = private_mesh();
    writer = start_on(primary, mesh, "writer");
    reader = start_on(replica, mesh, "reader");
    join({writer.get(), reader.get()});
  }

  void publish(const std::string& payload, const Dependency& dependency) const {
    CHECK(writer->publish(topic("t"), payload, dependency) == Publish::accepted);
  }

  // Proves that the way is open, and lets the writer have had an answer of this primary.
  void exchange_one() const {
    publish("before", AfterCommit{});
    REQUIRE(next_payload(*reader) == "before");
  }

  Server& primary = servers().primary;
  Server& replica = servers().replica;
  Options mesh;
  std::unique_ptr<Peer> writer;
  std::unique_ptr<Peer> reader;
};

std::string count_of(int row) { return "SELECT count(*) FROM t WHERE i = " + std::to_string(row); }

Position commit_row(Session& session, int row) {
  session.execute("BEGIN; " + insert(row));
  return commit(session.connection()).value();
}

// The process that answers the peer's questions for positions.
pid_t tag_backend(Server& primary) {
  std::vector<Row> pids;
  // That of a peer of before may not have ended yet.
  REQUIRE(eventually(20s, [&] {
    pids = primary.query(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'tidegate' AND "
        "query LIKE '%pg_current_wal_flush_lsn(),%'");
    return pids.size() == 1;
  }));
  return std::stoi(pids[0][0]);
}

// It flushes asynchronous commits.
pid_t wal_writer(Server& server) {
  return std::stoi(
      server.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"));
}

// A stopped child of a server that crashes: the signal waits for it, until the server loses its
// patience, after 5 seconds, and kills it.
bool is_told_to_quit(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    std::uint64_t signals = 0;
    if (word == "ShdPnd:" && status >> std::hex >> signals)
      return (signals >> (SIGQUIT - 1) & 1) == 1;
    if (word == "State:" && status >> word && word == "Z") return true;
  }
  return ::kill(process, 0) != 0;
}

}  // namespace

TEST_CASE("a replica that is away for 10 s gets the messages of that time in order" * long_test) {
  constexpr int rows = 50;
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  world.replica.stop();
  REQUIRE(next_notice<ServerDown>(*world.reader));
  for (int row = 0; row < rows; ++row) {
    session.execute(insert(row));
    world.publish(std::to_string(row), AfterCommit{});
    std::this_thread::sleep_for(200ms);
  }
  CHECK(holds(*world.reader, rows));
  CHECK(world.reader->status().counters.delivered == 1);
  CHECK_FALSE(world.reader->status().tide);
  world.replica.start();
  const auto up = next_notice<ServerUp>(*world.reader);
  REQUIRE(up);
  CHECK(up->in_recovery);
  auto reading = world.replica.connect();
  for (int row = 0; row < rows; ++row) {
    CHECK(next_payload(*world.reader) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
}

TEST_CASE("both servers are down for a minute, and nothing is lost or early" * long_test) {
  constexpr int rows = 60;
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  // Changes that are announced while nobody answers were committed before.
  for (int row = 0; row < rows; ++row) session.execute(insert(row));
  world.replica.stop();
  REQUIRE(next_notice<ServerDown>(*world.reader));
  world.primary.stop();
  REQUIRE(next_notice<PrimaryDown>(*world.writer));
  for (int row = 0; row < rows; ++row) {
    world.publish(std::to_string(row), AfterCommit{.durable = true});
    std::this_thread::sleep_for(1s);
  }
  CHECK(world.writer->status().unsent == rows);
  world.primary.start();
  CHECK(holds(*world.reader, rows));
  world.replica.start();
  auto reading = world.replica.connect();
  for (int row = 0; row < rows; ++row) {
    REQUIRE(next_payload(*world.reader) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
}

TEST_CASE("a replica whose stream is cut off for a while holds, and delivers when it is back") {
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  world.replica.append_config("primary_conninfo = ''\n");
  REQUIRE(eventually(10s, [&] {
    return world.replica.value("SELECT count(*) FROM pg_stat_wal_receiver") == "0";
  }));
  for (int row = 0; row < 5; ++row) {
    session.execute(insert(row));
    world.publish(std::to_string(row), AfterCommit{});
  }
  CHECK(holds(*world.reader, 5));
  CHECK(still_holds(*world.reader, 5));
  world.replica.follow(world.primary);
  auto reading = world.replica.connect();
  for (int row = 0; row < 5; ++row) {
    CHECK(next_payload(*world.reader, 30s) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
}

TEST_CASE("a replica that is killed while messages come delivers none early and loses none") {
  constexpr int rows = 200;
  World world;
  auto writing = std::async(std::launch::async, [&world] {
    auto session = world.primary.connect();
    for (int row = 0; row < rows; ++row) {
      session.execute(insert(row));
      world.publish(std::to_string(row), AfterCommit{});
      std::this_thread::sleep_for(10ms);
    }
  });
  // Each delivery belongs to the life of the replica between two notices. One that is looked up too
  // late, when that life is over, proves nothing.
  auto reading = std::async(std::launch::async, [&world] {
    std::optional<Session> session = world.replica.connect();
    int delivered = 0;
    int looked_up = 0;
    int wrong = 0;
    while (delivered < rows) {
      auto incoming = world.reader->next(30s);
      if (!incoming) break;
      if (auto* notice = std::get_if<Notice>(&*incoming)) {
        if (std::holds_alternative<ServerDown>(*notice)) session.reset();
        if (std::holds_alternative<ServerUp>(*notice)) session = world.replica.connect();
        continue;
      }
      if (std::get<Delivery>(*incoming).message.payload != std::to_string(delivered)) ++wrong;
      try {
        if (session && session->value(count_of(delivered)) != "1") ++wrong;
        if (session) ++looked_up;
      } catch (const std::runtime_error&) {
        session.reset();  // killed just now; the notice follows
      }
      ++delivered;
    }
    return std::tuple(delivered, looked_up, wrong);
  });
  REQUIRE(eventually(10s, [&] { return world.reader->status().counters.delivered > 50; }));
  world.replica.crash();
  world.replica.start();
  writing.get();
  const auto [delivered, looked_up, wrong] = reading.get();
  CHECK(delivered == rows);
  CHECK(looked_up > rows / 2);
  CHECK(wrong == 0);
}

TEST_CASE("a replica that restarts while the primary is down delivers changes that it has") {
  World world;
  auto session = world.primary.connect();
  world.replica.execute("SELECT pg_wal_replay_pause()");
  for (int row = 0; row < 3; ++row) world.publish(std::to_string(row), commit_row(session, row));
  REQUIRE(holds(*world.reader, 3));
  world.primary.stop();  // the replica gets everything first
  world.replica.restart();
  REQUIRE(next_notice<ServerDown>(*world.reader));
  REQUIRE(next_notice<ServerUp>(*world.reader));
  auto reading = world.replica.connect();
  for (int row = 0; row < 3; ++row) {
    CHECK(next_payload(*world.reader) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
  CHECK_FALSE(world.primary.running());
  world.primary.start();
}

TEST_CASE("while the primary is down for 5 s announcements wait, and only the sure ones follow") {
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  for (int row = 0; row < 10; ++row) session.execute(insert(row));
  world.primary.stop();
  REQUIRE(next_notice<PrimaryDown>(*world.writer));
  for (int row = 0; row < 10; ++row) {
    world.publish(std::to_string(row), AfterCommit{.durable = true});
  }
  world.publish("behind them", NoChange{});
  // Had it been an asynchronous commit, it could be lost.
  world.publish("in doubt", AfterCommit{});
  std::this_thread::sleep_for(5s);
  CHECK(world.writer->status().unsent == 12);
  CHECK(world.reader->status().counters.delivered == 1);
  world.primary.start();
  auto reading = world.replica.connect();
  for (int row = 0; row < 10; ++row) {
    CHECK(next_payload(*world.reader) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
  CHECK(next_payload(*world.reader) == "behind them");
  const auto unpublished = next_notice<Unpublished>(*world.writer);
  REQUIRE(unpublished);
  CHECK(unpublished->payload == "in doubt");
  CHECK(world.writer->status().unsent == 0);
}

TEST_CASE("a connection to the primary that breaks costs no message") {
  World world;
  auto session = world.primary.connect();
  auto reading = world.replica.connect();
  world.exchange_one();
  for (int row = 0; row < 20; ++row) {
    if (row % 5 == 0) {
      session.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
          "'tidegate'");
    }
    session.execute(insert(row));
    world.publish(std::to_string(row), AfterCommit{});
  }
  for (int row = 0; row < 20; ++row) {
    CHECK(next_payload(*world.reader) == std::to_string(row));
    CHECK(reading.value(count_of(row)) == "1");
  }
  CHECK(world.writer->status().counters.unpublished == 0);
}

TEST_CASE("an asynchronous commit that a crash of the primary takes is reported, never announced") {
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  session.execute("SET synchronous_commit = off");
  // So that nobody asks, nudges or flushes before the crash.
  const auto backend = tag_backend(world.primary);
  const auto flusher = wal_writer(world.primary);
  ::kill(backend, SIGSTOP);
  ::kill(flusher, SIGSTOP);
  session.execute(insert(1));
  world.publish("lost", AfterCommit{});
  world.primary.crash();
  REQUIRE(next_notice<PrimaryDown>(*world.writer));
  world.primary.start();
  const auto unpublished = next_notice<Unpublished>(*world.writer);
  REQUIRE(unpublished);
  CHECK(unpublished->payload == "lost");
  CHECK(world.primary.value(count_of(1)) == "0");
  world.primary.execute(insert(2));
  world.publish("2", AfterCommit{});
  CHECK(next_payload(*world.reader) == "2");
  CHECK(world.replica.value(count_of(2)) == "1");
}

// The server ends all its sessions when one crashes, and recovers as after a crash of its own; but
// its start time stays.
TEST_CASE("an asynchronous commit that the crash of a backend takes is never announced") {
  World world;
  auto session = world.primary.connect();
  world.exchange_one();
  session.execute("SET synchronous_commit = off");
  const auto started = world.primary.value("SELECT pg_postmaster_start_time()");
  const auto backend = tag_backend(world.primary);
  const auto flusher = wal_writer(world.primary);
  ::kill(backend, SIGSTOP);
  ::kill(flusher, SIGSTOP);
  session.execute(insert(1));
  world.publish("lost", AfterCommit{});
  ::kill(std::stoi(session.value("SELECT pg_backend_pid()")), SIGKILL);
  // Before it is told to quit it would answer, and flush.
  REQUIRE(eventually(20s, [backend] { return is_told_to_quit(backend); }));
  ::kill(backend, SIGCONT);
  REQUIRE(next_notice<PrimaryDown>(*world.writer));
  ::kill(flusher, SIGCONT);  // it has been told to quit meanwhile
  const auto unpublished = next_notice<Unpublished>(*world.writer);
  REQUIRE(unpublished);
  CHECK(unpublished->payload == "lost");
  CHECK(world.primary.value(count_of(1)) == "0");
  CHECK(world.primary.value("SELECT pg_postmaster_start_time()") == started);
  CHECK(world.reader->status().counters.delivered == 1);
}

TEST_CASE(
    "whenever the primary is killed after an asynchronous commit, nothing stale is announced") {
  World world;
  int announced = 0;
  int lost = 0;
  for (int round = 0; round < 4; ++round) {
    auto session = world.primary.connect();
    world.exchange_one();
    session.execute("SET synchronous_commit = off");
    session.execute(insert(round));
    world.publish(std::to_string(round), AfterCommit{});
    std::this_thread::sleep_for(4ms * round);
    world.primary.crash();
    world.primary.start();
    REQUIRE(eventually(20s, [&] { return world.writer->status().unsent == 0; }));
    world.writer->leave();
    const auto unpublished = next_notice<Unpublished>(*world.writer, 0ms);
    const auto payload = next_payload(*world.reader, unpublished ? 100ms : 5000ms);
    if (payload == std::to_string(round)) {
      ++announced;
      CHECK(world.replica.value(count_of(round)) == "1");
    } else {
      CHECK(unpublished);
      if (world.primary.value(count_of(round)) == "0") ++lost;
    }
    world.start_masters();  // anew, so that no long pause between attempts to connect is due
  }
  MESSAGE(announced, " announced, ", lost, " lost and reported, of 4");
}

TEST_CASE("a peer starts without its servers and delivers once they are there") {
  auto& replica = servers().replica;
  auto session = servers().primary.connect();
  session.execute("TRUNCATE t");
  replica.stop();
  auto mesh = private_mesh();
  mesh.database = replica.connection_string();
  auto reader = start(mesh, "reader");
  const auto down = next_notice<ServerDown>(*reader);
  REQUIRE(down);
  CHECK(down->reason.find("No such file or directory") != std::string::npos);
  mesh.database.reset();
  auto writer = start(mesh, "writer");
  join({writer.get(), reader.get()});
  CHECK(writer->publish(topic("t"), "1", commit_row(session, 1)) == Publish::accepted);
  REQUIRE(holds(*reader, 1));
  replica.start();
  REQUIRE(next_notice<ServerUp>(*reader));
  CHECK(next_payload(*reader) == "1");
  CHECK(replica.value(count_of(1)) == "1");
}
