#include "lib/outbox/cursor_records.hpp"

#include <cstdint>
#include <utility>

#include "lib/base/decimal.hpp"

namespace tidegate::outbox {
namespace {

constexpr std::string_view seen_word = "seen ";
constexpr std::string_view done_word = "done ";

bool take(std::string_view& line, std::string_view word) {
  if (line.substr(0, word.size()) != word) return false;
  line.remove_prefix(word.size());
  return true;
}

std::optional<RowKey> row_from_text(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto transaction = base::parse_number<TransactionId>(text.substr(0, blank));
  const auto id = base::parse_number<std::uint64_t>(text.substr(blank + 1));
  if (!transaction || !id || *id == 0) return std::nullopt;
  return RowKey{*transaction, *id};
}

std::optional<Error> apply(std::string_view line, std::optional<Cursor>& cursor) {
  if (!cursor) {
    auto whole = cursor_from_text(line);
    if (!whole) return whole.error();
    cursor = std::move(*whole);
    return std::nullopt;
  }
  if (take(line, seen_word)) {
    auto position = position_from_text(line);
    if (!position) return position.error();
    cursor->now.seen = std::move(*position);
    return std::nullopt;
  }
  const auto row = take(line, done_word) ? row_from_text(line) : std::nullopt;
  if (!row) return Error{"a line is neither a position nor a row"};
  if (row->transaction >= cursor->now.settled) {
    cursor->now.done.add({row->id, row->id, row->transaction});
  }
  return std::nullopt;
}

}  // namespace

Result<CursorFile> read_cursor_file(std::string_view text) {
  CursorFile file;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    if (auto error = apply(text.substr(0, end), file.cursor)) return *error;
    text.remove_prefix(end + 1);
  }
  // The first line is never torn: it replaces the file as a whole.
  if (!file.cursor && !text.empty()) return Error{"its first line has no end"};
  file.torn = text.size();
  return file;
}

void write_whole(std::string& to, const Cursor& cursor) { to += to_text(cursor) + '\n'; }

void write_seen(std::string& to, const Position& position) {
  to += seen_word;
  to += to_text(position) + '\n';
}

void write_done(std::string& to, const RowKey& row) {
  to += done_word;
  to += std::to_string(row.transaction) + ' ' + std::to_string(row.id) + '\n';
}

}  // namespace tidegate::outbox
