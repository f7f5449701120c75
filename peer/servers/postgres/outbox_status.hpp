// How the outbox of a database stands, for an operator: how much lies there, how old it is, and who
// keeps it from being settled.
//
// 1. One statement, and so one snapshot.
// 2. The horizon is that of all databases of the cluster: a transaction that has written anything
//    anywhere holds it back while it is open. A prepared one does, too, without any session.
// 3. A standby has no list of open transactions, so the one that holds its horizon back is known on
//    the primary alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/outbox/cursor.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::postgres {

struct AnnouncedRow {
  std::uint64_t transaction = 0;
  std::int64_t announced = 0;  // microseconds since 1970
  Duration age{};              // by the clock of the server that was asked
};

// A transaction that has written and is open.
struct OpenWriter {
  std::uint64_t transaction = 0;
  std::optional<Duration> open;  // nullopt: our role may not know
  std::uint64_t process = 0;     // 0: it is prepared
  std::string prepared;          // the name under which it is
  std::string role;
  std::string database;
  std::string application;
};

// Of a durable subscription whose cursor is kept on this host.
struct CursorLag {
  std::string name;
  std::uint64_t settled = 0;           // all rows of transactions before this one are done with
  std::uint64_t rows = 0;              // that it has not taken; counted up to most_counted_behind
  std::optional<Duration> waits = {};  // the first of them; nullopt: there is none
  bool lost = false;                   // rows were removed that it may not have read
  std::string trouble;                 // why that is not known; empty: it is
};
inline constexpr std::uint64_t most_counted_behind = 100'000;

struct OutboxStatus {
  bool primary = false;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // on disk, with indexes
  std::optional<AnnouncedRow> oldest;
  std::optional<AnnouncedRow> newest;
  std::uint64_t horizon = 0;         // rows of transactions before it are settled
  std::uint64_t removed_before = 0;  // those of transactions before it were removed by age
  std::optional<OpenWriter> oldest_writer;
  std::vector<CursorLag> cursors;  // not asked for by the question below
};

// Behind plain_question_settings.
[[nodiscard]] std::string outbox_status_question();

// An error: the answer makes no sense.
[[nodiscard]] Result<OutboxStatus> read_outbox_status(const std::vector<SqlRow>& answer);

// Behind plain_question_settings: the rows that a cursor has not taken.
[[nodiscard]] std::string outbox_behind_question(const outbox::CursorState& cursor);

// False: the answer makes no sense.
[[nodiscard]] bool read_outbox_behind(const std::vector<SqlRow>& answer, CursorLag& lag);

}  // namespace tidegate::postgres
