// The questions of a bridge to the functions of the outbox that number its rows (outbox.sql), and
// the answers. Their session must be the server's own: a bridge works as long as it lasts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/outbox/reading.hpp"
#include "peer/servers/postgres/outbox_query.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// The stream as a bridge finds it when it begins.
struct BridgeStream {
  Origin origin;  // of the bridge's life
  std::uint64_t epoch = 0;
  ClusterId cluster = 0;
  TimelineId timeline = 0;
  std::uint64_t last = 0;
  // From here to the last one all can be read, as far as the bytes go; `last + 1`: none.
  std::uint64_t first = 0;
  std::uint64_t received = 0;
  std::string cursor;  // of an OutboxSubscription; empty: there was no bridge yet
};

// How far an earlier life of this process had come; an incarnation of 0: there was none.
struct BridgeLife {
  std::uint64_t incarnation = 0;
  std::uint64_t last = 0;
};
[[nodiscard]] std::string bridge_begin_sql(const BridgeLife& before, std::uint64_t now,
                                           std::size_t most_bytes);
// Nothing: another bridge works.
[[nodiscard]] Result<std::optional<BridgeStream>> read_bridge_begin(
    const std::vector<SqlRow>& rows);

struct BridgeBatch {
  std::string cursor;
  std::uint64_t received = 0;
  std::string position;  // a token
  std::vector<outbox::RowKey> keys;
};
[[nodiscard]] std::string bridge_number_sql(std::uint64_t incarnation, const BridgeBatch& batch);

// The place of a key in the batch, and its number; in the order of the numbers.
struct BridgeNumber {
  std::size_t place = 0;
  std::uint64_t number = 0;
};
[[nodiscard]] Result<std::vector<BridgeNumber>> read_bridge_numbers(const std::vector<SqlRow>& rows,
                                                                    std::size_t keys);

// Rows that have numbers, in their order; one at least, if there is one.
[[nodiscard]] std::string bridge_read_sql(std::uint64_t first);
struct BridgedRow {
  std::uint64_t number = 0;
  outbox::RowKey key;
  std::string position;
  Announcement announcement;
};
[[nodiscard]] Result<std::vector<BridgedRow>> read_bridged(const std::vector<SqlRow>& rows);

}  // namespace tidegate::postgres
