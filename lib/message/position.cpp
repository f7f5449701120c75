#include "tidegate/position.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"
#include "lib/message/history_text.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate {

const Branch::Shared Branch::none_;

Branch::Branch(ServerKind kind, ClusterId cluster, History history, std::int64_t server_started)
    : shared_(new Shared{kind, cluster, std::move(history), 0}) {
  if (shared_->history.number_alone() && server_started > 0) {
    shared_->server_started = server_started;
  }
}

namespace {

constexpr std::string_view postgres_word = "postgres";

// Takes what stands before the next `separator`, or all, off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// "2@16/B3000160@1795640443355842": a timeline, its begin, its promotion.
std::optional<HistoryEntry> parse_entry(std::string_view text) {
  const auto number = base::parse_number<TimelineId>(take_until(text, '@'));
  if (!number) return std::nullopt;
  HistoryEntry entry{*number, 0, 0};
  if (text.empty()) return entry;
  const auto begin = parse_lsn(take_until(text, '@'));
  if (!begin) return std::nullopt;
  entry.begin = begin->bytes;
  if (text.empty()) return entry;
  entry.promoted = base::parse_number<std::int64_t>(text).value_or(0);
  return entry.promoted > 0 ? std::optional(entry) : std::nullopt;
}

// "2~1795640440133201": a number alone, and the start of the server that has told it.
struct Told {
  History history;
  std::int64_t server_started = 0;
};

std::optional<History> parse_history(std::string_view text) {
  std::vector<HistoryEntry> entries;
  while (!text.empty()) {
    const auto entry = parse_entry(take_until(text, ','));
    if (!entry || entries.size() == base::limits::history_entries) return std::nullopt;
    entries.push_back(*entry);
  }
  auto history = History::of(std::move(entries));
  return history ? std::optional(*history) : std::nullopt;
}

std::optional<Told> parse_told(std::string_view text) {
  auto history = parse_history(take_until(text, '~'));
  if (!history || text.empty()) return history ? std::optional(Told{*history}) : std::nullopt;
  const auto started = base::parse_number<std::int64_t>(text).value_or(0);
  if (started <= 0 || !history->number_alone()) return std::nullopt;
  return Told{std::move(*history), started};
}

std::string text_of(const HistoryEntry& entry) {
  auto text = std::to_string(entry.number);
  if (entry.begin == 0 && entry.promoted == 0) return text;
  text += '@';
  text += to_string(Lsn{entry.begin});
  if (entry.promoted == 0) return text;
  text += '@';
  text += std::to_string(entry.promoted);
  return text;
}

}  // namespace

std::string message::text_of(const History& history) {
  std::string text;
  for (const auto& entry : history.entries()) {
    if (!text.empty()) text += ',';
    text += tidegate::text_of(entry);
  }
  return text;
}

std::string to_string(const Position& position) {
  return std::to_string(position.timeline()) + ":" + to_string(Lsn{position.offset});
}

std::string to_text(const Position& position) {
  std::string text(postgres_word);
  text += ':';
  text += std::to_string(position.cluster());
  text += ':';
  text += message::text_of(position.history());
  if (const auto started = position.branch.server_started(); started != 0) {
    text += '~' + std::to_string(started);
  }
  text += ':';
  text += to_string(Lsn{position.offset});
  if (position.after != 0) text += ':' + to_string(Lsn{position.after});
  return text;
}

Result<Position> position_from_text(std::string_view text) {
  const auto whole = text;
  const auto kind = take_until(text, ':');
  const auto cluster = base::parse_number<ClusterId>(take_until(text, ':'));
  auto told = parse_told(take_until(text, ':'));
  const auto offset = parse_lsn(take_until(text, ':'));
  const auto after = text.empty() ? Result<Lsn>(Lsn{}) : parse_lsn(text);
  if (kind != postgres_word || !cluster || !told || !offset || !after || *after >= *offset ||
      whole.ends_with(':')) {
    return Error{"'" + std::string(whole.substr(0, base::limits::reason_bytes)) +
                 "' is not a position; write the kind of server, the system identifier, the "
                 "timelines, each with its begin and promotion, the LSN, and perhaps the one "
                 "behind which the change lies, as in "
                 "postgres:7423456789012345678:1,2@16/B3000160@1795640443355842:16/B374D848"};
  }
  return Position{
      Branch(ServerKind::postgres, *cluster, std::move(told->history), told->server_started),
      offset->bytes, after->bytes};
}

}  // namespace tidegate
