// The gate as an application sees it: a peer beside the primary publishes, one beside a replica
// delivers, and at each delivery the announced row is looked up on that replica.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/page_end.hpp"
#include "tidegate/commit.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

struct Servers {
  Servers() { primary.execute("CREATE TABLE t (i int)"); }

  // Without a limit: tests stop the replay by a lock and let it go on.
  Cluster cluster{{.config = "max_standby_streaming_delay = -1"}};
  Server& primary = cluster.primary();
  Server& replica = cluster.add_replica();
};

Servers& servers() {
  static Servers all;
  return all;
}

// A writing application on the primary and a reading one on a replica, ready for each other.
struct Peers {
  explicit Peers(const Server& read = servers().replica)
      : writer(start_on(servers().primary, mesh, "writer")),
        reader(start_on(read, mesh, "reader")) {
    join({writer.get(), reader.get()});
  }

  Options mesh = private_mesh();
  std::unique_ptr<Peer> writer;
  std::unique_ptr<Peer> reader;
};

// A number for a row that no test has used.
int new_row() {
  static int last = 0;
  return ++last;
}

std::string insert(int row) { return "INSERT INTO t VALUES (" + std::to_string(row) + ")"; }

bool has_row(Session& session, int row) {
  return session.value("SELECT count(*) FROM t WHERE i = " + std::to_string(row)) != "0";
}

Position commit_row(Session& session, int row) {
  session.execute("BEGIN; " + insert(row));
  return commit(session.connection()).value();
}

void pause_replay(Server& replica) {
  replica.execute("SELECT pg_wal_replay_pause()");
  REQUIRE(eventually(
      10s, [&] { return replica.value("SELECT pg_get_wal_replay_pause_state()") == "paused"; }));
}

void resume_replay(Server& replica) { replica.execute("SELECT pg_wal_replay_resume()"); }

Lsn replayed(Server& replica) {
  return parse_lsn(replica.value("SELECT pg_last_wal_replay_lsn()")).value();
}

Lsn plus(Lsn lsn, int bytes) { return {lsn.bytes + static_cast<std::uint64_t>(bytes)}; }

}  // namespace

TEST_CASE("a position at or before the replayed one is delivered, one byte beyond it waits") {
  Peers peers;
  auto session = servers().primary.connect();
  auto position = commit_row(session, new_row());
  REQUIRE(eventually(10s, [&] { return replayed(servers().replica) >= Lsn{position.offset}; }));
  pause_replay(servers().replica);
  const auto fence = replayed(servers().replica);
  for (const int offset : {-1, 0, 1}) {
    position.offset = plus(fence, offset).bytes;
    CHECK(peers.writer->publish(topic("t"), std::to_string(offset), position) == Publish::accepted);
  }
  CHECK(next_payload(*peers.reader) == "-1");
  CHECK(next_payload(*peers.reader) == "0");
  REQUIRE(holds(*peers.reader, 1));
  CHECK(still_holds(*peers.reader, 1));
  resume_replay(servers().replica);
  session.execute(insert(new_row()));
  CHECK(next_payload(*peers.reader) == "1");
}

TEST_CASE("five that wait for a paused replay come in order when it goes on, each with its row") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  pause_replay(servers().replica);
  std::vector<int> rows;
  for (int i = 0; i < 5; ++i) {
    rows.push_back(new_row());
    const auto position = commit_row(session, rows.back());
    CHECK(peers.writer->publish(topic("t"), std::to_string(rows.back()), position) ==
          Publish::accepted);
  }
  REQUIRE(holds(*peers.reader, 5));
  CHECK(still_holds(*peers.reader, 5));
  CHECK_FALSE(has_row(reading, rows.front()));
  resume_replay(servers().replica);
  for (const int row : rows) {
    CHECK(next_payload(*peers.reader) == std::to_string(row));
    CHECK(has_row(reading, row));
  }
}

// A lock that was taken on the primary is replayed, and so waits for every user of the table on the
// replica: the replay goes on by one commit each time that such a user ends.
TEST_CASE("five that wait are released one by one as the replay goes on step by step") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  for (int i = 0; i < 5; ++i) {
    session.execute("CREATE TABLE step" + std::to_string(i) + " ()");
  }
  const auto ready = position_after_commit(session.connection()).value();
  REQUIRE(eventually(10s, [&] { return replayed(servers().replica) >= Lsn{ready.offset}; }));
  std::vector<Session> steps;
  for (int i = 0; i < 5; ++i) {
    steps.push_back(servers().replica.connect());
    steps.back().execute("BEGIN; SELECT FROM step" + std::to_string(i));
  }
  std::vector<int> rows;
  for (int i = 0; i < 5; ++i) {
    rows.push_back(new_row());
    session.execute("BEGIN; LOCK TABLE step" + std::to_string(i) + "; " + insert(rows.back()));
    const auto position = commit(session.connection()).value();
    CHECK(peers.writer->publish(topic("t"), std::to_string(rows.back()), position) ==
          Publish::accepted);
  }
  REQUIRE(holds(*peers.reader, 5));
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(still_holds(*peers.reader, 5 - i));
    CHECK_FALSE(has_row(reading, rows[i]));
    steps[i].execute("COMMIT");
    CHECK(next_payload(*peers.reader) == std::to_string(rows[i]));
    CHECK(has_row(reading, rows[i]));
  }
}

TEST_CASE("an apply delay of 300 ms holds a message for about that long, and its row is there") {
  auto& late = servers().cluster.add_replica({.name = "late", .apply_delay = 300ms});
  Peers peers(late);
  auto session = servers().primary.connect();
  auto reading = late.connect();
  const int row = new_row();
  const auto before = std::chrono::steady_clock::now();
  session.execute(insert(row));
  CHECK(peers.writer->publish(topic("t"), "", AfterCommit{}) == Publish::accepted);
  const auto delivery = next_delivery(*peers.reader);
  REQUIRE(delivery);
  CHECK(has_row(reading, row));
  MESSAGE("held for ", milliseconds(delivery->held), " ms");
  CHECK(std::chrono::steady_clock::now() - before >= 300ms);
  CHECK(delivery->held < 1s);
  late.stop();
}

TEST_CASE("a commit whose WAL ends at a page's end is delivered on an idle primary, unaided") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  for (const bool segment : {false, true}) {
    CAPTURE(segment);
    const int row = new_row();
    commit_at_page_end(session, {.segment_size = 1U << 20U}, segment, insert(row));
    CHECK(peers.writer->publish(topic("t"), std::to_string(row), AfterCommit{}) ==
          Publish::accepted);
    const auto delivery = next_delivery(*peers.reader, 1s);
    REQUIRE(delivery);
    CHECK(delivery->message.payload == std::to_string(row));
    CHECK(has_row(reading, row));
    // The insert LSN is still behind the header: nobody has written since.
    CHECK(insert_lsn(session).bytes % 8192 == (segment ? 40 : 24));
  }
  // Taken with its header the position would look unflushed, and a nudge would hide that.
  CHECK(peers.writer->status().counters.nudges == 0);
}

// One in a thousand ends at a page's end, where an uncorrected position would wait for the next
// write; and there is none before the message is here.
TEST_CASE("of 10,000 commits of random sizes on an otherwise idle primary none waits for a second" *
          long_test) {
  constexpr int count = 10'000;
  Peers peers;
  servers().primary.execute("CREATE TABLE IF NOT EXISTS sized (i int, filler text)");
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  Random random(1);
  Duration longest{};
  for (int i = 0; i < count; ++i) {
    const auto size = std::to_string(random.below(3000));
    session.execute("INSERT INTO sized VALUES (" + std::to_string(i) + ", repeat('x', " + size +
                    "))");
    REQUIRE(peers.writer->publish(topic("t"), std::to_string(i), AfterCommit{}) ==
            Publish::accepted);
    const auto delivery = next_delivery(*peers.reader);
    REQUIRE(delivery);
    longest = std::max(longest, delivery->held);
    REQUIRE(delivery->message.payload == std::to_string(i));
    if (i % 10 > 0) continue;
    CHECK(reading.value("SELECT max(i) FROM sized WHERE i = " + std::to_string(i)) ==
          std::to_string(i));
  }
  MESSAGE("held for ", milliseconds(longest), " ms at the most");
  CHECK(longest < 1s);
  servers().primary.execute("DROP TABLE sized");
}

TEST_CASE("another session's open transaction does not keep a message from its replica") {
  Peers peers;
  auto session = servers().primary.connect();
  auto other = servers().primary.connect();
  auto reading = servers().replica.connect();
  const int row = new_row();
  session.execute(insert(row));
  other.execute("BEGIN; " + insert(new_row()));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(peers.writer->publish(topic("t"), "", AfterCommit{}) == Publish::accepted);
  REQUIRE(next_delivery(*peers.reader, 1s));
  MESSAGE("delivered after ", milliseconds(std::chrono::steady_clock::now() - begin), " ms");
  CHECK(has_row(reading, row));
  CHECK(peers.writer->status().counters.nudges > 0);
}

TEST_CASE("the row of an asynchronous commit is there at each of 100 deliveries") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  session.execute("SET synchronous_commit = off");
  int stale = 0;
  for (int i = 0; i < 100; ++i) {
    const int row = new_row();
    session.execute(insert(row));
    CHECK(peers.writer->publish(topic("t"), std::to_string(row), AfterCommit{}) ==
          Publish::accepted);
    const auto delivery = next_delivery(*peers.reader);
    REQUIRE(delivery);
    CHECK(delivery->message.payload == std::to_string(row));
    if (!has_row(reading, row)) ++stale;
  }
  CHECK(stale == 0);
}

TEST_CASE("a position read inside the transaction is refused, and the right one delivers") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  const int row = new_row();
  session.execute("BEGIN; " + insert(row));
  const auto early = position_after_commit(session.connection());
  REQUIRE_FALSE(early.ok());
  CHECK(contains(early.error().message, "a transaction is open"));
  const auto position = commit(session.connection());
  REQUIRE(position.ok());
  CHECK(peers.writer->publish(topic("t"), "", *position) == Publish::accepted);
  REQUIRE(next_delivery(*peers.reader));
  CHECK(has_row(reading, row));
}

TEST_CASE(
    "a change of another cluster is reported as foreign, and the messages behind it are "
    "delivered") {
  Cluster other({.own_identity = true});
  auto elsewhere = other.primary().connect();
  elsewhere.execute("CREATE TABLE t (i int)");
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  const auto foreign = commit_row(elsewhere, 1);
  CHECK(peers.writer->publish(topic("t"), "foreign", foreign) == Publish::accepted);
  const int row = new_row();
  session.execute(insert(row));
  CHECK(peers.writer->publish(topic("t"), "own", AfterCommit{}) == Publish::accepted);

  const auto undelivered = next_notice<Undelivered>(*peers.reader);
  REQUIRE(undelivered);
  CHECK(undelivered->why == Undelivered::Why::foreign);
  CHECK(undelivered->first == 1);
  CHECK(undelivered->last == 1);
  CHECK(undelivered->position == foreign);
  CHECK(next_payload(*peers.reader) == "own");
  CHECK(has_row(reading, row));
  CHECK(peers.reader->status().counters.foreign == 1);
}

TEST_CASE("a two-phase commit is announced by its second phase") {
  Peers peers;
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  const int row = new_row();
  session.execute("BEGIN; " + insert(row) + "; PREPARE TRANSACTION 'phase'");
  const auto prepared = position_after_commit(session.connection()).value();
  REQUIRE(eventually(10s, [&] { return replayed(servers().replica) >= Lsn{prepared.offset}; }));
  CHECK_FALSE(has_row(reading, row));
  session.execute("COMMIT PREPARED 'phase'");
  CHECK(peers.writer->publish(topic("t"), "tag", AfterCommit{}) == Publish::accepted);
  CHECK(peers.writer->publish(topic("t"), "position",
                              position_after_commit(session.connection()).value()) ==
        Publish::accepted);
  CHECK(next_payload(*peers.reader) == "tag");
  CHECK(has_row(reading, row));
  CHECK(next_payload(*peers.reader) == "position");
}

TEST_CASE("beside a primary a message is delivered at once, unless its timeline is yet to come") {
  Peers peers(servers().primary);
  auto session = servers().primary.connect();
  auto position = commit_row(session, new_row());
  CHECK(peers.writer->publish(topic("t"), "now", position) == Publish::accepted);
  const auto delivery = next_delivery(*peers.reader);
  REQUIRE(delivery);
  MESSAGE("held for ", milliseconds(delivery->held), " ms");
  CHECK(delivery->held < 100ms);
  const auto next = History::of({{position.timeline() + 1, 0, 0}}).value();
  position.branch = Branch(position.kind(), position.cluster(), next);
  CHECK(peers.writer->publish(topic("t"), "later", position) == Publish::accepted);
  REQUIRE(holds(*peers.reader, 1));
  CHECK(still_holds(*peers.reader, 1));
}

TEST_CASE("an answer waits for the change that its publisher had seen") {
  Peers peers;
  auto answering = start_on(servers().primary, peers.mesh, "answering");
  join({peers.writer.get(), peers.reader.get(), answering.get()});
  auto session = servers().primary.connect();
  auto reading = servers().replica.connect();
  pause_replay(servers().replica);
  const int row = new_row();
  const auto position = commit_row(session, row);
  CHECK(peers.writer->publish(topic("t"), "question", position) == Publish::accepted);
  CHECK(next_payload(*answering) == "question");
  CHECK(answering->publish(topic("t"), "answer", NoChange{}) == Publish::accepted);
  REQUIRE(holds(*peers.reader, 2));
  CHECK(still_holds(*peers.reader, 2));
  CHECK_FALSE(has_row(reading, row));
  resume_replay(servers().replica);
  // Both wait for the same position; between origins there is no order then.
  std::set<std::string> payloads;
  for (int i = 0; i < 2; ++i) {
    payloads.insert(next_payload(*peers.reader));
    CHECK(has_row(reading, row));
  }
  CHECK(payloads == std::set<std::string>{"answer", "question"});
}
