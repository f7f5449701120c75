#include "peer/servers/postgres/bridge_query.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "peer/servers/postgres/session_settings.hpp"

namespace tidegate::postgres {
namespace {

// Of one answer.
constexpr auto most_rows = "1000";
constexpr auto most_bytes = "4194304";

// A number is only worth something once no crash of the server takes it back.
const std::string settings = question_settings + "SET LOCAL synchronous_commit = local; ";

Error senseless(const std::vector<SqlRow>& rows) {
  return {"the server answered " + quoted({rows.empty() ? SqlRow{} : rows.front()}) +
          " when asked for its bridge; `tidegate outbox --check` tells what is wrong"};
}

template <typename Value>
std::string array_of(const std::vector<outbox::RowKey>& keys, Value value) {
  std::string text;
  for (const auto& key : keys) {
    if (!text.empty()) text += ',';
    text += std::to_string(value(key));
  }
  return "'{" + text + "}'";
}

bool read_uuid(const SqlCell& text, PeerId& id) {
  std::string digits = text.value_or("");
  std::erase(digits, '-');
  if (digits.size() != 2 * id.bytes.size()) return false;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (!read_number(SqlCell(digits.substr(2 * i, 2)), id.bytes[i], 16)) return false;
  }
  return true;
}

}  // namespace

std::string bridge_begin_sql(const BridgeLife& before, std::uint64_t now, std::size_t most_bytes) {
  return settings + "SELECT *, (SELECT system_identifier FROM pg_catalog.pg_control_system())" +
         " FROM tidegate.bridge_begin(" + std::to_string(before.incarnation) + ", " +
         std::to_string(before.last) + ", " + std::to_string(now) + ", " +
         std::to_string(most_bytes) + ")";
}

Result<std::optional<BridgeStream>> read_bridge_begin(const std::vector<SqlRow>& rows) {
  if (rows.empty()) return std::optional<BridgeStream>();
  const auto& row = rows.front();
  BridgeStream stream;
  std::int64_t cluster = 0;
  if (row.size() != 9 || !read_uuid(row[0], stream.origin.peer) ||
      !read_number(row[1], stream.epoch) || !read_number(row[2], stream.origin.incarnation) ||
      !read_number(row[3], stream.timeline) || !read_number(row[4], stream.last) ||
      !read_number(row[5], stream.first) || !read_number(row[6], stream.received) || !row[7] ||
      !read_number(row[8], cluster)) {
    return senseless(rows);
  }
  stream.cursor = *row[7];
  stream.cluster = static_cast<ClusterId>(cluster);
  return std::optional(std::move(stream));
}

// Cursors and positions are of letters, digits and marks that need no quoting.
std::string bridge_number_sql(std::uint64_t incarnation, const BridgeBatch& batch) {
  return settings + "SELECT * FROM tidegate.bridge_number(" + std::to_string(incarnation) + ", '" +
         batch.cursor + "', " + std::to_string(batch.received) + ", '" + batch.position + "', " +
         array_of(batch.keys, [](const auto& key) { return key.transaction; }) +
         "::pg_catalog.xid8[], " + array_of(batch.keys, [](const auto& key) { return key.id; }) +
         "::pg_catalog.int8[])";
}

Result<std::vector<BridgeNumber>> read_bridge_numbers(const std::vector<SqlRow>& rows,
                                                      std::size_t keys) {
  std::vector<BridgeNumber> numbers;
  for (const auto& row : rows) {
    BridgeNumber one;
    if (row.size() != 2 || !read_number(row[0], one.place) || one.place < 1 || one.place > keys ||
        !read_number(row[1], one.number)) {
      return senseless(rows);
    }
    --one.place;
    numbers.push_back(one);
  }
  return numbers;
}

std::string bridge_read_sql(std::uint64_t first) {
  return question_settings +
         "SELECT number, transaction, id, position, topic, payload, headers FROM ("
         "SELECT number, transaction, id, position, " +
         announcement_columns() +
         ", pg_catalog.row_number() OVER wanted, pg_catalog.sum(pg_catalog.octet_length(payload))"
         " OVER wanted FROM (SELECT b.number, b.position, o.* FROM tidegate.bridged AS b"
         " JOIN tidegate.outbox AS o USING (transaction, id) WHERE number >= " +
         std::to_string(first) + " ORDER BY number LIMIT " + most_rows +
         ") AS found WINDOW wanted AS (ORDER BY number)) AS sized"
         " (number, transaction, id, position, topic, payload, headers, place, bytes)"
         " WHERE place = 1 OR bytes <= " +
         most_bytes + " ORDER BY number";
}

Result<std::vector<BridgedRow>> read_bridged(const std::vector<SqlRow>& rows) {
  std::vector<BridgedRow> bridged;
  for (const auto& row : rows) {
    std::uint64_t number = 0;
    outbox::RowKey key;
    if (row.size() != 7 || !read_number(row[0], number) || !read_number(row[1], key.transaction) ||
        !read_number(row[2], key.id) || !row[3]) {
      return senseless(rows);
    }
    auto announcement = read_announcement(std::span(row).subspan(4, 3));
    if (!announcement || !announcement->ok()) return senseless(rows);
    bridged.push_back({number, key, *row[3], std::move(**announcement)});
  }
  return bridged;
}

}  // namespace tidegate::postgres
