// The outbox on real servers: announcing, and who reads it on a primary and on a standby while
// transactions overlap.
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/outbox/reader.hpp"
#include "peer/servers/postgres/identity.hpp"
#include "peer/servers/postgres/outbox_query.hpp"
#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/support/contains.hpp"
#include "tidegate/lsn.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

std::vector<postgres::SqlRow> sql_rows(const std::vector<Row>& rows) {
  std::vector<postgres::SqlRow> all;
  all.reserve(rows.size());
  for (const auto& row : rows) all.emplace_back(row.begin(), row.end());
  return all;
}

struct Site {
  Site() {
    cluster.primary().execute(postgres::outbox_schema({}));
    settle();
  }

  // Waits until the standby shows all that the primary has committed.
  void settle() {
    const auto lsn = cluster.primary().value("SELECT pg_current_wal_insert_lsn()");
    REQUIRE(eventually(20s, [&] {
      return standby.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") == "t";
    }));
  }

  Cluster cluster;
  Server& standby = cluster.add_replica();
};

// Reads a server's outbox to its end, and finishes each row.
class OutboxReader {
 public:
  explicit OutboxReader(Server& server) : session_(server.connect()) {}

  std::vector<std::string> read() {
    std::vector<std::string> names;
    for (bool again = true; again;) {
      const auto question = reader_.question().value();
      auto answer = sql_rows(session_.rows(postgres::outbox_question(question)));
      REQUIRE(postgres::take_identity(answer).ok());
      auto reading = postgres::read_outbox(answer);
      REQUIRE(reading.ok());
      reading->tide = tide();
      auto taken = reader_.take(std::move(*reading), Instant(std::chrono::hours(1)));
      REQUIRE_FALSE(taken.loss.has_value());
      for (auto& [ticket, row] : taken.deliveries) {
        names.push_back(row.payload);
        rows.push_back(std::move(row));
        reader_.done(ticket);
      }
      for (auto& row : taken.unreadable) unreadable.push_back(row.why);
      again = taken.again;
    }
    return names;
  }
  // As behind a crash of the application.
  void restart() {
    reader_ = outbox::Reader(outbox::cursor_from_text(to_text(reader_.cursor().value())).value());
  }

  std::vector<outbox::Row> rows;
  std::vector<std::string> unreadable;

 private:
  Tide tide() {
    const auto lsn = session_.value(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
        " ELSE pg_current_wal_insert_lsn() END");
    return {{7, 1}, History::of({{1, 0, 0}}).value(), parse_lsn(lsn).value().bytes};
  }

  Session session_;
  outbox::Reader reader_{outbox::Reader::From::earliest};
};

// Sessions whose transactions overlap at random, with savepoints and rollbacks.
class Writers {
 public:
  explicit Writers(Server& server) {
    for (int i = 0; i < 6; ++i) {
      threads_.emplace_back([this, &server, i] { write(server.connect(), i); });
    }
  }
  ~Writers() { stop(); }

  std::set<std::string> stop() {
    stopped_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return committed_;
  }

 private:
  void write(Session session, int number) {
    base::Random random(static_cast<std::uint64_t>(number) + 1);
    for (int i = 0; !stopped_;) {
      std::vector<std::string> names;
      session.execute("BEGIN");
      for (auto rows = 1 + random.below(3); rows > 0; --rows) {
        names.push_back(std::to_string(number) + "." + std::to_string(++i));
        session.execute("SAVEPOINT s; SELECT tidegate.announce('t/1', '" + names.back() + "')");
        if (random.below(5) == 0) {
          session.execute("ROLLBACK TO s");
          names.pop_back();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(random.below(20)));
      }
      if (random.below(100) < 15) {
        session.execute("ROLLBACK");
        continue;
      }
      session.execute("COMMIT");
      const std::lock_guard lock(mutex_);
      committed_.insert(names.begin(), names.end());
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::set<std::string> committed_;
};

// Each once, and those of a session in its order.
void check_complete(const std::set<std::string>& committed, const std::vector<std::string>& got) {
  CHECK(got.size() == committed.size());
  CHECK(std::set(got.begin(), got.end()) == committed);
  std::map<std::string, int> last;
  int disordered = 0;
  for (const auto& name : got) {
    const auto dot = name.find('.');
    const auto number = std::stoi(name.substr(dot + 1));
    if (number <= last[name.substr(0, dot)]) ++disordered;
    last[name.substr(0, dot)] = number;
  }
  CHECK(disordered == 0);
}

std::string refusal(Server& server, const std::string& call) {
  try {
    server.execute("SELECT tidegate.announce(" + call + ")");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("of overlapping transactions each row is read once, where the naive reader misses some") {
  Site site;
  site.settle();
  auto& primary = site.cluster.primary();
  auto long_one = primary.connect();
  long_one.execute("BEGIN; SELECT tidegate.announce('t', '9.1')");
  Writers writers(primary);
  OutboxReader at_primary(primary);
  OutboxReader at_standby(site.standby);
  std::vector<std::string> by_primary;
  std::vector<std::string> by_standby;
  std::set<std::string> naive;
  std::string last = "0";
  const auto read = [&] {
    for (auto& name : at_primary.read()) by_primary.push_back(std::move(name));
    for (auto& name : at_standby.read()) by_standby.push_back(std::move(name));
    const auto behind =
        "SELECT id, convert_from(payload, 'UTF8') FROM tidegate.outbox WHERE id > " + last +
        " ORDER BY id";
    for (const auto& row : site.standby.query(behind)) {
      last = row[0];
      naive.insert(row[1]);
    }
  };
  const auto end = std::chrono::steady_clock::now() + 3s;
  for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
    read();
    if (i % 10 == 9) at_standby.restart();
  }
  auto committed = writers.stop();
  long_one.execute("COMMIT");
  committed.insert("9.1");
  site.settle();
  read();
  check_complete(committed, by_primary);
  check_complete(committed, by_standby);
  CHECK(naive.size() < committed.size());
  MESSAGE(committed.size(),
          " announcements, missed by the naive reader: ", committed.size() - naive.size());
}

TEST_CASE("topic, payload and headers are read as they were announced") {
  Site site;
  auto& primary = site.cluster.primary();
  primary.execute(R"(SELECT tidegate.announce('a\/b/ä/\*', '\x00ff'::bytea, '{"ü": "=,\""}'))");
  primary.execute("SELECT tidegate.announce('t', '')");
  OutboxReader reader(primary);
  reader.read();
  REQUIRE(reader.rows.size() == 2);
  const auto& row = reader.rows[0];
  CHECK(row.topic == Topic::of({"a/b", "ä", "*"}).value());
  CHECK(row.payload == std::string("\0\xff", 2));
  CHECK(row.headers == Headers{{"ü", "=,\""}});
  CHECK(row.announced > 1'700'000'000'000'000);
  CHECK(reader.rows[1].payload.empty());
}

TEST_CASE("a long outbox is read in bounded pieces") {
  Site site;
  auto& primary = site.cluster.primary();
  primary.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(1, 2500) AS n");
  primary.execute("SELECT tidegate.announce('t', repeat('x', 900000)) FROM generate_series(1, 3)");
  OutboxReader reader(primary);
  const auto got = reader.read();
  REQUIRE(got.size() == 2503);
  for (std::size_t i = 0; i < 2500; ++i) CHECK(got[i] == std::to_string(i + 1));
}

TEST_CASE("an announcement that no peer could deliver is refused in its transaction") {
  Site site;
  auto& primary = site.cluster.primary();
  CHECK(contains(refusal(primary, "NULL::text, 'x'"), "needs a topic"));
  CHECK(contains(refusal(primary, "'', 'x'"), "1 to 4096 bytes"));
  CHECK(contains(refusal(primary, "repeat('a/', 64), 'x'"), "at most 64 elements"));
  CHECK(contains(refusal(primary, "repeat('a', 4097), 'x'"), "1 to 4096 bytes"));
  CHECK(contains(refusal(primary, "'a/*', 'x'"), "this is no topic: a/*"));
  CHECK(contains(refusal(primary, R"('a\', 'x')"), "this is no topic"));
  CHECK(contains(refusal(primary, "'a', 'x', '[]'"), "no object"));
  CHECK(contains(refusal(primary, "'a', 'x', '{\"n\": 1}'"), "the headers are texts"));
  CHECK(contains(refusal(primary, "'a', 'x', '{\"\": \"\"}'"), "the headers are texts"));
  CHECK(contains(refusal(primary, "'a', repeat('x', 16777217)"), "16777217 bytes"));
  CHECK(refusal(primary, R"('a*b/#c/\*/\#/\\', 'x')").empty());
  OutboxReader reader(primary);
  CHECK(reader.read().size() == 1);
  CHECK(reader.rows[0].topic == Topic::of({"a*b", "#c", "*", "#", "\\"}).value());
}

TEST_CASE("a row that was written past the function is told, and stops nobody") {
  Site site;
  auto& primary = site.cluster.primary();
  primary.execute(
      "INSERT INTO tidegate.outbox (topic, payload, headers) VALUES"
      " ('a/*', 'x', '{}'), ('a', 'x', '[1]'), ('a', 'good', '{}')");
  OutboxReader reader(primary);
  CHECK(reader.read() == std::vector<std::string>{"good"});
  REQUIRE(reader.unreadable.size() == 2);
  CHECK(contains(reader.unreadable[0], "pattern"));
  CHECK(contains(reader.unreadable[1], "headers"));
  CHECK(reader.read().empty());
  CHECK(reader.unreadable.size() == 2);
}
