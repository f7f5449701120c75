// `tidegate outbox status`, as an operator reads it.
#include "command/outbox_text.hpp"

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command;
using postgres::OutboxStatus;
using std::chrono::seconds;
using tidegate::testing::contains;

TEST_CASE("an outbox is shown with its rows, its horizon and what was removed") {
  const OutboxStatus full{.primary = true,
                          .rows = 2,
                          .bytes = 65536,
                          .oldest = postgres::AnnouncedRow{740, 0, seconds(90)},
                          .newest = postgres::AnnouncedRow{747, 0, seconds(2)},
                          .horizon = 748,
                          .removed_before = 730,
                          .oldest_writer = {}};
  CHECK(outbox_text("db1 port 5432", full) ==
        "outbox on db1 port 5432, a primary\n"
        "  rows            2, 64.0 KiB with indexes\n"
        "  oldest          of transaction 740, announced 1 min 30 s ago\n"
        "  newest          of transaction 747, announced 2.0 s ago\n"
        "  horizon         transaction 748: all rows of earlier ones are settled\n"
        "  oldest writer   none: no transaction that has written is open\n"
        "  removed before  transaction 730\n");
  const auto empty = outbox_text("db1\x1b port 5432", {});
  CHECK(contains(empty, "outbox on db1\\x1b port 5432, a standby\n"));
  CHECK(contains(empty, "oldest          none\n"));
  CHECK(contains(empty, "oldest writer   known on the primary alone\n"));
  CHECK(contains(empty, "removed before  none: nothing was removed\n"));
}

TEST_CASE("cursors of an outbox are shown with what they have not taken, or why nobody knows") {
  OutboxStatus status{.oldest = {}, .newest = {}, .oldest_writer = {}};
  status.cursors = {
      {.name = "a", .settled = 740, .rows = 1, .trouble = ""},
      {.name = "b", .settled = 741, .rows = postgres::most_counted_behind, .trouble = ""},
      {.name = "c", .trouble = "its file is empty"},
      {.name = "d", .rows = 2, .waits = std::chrono::hours(3), .lost = true, .trouble = ""}};
  const auto text = outbox_text("s", status);
  CHECK(contains(text, "cursor          a: 1 row not taken yet, all before transaction 740 are"));
  CHECK(contains(text, "cursor          b: 100000 or more rows not taken yet"));
  CHECK(contains(text, "cursor          c: its file is empty\n"));
  CHECK(contains(text, "d: 2 rows not taken yet, the first for 3 h 0 min, all before"));
  CHECK(contains(text, "; some were removed, perhaps unread\n"));
}

TEST_CASE("the transaction that holds the horizon back is shown with who has it open") {
  OutboxStatus status{.primary = true, .oldest = {}, .newest = {}, .oldest_writer = {}};
  status.oldest_writer = postgres::OpenWriter{.transaction = 750,
                                              .open = seconds(3),
                                              .process = 12,
                                              .prepared = "",
                                              .role = "shop",
                                              .database = "app",
                                              .application = "psql\x07"};
  CHECK(contains(outbox_text("s", status),
                 "transaction 750, open for 3.0 s: process 12, role shop, database app, "
                 "application psql\\x07\n"));
  status.oldest_writer->open.reset();
  status.oldest_writer->process = 0;
  status.oldest_writer->prepared = "two";
  status.oldest_writer->application = "";
  CHECK(contains(outbox_text("s", status),
                 "transaction 750, open for a time that this role may not see: prepared as two, "
                 "role shop, database app\n"));
}
