// The purpose of the gate: a program that reads the announced row on a replica at the delivery
// finds it. And its price: how long after the replay a message comes.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/turning.hpp"
#include "tidegate/commit.hpp"
#include "tidegate/lsn.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

struct Servers {
  Servers() { primary.execute("CREATE TABLE t (i int PRIMARY KEY)"); }

  Cluster cluster;
  Server& primary = cluster.primary();
  Server& replica = cluster.add_replica();
  // As one that is not on the same machine, or has more to do.
  Server& late = cluster.add_replica({.name = "late", .apply_delay = 200ms});
};

Servers& servers() {
  static Servers all;
  return all;
}

constexpr int threads = 4;
constexpr int commits_of_a_thread = 250;

// Commits rows and publishes each, by every way to say which position covers it.
void write_rows(Peer& peer, int thread, int first_row) {
  auto session = servers().primary.connect();
  const auto subject = Topic::of({"thread", std::to_string(thread)}).value();
  for (int i = 0; i < commits_of_a_thread; ++i) {
    const auto row = std::to_string(first_row + i);
    const auto insert = "INSERT INTO t VALUES (" + row + ")";
    Dependency dependency = AfterCommit{.durable = i % 3 == 1};
    if (i % 3 == 2) {
      session.execute("BEGIN; " + insert);
      dependency = commit(session.connection()).value();
    } else {
      session.execute(insert);
    }
    if (peer.publish(subject, row, dependency) != Publish::accepted)
      throw std::runtime_error("refused");
  }
}

struct Outcome {
  int delivered = 0;
  int stale = 0;
  int out_of_order = 0;  // within a writing thread
};

// A thousand commits by several threads, each looked up on `replica` as soon as it is announced.
Outcome run(const Server& replica, bool gated) {
  static int first_row = 0;
  auto mesh = private_mesh();
  auto writer = start_on(servers().primary, mesh, "writer");
  if (gated) mesh.database = replica.connection_string();
  auto reader = start(mesh, "reader");
  join({writer.get(), reader.get()});

  auto session = replica.connect();
  std::vector<std::future<void>> writing;
  writing.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    writing.push_back(std::async(std::launch::async, [&writer, i, first = first_row] {
      write_rows(*writer, i, first + i * commits_of_a_thread);
    }));
  }
  Outcome outcome;
  std::array<int, threads> last{};
  while (outcome.delivered < threads * commits_of_a_thread) {
    const auto delivery = next_delivery(*reader);
    if (!delivery) break;
    ++outcome.delivered;
    const auto& row = delivery->message.payload;
    if (session.value("SELECT count(*) FROM t WHERE i = " + row) == "0") ++outcome.stale;
    auto& before = last.at(std::stoul(std::string(delivery->message.topic.elements()[1])));
    if (std::stoi(row) < before) ++outcome.out_of_order;
    before = std::stoi(row);
  }
  for (auto& thread : writing) thread.get();
  first_row += threads * commits_of_a_thread;
  return outcome;
}

Duration percentile(std::vector<Duration>& sorted, std::size_t percent) {
  return sorted.at((sorted.size() - 1) * percent / 100);
}

}  // namespace

TEST_CASE("of 1,000 announced rows none is missing on the replica when it is delivered") {
  for (const auto* replica : {&servers().replica, &servers().late}) {
    CAPTURE(replica->name());
    const auto outcome = run(*replica, true);
    CHECK(outcome.delivered == 1000);
    CHECK(outcome.stale == 0);
    CHECK(outcome.out_of_order == 0);
  }
}

TEST_CASE("without the gate announced rows are missing, all of 1,000 while the replay is paused") {
  const auto near = run(servers().replica, false);
  MESSAGE("stale without the gate: ", near.stale, " of 1000 on a replica of the same machine");
  CHECK(near.delivered == 1000);
  servers().late.execute("SELECT pg_wal_replay_pause()");
  const auto late = run(servers().late, false);
  servers().late.execute("SELECT pg_wal_replay_resume()");
  CHECK(late.delivered == 1000);
  CHECK(late.out_of_order == 0);
  CHECK(late.stale == 1000);
}

// The time between the replay and the delivery, for a message that was there before; else between
// its arrival and the delivery.
TEST_CASE("a message comes soon after its change was replayed") {
  constexpr int count = 2000;
  const auto mesh = private_mesh();
  auto writer = start_on(servers().primary, mesh, "writer");
  auto reader = start_on(servers().replica, mesh, "reader");
  join({writer.get(), reader.get()});

  struct Sighting {
    std::uint64_t replayed;
    Instant when;
  };
  std::atomic<bool> over = false;
  auto watching = std::async(std::launch::async, [&over] {
    auto session = servers().replica.connect();
    std::vector<Sighting> sightings;
    while (!over) {
      const auto lsn = parse_lsn(session.value("SELECT pg_last_wal_replay_lsn()")).value().bytes;
      if (sightings.empty() || lsn > sightings.back().replayed) {
        sightings.push_back({lsn, current_time()});
      }
    }
    return sightings;
  });
  auto writing = std::async(std::launch::async, [&writer] {
    auto session = servers().primary.connect();
    auto next = std::chrono::steady_clock::now();  // 500 a second
    for (int i = 0; i < count; ++i) {
      session.execute("BEGIN; INSERT INTO t VALUES (" + std::to_string(1'000'000 + i) + ")");
      const auto position = commit(session.connection()).value();
      if (writer->publish(topic("t"), "", position) != Publish::accepted) return false;
      std::this_thread::sleep_until(next += 2ms);
    }
    return true;
  });

  struct Arrival {
    std::uint64_t position;
    Duration held;
    Instant when;
  };
  std::vector<Arrival> arrivals;
  while (arrivals.size() < count) {
    const auto delivery = next_delivery(*reader);
    REQUIRE(delivery);
    arrivals.push_back({delivery->message.position->offset, delivery->held, current_time()});
  }
  CHECK(writing.get());
  over = true;
  const auto sightings = watching.get();

  std::vector<Duration> lags;
  for (const auto& arrival : arrivals) {
    const auto seen = std::find_if(sightings.begin(), sightings.end(), [&](const Sighting& s) {
      return s.replayed >= arrival.position;
    });
    // Delivered before the watching thread saw the replay: no later than it, so to speak.
    const auto since = seen == sightings.end() ? Duration::zero() : arrival.when - seen->when;
    lags.push_back(std::clamp<Duration>(since, Duration::zero(), arrival.held));
  }
  std::sort(lags.begin(), lags.end());
  MESSAGE("from replayed to delivered: p50 ", milliseconds(percentile(lags, 50)), " ms, p99 ",
          milliseconds(percentile(lags, 99)), " ms");
  CHECK(percentile(lags, 50) < 100ms);
  CHECK(percentile(lags, 99) < 1s);
}
