// Reading one's own writes on a replica, by tokens: on real servers, late ones and after failovers.
#include <chrono>
#include <deque>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tidegate/commit.hpp"
#include "tidegate/gate.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// Commits a row; its token, as a web node puts it into a cookie.
std::string write_row(Session& session, int row) {
  session.execute("BEGIN; " + insert(row));
  const auto position = commit(session.connection());
  if (!position) FAIL(position.error().message);
  return to_token(*position);
}

std::uint64_t readings(Peer& peer) { return peer.status().counters.replay_reads; }

}  // namespace

TEST_CASE("of 10,000 write-then-reads on a late replica none is stale, none costs two queries") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 50ms});
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE t (i int)");
  REQUIRE(
      eventually(10s, [&] { return replica.value("SELECT to_regclass('t') IS NOT NULL") == "t"; }));
  auto reader = replica.connect();
  auto peer = start_on(replica, private_mesh(), "web");

  // Users come back at once, and after some other users' requests.
  struct Cookie {
    int row;
    std::string token;
  };
  std::deque<Cookie> cookies;
  int visible = 0;
  int stale = 0;
  int pending = 0;
  const auto before = readings(*peer);
  for (int row = 0; row < 10'000; ++row) {
    cookies.push_back({row, write_row(writer, row)});
    const bool later = row % 2 == 0 && cookies.size() > 100;
    const auto cookie = later ? cookies.front() : cookies.back();
    if (later) cookies.pop_front();
    switch (peer->covered(*parse_token(cookie.token))) {
      case Covered::visible:
        ++visible;
        if (reader.value("SELECT count(*) FROM t WHERE i = " + std::to_string(cookie.row)) != "1") {
          ++stale;
        }
        break;
      case Covered::pending:
        ++pending;
        break;
      default:
        FAIL("neither visible nor pending");
    }
  }
  const auto queries = readings(*peer) - before;
  MESSAGE("visible " << visible << ", pending " << pending << ", queries " << queries);
  CHECK(stale == 0);
  CHECK(visible >= 1000);
  CHECK(pending >= 1000);
  CHECK(queries <= 10'000);
}

TEST_CASE("1,000 requests that wait for a replica 50 ms late share its readings") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 50ms});
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE t (i int)");
  auto peer = start_on(replica, private_mesh(), "web");
  auto reader = replica.connect();
  std::vector<Position> positions;
  positions.reserve(20);
  for (int row = 0; row < 20; ++row) positions.push_back(*parse_token(write_row(writer, row)));

  const auto before = readings(*peer);
  std::map<Ticket, int> rows;
  for (int request = 0; request < 1000; ++request) {
    const int row = request % 20;
    const auto asked = peer->when_covered(positions[static_cast<std::size_t>(row)], 20s);
    REQUIRE(asked == Ask::accepted);
    rows.emplace(asked.ticket, row);
  }
  int stale = 0;
  for (int answers = 0; answers < 1000; ++answers) {
    const auto coverage = next_notice<Coverage>(*peer);
    REQUIRE(coverage);
    CHECK(coverage->covered == Covered::visible);
    const auto row = std::to_string(rows.at(coverage->ticket));
    if (reader.value("SELECT count(*) FROM t WHERE i = " + row) != "1") ++stale;
  }
  const auto queries = readings(*peer) - before;
  MESSAGE("queries " << queries);
  CHECK(stale == 0);
  CHECK(queries <= 100);
}

TEST_CASE("a failover that has lost the write is told within 2 s to whoever holds its token") {
  Cluster cluster;
  auto& old = cluster.primary();
  auto& heir = cluster.add_replica({.name = "heir"});
  auto writer = old.connect();
  writer.execute("CREATE TABLE t (i int)");
  auto peer = start_on(heir, private_mesh(), "web");
  const auto kept = write_row(writer, 1);
  CHECK(peer->covered(*parse_token(kept), 20s) == Covered::visible);

  heir.append_config("primary_conninfo = ''\n");
  old.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
  REQUIRE(eventually(10s,
                     [&] { return old.value("SELECT count(*) FROM pg_stat_replication") == "0"; }));
  const auto lost = *parse_token(write_row(writer, 2));
  CHECK(peer->covered(lost) == Covered::pending);
  auto waits = std::async(std::launch::async, [&] { return peer->covered(lost, 30s); });
  old.crash();
  heir.promote();
  const auto promoted = std::chrono::steady_clock::now();
  CHECK(waits.get() == Covered::orphaned);
  const auto took = std::chrono::steady_clock::now() - promoted;
  MESSAGE("told " << milliseconds(took) << " ms after the promotion");
  CHECK(took < 2s);
  // A request that comes only now.
  CHECK(peer->covered(lost) == Covered::orphaned);
  CHECK(peer->covered(*parse_token(kept)) == Covered::visible);
  const auto position = *parse_token(kept);
  CHECK(peer->covered({Branch(ServerKind::postgres, position.cluster() + 1, position.history()),
                       position.offset}) == Covered::foreign);
}

TEST_CASE("everywhere names the peer whose replica is paused, and waits for it") {
  Cluster cluster;
  auto& late = cluster.add_replica({.name = "late"});
  auto& prompt = cluster.add_replica({.name = "prompt"});
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto at_prompt = start_on(prompt, mesh, "prompt");
  auto at_late = start_on(late, mesh, "late");
  auto nowhere = start(mesh, "nowhere");
  join({at_prompt.get(), at_late.get(), nowhere.get()});

  late.execute("SELECT pg_wal_replay_pause()");
  const auto position = *parse_token(write_row(writer, 1));
  REQUIRE(at_prompt->when_covered(position, 1s, Where::everywhere) == Ask::accepted);
  auto coverage = next_notice<Coverage>(*at_prompt);
  REQUIRE(coverage);
  CHECK(coverage->covered == Covered::pending);
  REQUIRE(coverage->members.size() == 3);
  for (const auto& member : coverage->members) {
    CAPTURE(member.name);
    CHECK(member.answered);
    CHECK(member.reads == (member.name != "nowhere"));
    CHECK(member.covered == (member.name == "prompt" ? Covered::visible
                             : member.name == "late" ? Covered::pending
                                                     : Covered::unknown));
  }

  // A peer that reads nothing itself asks for a deployment.
  REQUIRE(nowhere->when_covered(position, 20s, Where::everywhere) == Ask::accepted);
  late.execute("SELECT pg_wal_replay_resume()");
  coverage = next_notice<Coverage>(*nowhere);
  REQUIRE(coverage);
  CHECK(coverage->covered == Covered::visible);
}

TEST_CASE("a gate without a mesh tells whether a position is covered") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE t (i int)");
  const auto opened = DatabaseGate::open({.database = replica.connection_string()});
  REQUIRE(opened.ok());
  auto& gate = **opened;
  const auto first = *parse_token(write_row(writer, 1));
  CHECK(gate.covered(first, 20s) == Covered::visible);
  CHECK(gate.covered(first) == Covered::visible);
  replica.execute("SELECT pg_wal_replay_pause()");
  const auto second = *parse_token(write_row(writer, 2));
  REQUIRE(gate.hold("held", first));
  REQUIRE(gate.hold("waits", second));
  CHECK(gate.covered(second) == Covered::pending);
  CHECK(gate.covered(second, 100ms) == Covered::pending);
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(gate.covered(second, 20s) == Covered::visible);
  CHECK(gate.next(10s)->message == "held");
  CHECK(gate.next(10s)->message == "waits");

  const auto nowhere = DatabaseGate::open({.database = "host=127.0.0.1 port=1"});
  REQUIRE(nowhere.ok());
  CHECK((*nowhere)->covered(second) == Covered::unknown);
}

TEST_CASE("a driven peer answers in the call, and a peer that leaves answers all") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  auto writer = cluster.primary().connect();
  writer.execute("CREATE TABLE t (i int)");
  auto options = private_mesh();
  options.database = replica.connection_string();
  auto peer = start<DrivenPeer>(options, "driven");
  const auto first = *parse_token(write_row(writer, 1));
  CHECK(peer->covered(first, 20s) == Covered::visible);
  CHECK(peer->covered(first) == Covered::visible);
  replica.execute("SELECT pg_wal_replay_pause()");
  const auto second = *parse_token(write_row(writer, 2));
  CHECK(peer->covered(second) == Covered::pending);
  const auto asked = peer->when_covered(second, 1min);
  CHECK(asked == Ask::accepted);
  std::size_t open = 1;
  while (peer->when_covered(second, 1min) == Ask::accepted) ++open;
  CHECK(open == 16'384);
  CHECK(peer->when_covered(second, 1min) == Ask::too_many);
  peer->leave();
  std::size_t answers = 0;
  while (const auto incoming = peer->next(0ms)) {
    const auto* notice = std::get_if<Notice>(&*incoming);
    const auto* coverage = notice != nullptr ? std::get_if<Coverage>(notice) : nullptr;
    if (coverage == nullptr) continue;
    ++answers;
    CHECK(coverage->covered == Covered::pending);
  }
  CHECK(answers == open);
  CHECK(peer->covered(first) == Covered::unknown);
  CHECK(peer->when_covered(first, 1s) == Ask::leaving);
}
