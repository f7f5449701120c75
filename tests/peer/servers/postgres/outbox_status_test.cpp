#include "peer/servers/postgres/outbox_status.hpp"

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::postgres;
using std::chrono::microseconds;
using tidegate::testing::contains;

namespace {

// With a row, and a writer of whom nobody may see more.
SqlRow answer() {
  return {"t",    "1", "8192", "750",        "9",  "740", "1000",       "5",          "740",
          "1000", "5", "751",  std::nullopt, "12", "",    std::nullopt, std::nullopt, std::nullopt};
}

}  // namespace

TEST_CASE("the answer of an outbox is read, with what may be missing") {
  auto status = read_outbox_status({answer()});
  REQUIRE(status.ok());
  CHECK(status->primary);
  CHECK(status->rows == 1);
  CHECK(status->bytes == 8192);
  CHECK(status->horizon == 750);
  CHECK(status->removed_before == 9);
  REQUIRE(status->oldest.has_value());
  CHECK(status->oldest->transaction == 740);
  CHECK(status->oldest->announced == 1000);
  CHECK(status->oldest->age == microseconds(5));
  REQUIRE(status->oldest_writer.has_value());
  CHECK(status->oldest_writer->transaction == 751);
  CHECK_FALSE(status->oldest_writer->open.has_value());
  CHECK(status->oldest_writer->process == 12);

  auto ahead = answer();
  ahead[7] = "-5";  // announced later than the clock of this server tells
  status = read_outbox_status({ahead});
  REQUIRE(status.ok());
  CHECK(status->oldest->age == Duration::zero());
}

TEST_CASE("an answer about an outbox that makes no sense is an error") {
  auto short_one = answer();
  short_one.pop_back();
  CHECK_FALSE(read_outbox_status({}).ok());
  CHECK_FALSE(read_outbox_status({short_one}).ok());
  for (const std::size_t cell : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 13U}) {
    CAPTURE(cell);
    auto wrong = answer();
    wrong[cell] = "x";
    CHECK_FALSE(read_outbox_status({wrong}).ok());
  }
  auto nothing_removed = answer();
  nothing_removed[4] = std::nullopt;  // the table has lost its one row
  CHECK(contains(read_outbox_status({nothing_removed}).error().message, "outbox --check"));
}
