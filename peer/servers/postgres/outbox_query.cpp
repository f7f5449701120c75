#include "peer/servers/postgres/outbox_query.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "lib/message/headers.hpp"
#include "peer/servers/postgres/identity.hpp"

namespace tidegate::postgres {
namespace {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit(text[i]);
    const auto low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

// "name=value,name=value", each in hexadecimal digits.
std::optional<Headers> read_headers(std::string_view text) {
  std::vector<Header> headers;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto one = text.substr(0, end);
    const auto middle = one.find('=');
    if (middle == std::string_view::npos) return std::nullopt;
    auto name = from_hex(one.substr(0, middle));
    auto value = from_hex(one.substr(middle + 1));
    if (!name || !value) return std::nullopt;
    headers.push_back({std::move(*name), std::move(*value)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!message::valid_headers(std::span<const Header>(headers))) return std::nullopt;
  return Headers(std::move(headers));
}

}  // namespace

std::string ranges_text(const outbox::DeliveredSet& set) {
  std::string text;
  for (const auto& range : set.ranges()) {
    if (!text.empty()) text += ',';
    text += '[' + std::to_string(range.first) + ',' + std::to_string(range.last) + ']';
  }
  return '{' + text + '}';
}

std::string announcement_columns() {
  const auto hex = [](const std::string& text) {
    return "pg_catalog.encode(pg_catalog.convert_to(" + text + ", 'UTF8'), 'hex')";
  };
  return hex("topic") +
         ", pg_catalog.encode(payload, 'hex'),"
         " CASE WHEN pg_catalog.jsonb_typeof(headers) = 'object' THEN"
         " (SELECT pg_catalog.string_agg(" +
         hex("name") + " || '=' || " + hex("coalesce(value, '')") +
         ", ',') FROM pg_catalog.jsonb_each_text(headers) AS each (name, value))"
         " ELSE '?' END";
}

std::optional<Result<Announcement>> read_announcement(std::span<const SqlCell> cells) {
  auto topic_text = from_hex(cells[0].value_or("?"));
  auto payload = from_hex(cells[1].value_or("?"));
  if (!topic_text || !payload) return std::nullopt;
  auto topic = Topic::parse(*topic_text);
  if (!topic) return topic.error();
  auto headers = read_headers(cells[2].value_or(""));
  if (!headers) return Error{"its headers are none"};
  return Announcement{std::move(*topic), std::move(*payload), std::move(*headers)};
}

// The state of the server comes as the first row, so that there is one also without others. Sizes
// are summed without fetching the payloads; the first row comes whatever its size.
std::string outbox_question(const outbox::Question& question) {
  const auto horizon = "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())";
  std::string only;
  if (question.settled_only) only = std::string(" AND transaction < ") + horizon;
  if (question.unsettled_only) only = std::string(" AND transaction >= ") + horizon;
  if (question.except.size() > 0) {
    only += " AND NOT id OPERATOR(pg_catalog.<@) '" + ranges_text(question.except) +
            "'::pg_catalog.int8multirange";
  }
  return "SELECT 0 AS place, " + std::string(horizon) +
         "::pg_catalog.text AS transaction,"
         " (SELECT before::pg_catalog.text FROM tidegate.outbox_removed) AS id,"
         " NULL AS announced, NULL AS topic, NULL AS payload, NULL AS headers, NULL AS found" +
         identity_columns +
         " UNION ALL SELECT number, transaction::pg_catalog.text, id::pg_catalog.text,"
         " (extract(epoch FROM announced) * 1000000)::pg_catalog.int8::pg_catalog.text, " +
         announcement_columns() +
         ", found::pg_catalog.text, NULL, NULL, NULL, NULL FROM ("
         "SELECT *, pg_catalog.row_number() OVER wanted AS number,"
         " pg_catalog.sum(pg_catalog.octet_length(payload)) OVER wanted AS bytes,"
         " pg_catalog.count(*) OVER () AS found FROM ("
         "SELECT * FROM tidegate.outbox WHERE transaction >= '" +
         std::to_string(question.from) + "'::pg_catalog.xid8" + only +
         " ORDER BY transaction, id LIMIT " + std::to_string(question.most_rows + 1) +
         ") AS first_rows WINDOW wanted AS (ORDER BY transaction, id)) AS sized"
         " WHERE number = 1 OR number <= " +
         std::to_string(question.most_rows) +
         " AND bytes <= " + std::to_string(question.most_bytes) + " ORDER BY place";
}

// In digits, so that no setting of the session decides how a quote is read.
std::string announce_sql(const Topic& topic, std::string_view payload) {
  return "SELECT tidegate.announce(pg_catalog.convert_from(pg_catalog.decode('" +
         to_hex(to_string(topic)) + "', 'hex'), 'UTF8'), pg_catalog.decode('" + to_hex(payload) +
         "', 'hex'))";
}

Result<outbox::Reading> read_outbox(const std::vector<SqlRow>& rows) {
  const auto senseless = [&] {
    return Error{"the server answered " + quoted({rows.empty() ? SqlRow{} : rows.front()}) +
                 " when asked for its outbox; tidegate outbox --check tells what is wrong"};
  };
  outbox::Reading reading;
  constexpr std::size_t columns = 8;
  if (rows.empty() || rows[0].size() != columns || !read_number(rows[0][1], reading.horizon) ||
      !read_number(rows[0][2], reading.removed_before)) {
    return senseless();
  }
  std::size_t found = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto& row = rows[i];
    outbox::RowKey key;
    std::int64_t announced = 0;
    if (row.size() != columns || !read_number(row[1], key.transaction) ||
        !read_number(row[2], key.id) || key.id == 0 || !read_number(row[3], announced) ||
        !read_number(row[7], found)) {
      return senseless();
    }
    auto read = read_announcement(std::span(row).subspan(4, 3));
    if (!read) return senseless();
    if (!read->ok()) {
      reading.unreadable.push_back({key, read->error().message});
      continue;
    }
    auto& one = **read;
    reading.rows.push_back(
        {key, announced, std::move(one.topic), std::move(one.payload), std::move(one.headers)});
  }
  reading.more = found > rows.size() - 1;
  return reading;
}

}  // namespace tidegate::postgres
