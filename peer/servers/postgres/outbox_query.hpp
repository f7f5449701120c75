// The question for the rows of an outbox: rows, horizon and what was removed in one statement, and
// so in one snapshot. On a standby the list of running transactions in a snapshot is empty, but its
// xmin is right, and nothing else is used.
//
// The tide is not asked for here: a reading is complete with one that was taken behind it. The rows
// end with the server's identity.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/outbox/reading.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

[[nodiscard]] std::string outbox_question(const outbox::Question& question);

// Of rows without the identity. An error: the answer makes no sense.
[[nodiscard]] Result<outbox::Reading> read_outbox(const std::vector<SqlRow>& rows);

// The announcement itself: three columns of tidegate.outbox, and the cells that come for them.
// Nothing: the cells make no sense. An error: they are no announcement.
[[nodiscard]] std::string announcement_columns();
struct Announcement {
  Topic topic;
  std::string payload;
  Headers headers;
};
[[nodiscard]] std::optional<Result<Announcement>> read_announcement(std::span<const SqlCell> cells);

// As a multirange of PostgreSQL.
[[nodiscard]] std::string ranges_text(const outbox::DeliveredSet& set);

// Announces, within the transaction that is open.
[[nodiscard]] std::string announce_sql(const Topic& topic, std::string_view payload);

}  // namespace tidegate::postgres
