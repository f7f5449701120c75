#include "peer/servers/postgres/identity.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

constexpr std::int64_t noon = 1'700'000'000'000'000;
constexpr std::int64_t hour = 3'600'000'000;

// One that was started at noon and whose statistics count since the eve.
Identity identity() { return {noon, {noon - hour, noon - hour, noon - hour}}; }

}  // namespace

TEST_CASE("a backend that crashes ends a life, though the start stays and the clock was set back") {
  auto recovered = identity();
  recovered.counted_since.fill(noon + hour);
  CHECK_FALSE(same_life(identity(), recovered));
  recovered.counted_since.fill(noon - 2 * hour);
  CHECK_FALSE(same_life(identity(), recovered));
}

TEST_CASE("a restart is another life, though the statistics stay and the clock was set back") {
  auto restarted = identity();
  restarted.started = noon + 1;
  CHECK_FALSE(same_life(identity(), restarted));
  restarted.started = noon - hour;
  CHECK_FALSE(same_life(identity(), restarted));
}

TEST_CASE("statistics that an operator resets end no life") {
  auto reset = identity();
  reset.counted_since[0] = noon + hour;
  CHECK(same_life(identity(), reset));
  reset.counted_since[2] = noon + 2 * hour;
  CHECK(same_life(identity(), reset));
  auto again = reset;
  again.counted_since[1] = noon + 3 * hour;
  CHECK(same_life(reset, again));
}

TEST_CASE("a time that is not told shows nothing") {
  auto untold = identity();
  untold.counted_since.fill(0);
  CHECK_FALSE(same_life(untold, untold));
  untold.counted_since[1] = noon;
  CHECK(same_life(untold, untold));
}

TEST_CASE("an identity is taken off the end of an answer") {
  std::vector<SqlRow> rows = {
      {"0/1", "1700000000.000001", "1600000000.500000", std::nullopt, "1.000000"}};
  const auto taken = take_identity(rows);
  REQUIRE(taken.ok());
  CHECK(taken->started == 1'700'000'000'000'001);
  CHECK(taken->counted_since == std::array<std::int64_t, 3>{1'600'000'000'500'000, 0, 1'000'000});
  CHECK(rows == std::vector<SqlRow>{{"0/1"}});
}

TEST_CASE("an answer without identity is an error that quotes it") {
  const SqlRow good = {"1700000000.000001", "1.000000", "1.000000", "1.000000"};
  for (std::size_t column = 0; column < good.size(); ++column) {
    for (const auto* bad : {"", "1", "1.5", "x.000000", "1.0000000"}) {
      CAPTURE(column);
      CAPTURE(bad);
      std::vector<SqlRow> rows = {good};
      rows[0][column] = bad;
      CHECK_FALSE(take_identity(rows).ok());
    }
  }
  std::vector<SqlRow> no_start = {good};
  no_start[0][0] = std::nullopt;
  CHECK(take_identity(no_start).error().message.find("'NULL'") != std::string::npos);
  std::vector<SqlRow> short_row = {{"1700000000.000001"}};
  CHECK_FALSE(take_identity(short_row).ok());
  std::vector<SqlRow> none;
  CHECK_FALSE(take_identity(none).ok());
}

TEST_CASE("the reason names both servers, or what has become of the one") {
  auto other = identity();
  other.started += hour;
  const auto reason = another_server("primary db port 5432", identity(), other);
  CHECK(reason.find("instead of primary db port 5432 a server that was started 2023-11-14") == 0);
  auto recovered = identity();
  recovered.counted_since.fill(noon + hour);
  CHECK(another_server("primary db port 5432", identity(), recovered)
            .find("recovered from a crash") != std::string::npos);
}
