#include "peer/servers/postgres/history_query.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "peer/servers/postgres/promotion.hpp"

namespace tidegate::postgres {
namespace {

constexpr auto* undefined_file = "58P01";  // no such history file, or the segment was removed
constexpr auto* wrong_place = "55000";     // not of this server's history, or not there yet

constexpr std::string_view blanks = " \t\r";

// Takes the next word off the front of `text`; empty when there is none.
std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  const auto end = std::min(text.find_first_of(blanks, begin), text.size());
  const auto word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

Result<std::vector<HistoryEntry>> read_history_file(std::string_view text, TimelineId timeline) {
  std::vector<HistoryEntry> entries;
  std::uint64_t begin = 0;
  while (!text.empty()) {
    const auto line = take_line(text);
    auto rest = line;
    const auto word = take_word(rest);
    if (word.empty() || word.front() == '#') continue;
    const auto number = base::parse_number<TimelineId>(word);
    const auto end = parse_lsn(take_word(rest));
    if (!number || !end) {
      return Error{"a timeline history has the line '" + std::string(line) +
                   "'; expected a timeline, an LSN and a reason"};
    }
    entries.push_back({*number, begin, 0});
    begin = end->bytes;
  }
  entries.push_back({timeline, begin, 0});
  return entries;
}

HistoryQuery::HistoryQuery(TimelineId timeline, WalLayout layout)
    : timeline_(timeline), layout_(layout) {
  if (timeline == 1) entries_ = {{1, 0, 0}};
  go_on();
}

std::optional<HistoryQuery::Question> HistoryQuery::question() const {
  if (entries_.empty()) return Question{"TIMELINE_HISTORY " + std::to_string(timeline_), false};
  if (asked_ == entries_.size()) return std::nullopt;
  const auto& entry = entries_[asked_];
  return Question{"START_REPLICATION PHYSICAL " + to_string(Lsn{entry.begin}) + " TIMELINE " +
                      std::to_string(entry.number),
                  true};
}

bool HistoryQuery::is_enough(std::string_view wal) const {
  return asked_ < entries_.size() && promotion_time(wal, Lsn{entries_[asked_].begin}, layout_);
}

std::optional<Error> HistoryQuery::answered(const std::vector<SqlRow>& rows) {
  const bool of_file = entries_.empty();
  const std::size_t column = of_file ? 1 : 0;
  if (rows.size() != 1 || rows[0].size() <= column || !rows[0][column]) {
    return Error{"the server did not tell its timeline history"};
  }
  const auto& text = *rows[0][column];
  if (!of_file) {
    auto& entry = entries_[asked_++];
    entry.promoted = promotion_time(text, Lsn{entry.begin}, layout_).value_or(0);
    go_on();
    return std::nullopt;
  }
  auto entries = read_history_file(text, timeline_);
  if (!entries) return entries.error();
  const auto surplus = entries->size() - std::min(entries->size(), base::limits::history_entries);
  entries->erase(entries->begin(), entries->begin() + static_cast<std::ptrdiff_t>(surplus));
  const auto history = History::of(*entries);
  if (!history) return history.error();
  entries_ = std::move(*entries);
  go_on();
  return std::nullopt;
}

bool HistoryQuery::refused(const std::string& sqlstate) {
  if (entries_.empty()) {
    if (sqlstate != undefined_file) return false;
    entries_ = {{timeline_, 0, 0}};
    file_missing_ = true;
  } else {
    if (sqlstate != undefined_file && sqlstate != wrong_place) return false;
    ++asked_;
  }
  go_on();
  return true;
}

// Past the entries whose begin is no place of a record: timeline 1, and the unknown.
void HistoryQuery::go_on() {
  while (asked_ < entries_.size() && entries_[asked_].begin == 0) ++asked_;
}

History HistoryQuery::history() const {
  TIDEGATE_MUST(!question());
  return History::of(entries_).value();
}

}  // namespace tidegate::postgres
