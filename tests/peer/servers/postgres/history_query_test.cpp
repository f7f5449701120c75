#include "peer/servers/postgres/history_query.hpp"

#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

constexpr WalLayout layout{8192, 1U << 20U};

std::vector<SqlRow> file(const std::string& text) { return {{"00000003.history", text}}; }

// The bytes of a server for a timeline that began so many microseconds after 1970.
std::vector<SqlRow> beginning(std::int64_t promoted) {
  std::string record(48, '\0');
  const auto put = [&](std::size_t offset, auto number) {
    std::memcpy(record.data() + offset, &number, sizeof number);
  };
  put(0, std::uint32_t{42});
  put(16, std::uint8_t{0x90});
  put(24, std::uint8_t{255});
  put(25, std::uint8_t{16});
  put(26, promoted - 946'684'800'000'000);
  return {{record}};
}

std::string asked(const HistoryQuery& query) {
  const auto question = query.question();
  return question ? (question->wal ? "wal: " : "rows: ") + question->command : "nothing";
}

std::vector<HistoryEntry> entries_of(const HistoryQuery& query) {
  const auto history = query.history();
  return {history.entries().begin(), history.entries().end()};
}

constexpr auto* two_promotions = "1\t0/3000160\tno recovery target\n\n2\t0/5000028\tbecause\n";

}  // namespace

TEST_CASE("timeline 1 has a history that nobody needs to ask for") {
  const HistoryQuery query(1, layout);
  CHECK(asked(query) == "nothing");
  CHECK(entries_of(query) == std::vector<HistoryEntry>{{1, 0, 0}});
  CHECK(query.history().complete());
}

TEST_CASE("the file is asked for first, then the beginning of each timeline") {
  HistoryQuery query(3, layout);
  CHECK(asked(query) == "rows: TIMELINE_HISTORY 3");
  CHECK_FALSE(query.answered(file(two_promotions)));
  CHECK(asked(query) == "wal: START_REPLICATION PHYSICAL 0/3000160 TIMELINE 2");
  CHECK_FALSE(query.answered(beginning(1'700'000'000'000'007)));
  CHECK(asked(query) == "wal: START_REPLICATION PHYSICAL 0/5000028 TIMELINE 3");
  CHECK_FALSE(query.answered(beginning(1'700'000'000'000'008)));
  CHECK(asked(query) == "nothing");
  CHECK(entries_of(query) == std::vector<HistoryEntry>{{1, 0, 0},
                                                       {2, 0x3000160, 1'700'000'000'000'007},
                                                       {3, 0x5000028, 1'700'000'000'000'008}});
}

TEST_CASE("a beginning that the server has recycled stays unknown") {
  HistoryQuery query(3, layout);
  CHECK_FALSE(query.answered(file(two_promotions)));
  CHECK(query.refused("58P01"));
  CHECK_FALSE(query.answered({{std::string()}}));
  CHECK(entries_of(query) ==
        std::vector<HistoryEntry>{{1, 0, 0}, {2, 0x3000160, 0}, {3, 0x5000028, 0}});
  CHECK_FALSE(query.history().complete());
}

TEST_CASE("without the history file only the present timeline is known") {
  HistoryQuery query(3, layout);
  CHECK(query.refused("58P01"));
  CHECK(query.file_missing());
  CHECK(asked(query) == "nothing");
  CHECK(entries_of(query) == std::vector<HistoryEntry>{{3, 0, 0}});
}

TEST_CASE("another refusal is not taken for a missing file") {
  HistoryQuery query(3, layout);
  CHECK_FALSE(query.refused("42501"));
  CHECK(asked(query) == "rows: TIMELINE_HISTORY 3");
}

TEST_CASE("a history file that makes no sense is an error that quotes it") {
  HistoryQuery query(3, layout);
  CHECK(query.answered({})->message == "the server did not tell its timeline history");
  CHECK(query.answered(file("one\t0/3000160\n"))->message ==
        "a timeline history has the line 'one\t0/3000160'; expected a timeline, an LSN and a "
        "reason");
  CHECK(query.answered(file("2\t0/3000160\tx\n1\t0/5000028\ty\n")).has_value());
}

TEST_CASE("comments and reasons of a history file say nothing") {
  const auto entries = read_history_file("# by hand\n1\t16/B374D848\tbefore 2000\r\n", 2);
  CHECK(*entries == std::vector<HistoryEntry>{{1, 0, 0}, {2, 0x16B374D848, 0}});
}

TEST_CASE("of a history that is too long the oldest timelines are left out") {
  std::string text;
  const auto many = static_cast<TimelineId>(base::limits::history_entries) + 5;
  for (TimelineId number = 1; number < many; ++number) {
    text += std::to_string(number) + "\t0/" + std::to_string(1000 + number) + "\tx\n";
  }
  HistoryQuery query(many, layout);
  CHECK_FALSE(query.answered(file(text)));
  while (query.question()) CHECK(query.refused("58P01"));
  CHECK(query.history().entries().size() == base::limits::history_entries);
  CHECK(query.history().timeline() == many);
}
