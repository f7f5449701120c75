// Rows of an outbox are removed by age and by size: which, when, and at what cost.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"

using namespace tidegate;
using namespace tidegate::support;

namespace {

struct Site {
  Site() {
    session.execute(postgres::outbox_schema({}));
    session.execute("SET synchronous_commit = off");
  }

  void announce(int rows, int bytes = 1) {
    session.execute(
        "INSERT INTO tidegate.outbox (topic, payload, headers) SELECT 't',"
        " convert_to(repeat('x', " +
        std::to_string(bytes) + "), 'UTF8'), '{}' FROM generate_series(1, " + std::to_string(rows) +
        ")");
  }
  void announce_each(int rows) {
    for (int i = 0; i < rows; ++i) announce(1);
  }
  // "interval, bytes, rows".
  int remove(const std::string& arguments) {
    return std::stoi(session.value("SELECT tidegate.remove_announced(" + arguments + ")"));
  }
  int rows() { return std::stoi(session.value("SELECT count(*) FROM tidegate.outbox")); }
  // As if so much time had passed.
  void pass(const std::string& interval) {
    session.execute("UPDATE tidegate.outbox_marks SET noted = noted - interval '" + interval + "'");
  }
  // Their bytes, as the function measures them.
  int bytes() {
    return std::stoi(
        session.value("SELECT coalesce(sum(pg_column_size(topic) + pg_column_size(payload) +"
                      " pg_column_size(headers) + 100), 0) FROM tidegate.outbox"));
  }
  // How many pages a call looks at.
  int pages(const std::string& arguments) {
    std::string plan;
    for (const auto& row : session.rows(
             "EXPLAIN (ANALYZE, BUFFERS) SELECT tidegate.remove_announced(" + arguments + ")")) {
      if (row[0].find("Buffers:") != std::string::npos && plan.empty()) plan = row[0];
    }
    int pages = 0;
    for (const std::string kind : {"hit=", "read="}) {
      const auto at = plan.find(kind);
      if (at != std::string::npos) pages += std::stoi(plan.substr(at + kind.size()));
    }
    REQUIRE(pages > 0);
    return pages;
  }

  Cluster cluster;
  Session session = cluster.primary().connect();
};

}  // namespace

TEST_CASE("rows are removed by age in slices, and who has not read them is told") {
  Site site;
  site.announce(10);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  auto open = site.cluster.primary().connect();
  open.execute("BEGIN; SELECT tidegate.announce('t', 'open')");
  site.announce(1);
  CHECK(site.remove("'0', NULL, 4") == 4);
  CHECK(site.remove("'0', NULL, 100") == 6);
  CHECK(site.remove("'0', NULL, 100") == 0);
  CHECK(site.session.value("SELECT bool_and(transaction >= before) FROM tidegate.outbox,"
                           " tidegate.outbox_removed") == "t");
  open.execute("COMMIT");
  CHECK(site.remove("'0', NULL, 100") == 2);
  CHECK(site.session.value("SELECT before::text::bigint > 0 FROM tidegate.outbox_removed") == "t");
}

TEST_CASE("a row is kept for as long as it is to be, from when a call saw it settled") {
  Site site;
  site.announce(5);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("59 min");
  site.announce(3);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("2 min");
  CHECK(site.remove("'1 h', NULL, 100") == 5);
  site.pass("57 min");
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("1 min");
  CHECK(site.remove("'1 h', NULL, 100") == 3);
}

TEST_CASE("a transaction that was open for longer than rows are kept does not lose its rows") {
  Site site;
  auto open = site.cluster.primary().connect();
  open.execute(
      "BEGIN; SELECT tidegate.announce('t', 'x');"
      " UPDATE tidegate.outbox SET announced = announced - interval '2 h'");
  site.announce(1);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("2 h");
  open.execute("COMMIT");
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("59 min");
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("1 min");
  CHECK(site.remove("'1 h', NULL, 100") == 2);
}

TEST_CASE("of a steady flow rows stay for at most a 64th longer, and there are few marks") {
  Site site;
  for (int call = 1; call <= 200; ++call) {
    site.announce(1);
    site.remove("'10 min', NULL, 100");
    site.pass("5 s");
    CHECK(site.rows() >= std::min(call, 120));
  }
  CHECK(site.rows() <= 124);
  CHECK(std::stoi(site.session.value("SELECT count(*) FROM tidegate.outbox_marks")) <= 66);
}

TEST_CASE("a clock that was set back stops removal for no longer than rows are kept") {
  Site site;
  site.announce(1);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.pass("-1000 h");
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.announce(1);
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  site.session.execute(
      "UPDATE tidegate.outbox_marks SET noted = noted - interval '1 h'"
      " WHERE noted < now() + interval '1 h'");
  CHECK(site.remove("'1 h', NULL, 100") == 1);
}

TEST_CASE("the oldest rows beyond a size are removed, also those that nobody had measured") {
  Site site;
  site.announce_each(900);
  constexpr int kept = 50'000;
  constexpr int row = 120;
  for (const int more : {0, 0, 100, 500}) {
    CAPTURE(more);
    site.announce_each(more);
    // A call measures 400 rows, and none of them does more than that.
    for (int i = 0; i < 50; ++i) site.remove("NULL, 50000, 40");
    CHECK(site.bytes() > kept - row);
    CHECK(site.bytes() < kept + kept / 64 + row);
  }
  CHECK(std::stoi(site.session.value("SELECT count(*) FROM tidegate.outbox_marks")) <= 66);
  // Age counts besides.
  CHECK(site.remove("'0', 50000, 10000") > 400);
  CHECK(site.rows() == 0);
}

TEST_CASE("one transaction that is larger than what a call measures is removed like others") {
  Site site;
  site.announce(1000);
  site.announce_each(8);
  for (int i = 0; i < 30; ++i) site.remove("NULL, 1000, 50");
  CHECK(site.rows() == 1008);
  site.announce_each(8);
  for (int i = 0; i < 30; ++i) site.remove("NULL, 1000, 50");
  CHECK(site.rows() <= 11);
  CHECK(site.bytes() >= 1000);
}

TEST_CASE("a call costs the same however much there is, and however much there was") {
  Site site;
  // Plans are made for a table that is small.
  site.announce(5);
  site.session.execute("VACUUM ANALYZE tidegate.outbox");
  for (int i = 0; i < 10; ++i) site.remove("'1 h', 1000000000, 100");
  for (int i = 0; i < 40; ++i) site.announce(500, 500);
  // Entries of removed rows stay in the index for as long as somebody may see them.
  auto watch = site.cluster.primary().connect();
  watch.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
  CHECK(site.pages("'1 h', 1000000000, 100") < 300);
  CHECK(site.pages("'1 h', NULL, 500") < 300);
  // Removed row by row, with some pages for each.
  int most = 0;
  const int first = site.pages("'0', NULL, 500");
  for (int i = 0; i < 40; ++i) most = std::max(most, site.pages("'0', NULL, 500"));
  CHECK(site.rows() == 0);
  CHECK(most < 2 * first);
  CHECK(site.pages("'0', NULL, 500") < 200);
  CHECK(site.pages("'0', 0, 500") < 200);
  MESSAGE("pages of the first and the dearest call: ", first, ", ", most);
}

TEST_CASE("a call beside another one returns at once, and removes nothing") {
  Site site;
  site.announce(5);
  auto other = site.cluster.primary().connect();
  other.execute("BEGIN; SELECT tidegate.remove_announced('0', NULL, 2)");
  site.session.execute("SET statement_timeout = '10 s'");
  CHECK(site.remove("'0', NULL, 100") == 0);
  other.execute("COMMIT");
  CHECK(site.remove("'0', NULL, 100") == 3);
}

TEST_CASE("marks that came from another cluster remove nothing") {
  Site site;
  site.announce(1);
  site.session.execute("INSERT INTO tidegate.outbox_marks VALUES ('4000000000', '2000-01-01', 0)");
  CHECK(site.remove("'1 h', NULL, 100") == 0);
  CHECK(site.rows() == 1);
}
