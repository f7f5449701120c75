#include "peer/servers/postgres/server_sql.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::gate;
using namespace tidegate::postgres;

namespace {

const SqlRow introduction_row = {"7423456789012345678",
                                 "8192",
                                 "1048576",
                                 "t",
                                 "\"My app\"",
                                 "15.6",
                                 "2024-01-01 00:00:00+00",
                                 "10.0.0.7",
                                 "1700000000.000001",
                                 "1600000000.000000",
                                 "1600000000.000001",
                                 "1500000000.000000"};

}  // namespace

TEST_CASE("an introduction tells which life of which cluster answers, and its WAL layout") {
  const auto server = read_introduction({introduction_row}, "db (10.0.0.7) port 5432");
  REQUIRE(server.ok());
  CHECK(server->incarnation == ServerIncarnation{7423456789012345678U, 1700000000000001,
                                                 ServerKind::postgres, 1600000000000001});
  CHECK(server->layout == WalLayout{8192, 1U << 20U});
  CHECK(server->in_recovery);
  CHECK(server->login == "\"My app\"");
  CHECK(server->description ==
        "standby db (10.0.0.7) port 5432, PostgreSQL 15.6, started 2024-01-01 00:00:00+00");
}

TEST_CASE("a server behind another address is shown with its own") {
  const auto server = read_introduction({introduction_row}, "balancer (10.0.0.1) port 5432");
  CHECK(server->description.find("its own address is 10.0.0.7") != std::string::npos);
}

TEST_CASE("a system identifier with its highest bit set is negative in SQL") {
  auto row = introduction_row;
  row[0] = "-1";
  CHECK(read_introduction({row}, "db")->incarnation.cluster == ~ClusterId{0});
}

TEST_CASE("an answer that makes no sense is an error that quotes it") {
  for (const std::size_t column : {0U, 1U, 2U, 3U, 4U, 8U}) {
    auto row = introduction_row;
    row[column] = std::nullopt;
    CAPTURE(column);
    REQUIRE_FALSE(read_introduction({row}, "db").ok());
    CHECK(read_introduction({row}, "db").error().message.find("'NULL'") != std::string::npos);
  }
  auto row = introduction_row;
  row[1] = "0";
  CHECK_FALSE(read_introduction({row}, "db").ok());
  CHECK_FALSE(read_introduction({}, "db").ok());
  CHECK_FALSE(read_introduction({{"1"}}, "db").ok());
}

TEST_CASE("a WAL reading is without page header") {
  const auto reading =
      read_commit_position({{"0/7E5A018", "0/7E5A000", "0000000200000000000000FF"}}, {1, 2}, {});
  REQUIRE(reading.ok());
  CHECK(*reading == CommitPosition{{1, 2},
                                   History::of({{2, 0, 0}}).value(),
                                   *parse_lsn("0/7E5A000"),
                                   *parse_lsn("0/7E5A000")});
}

TEST_CASE("a WAL reading with a hole is an error") {
  CHECK_FALSE(
      read_commit_position({{"0/1", std::nullopt, "000000020000000000000001"}}, {}, {}).ok());
  CHECK_FALSE(read_commit_position({{"0/1", "0/1", std::nullopt}}, {}, {}).ok());
  CHECK_FALSE(read_commit_position({}, {}, {}).ok());
}

TEST_CASE("a timeline is read from the name of a WAL file") {
  CHECK(*timeline_of_wal_file("000000010000000000000006") == 1);
  CHECK_FALSE(parse_timeline("0").ok());
  CHECK(*timeline_of_wal_file("0000001A0000000000000006") == 26);
  for (const auto* name :
       {"", "00000001", "0000000000000000000000FF", "x00000010000000000000006"}) {
    CAPTURE(name);
    CHECK_FALSE(timeline_of_wal_file(name).ok());
  }
}
