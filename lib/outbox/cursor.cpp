#include "lib/outbox/cursor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::outbox {
namespace {

constexpr std::string_view version = "outbox1";

void write(std::string& to, const CursorState& state) {
  to += ' ' + to_text(state.seen) + ' ' + std::to_string(state.settled) + ' ';
  char before = ' ';
  for (const auto& range : state.done.ranges()) {
    if (before != ' ') to += before;
    to += std::to_string(range.first);
    if (range.last != range.first) to += '-' + std::to_string(range.last);
    to += '@' + std::to_string(range.highest);
    before = ',';
  }
  if (before == ' ') to += '-';
}

std::string_view take_word(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<DeliveredSet::Range> range_from_text(std::string_view text) {
  const auto ids = take_word(text, '@');
  const auto highest = base::parse_number<TransactionId>(text);
  const auto dash = ids.find('-');
  const auto first = base::parse_number<std::uint64_t>(ids.substr(0, dash));
  const auto last = dash == std::string_view::npos
                        ? first
                        : base::parse_number<std::uint64_t>(ids.substr(dash + 1));
  constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};  // of bigint
  if (!highest || !first || !last || *first == 0 || *last < *first || *last > largest) {
    return std::nullopt;
  }
  return DeliveredSet::Range{*first, *last, *highest};
}

std::optional<DeliveredSet> set_from_text(std::string_view text) {
  DeliveredSet set;
  if (text == "-") return set;
  do {
    const auto range = range_from_text(take_word(text, ','));
    if (!range || set.size() == base::limits::outbox_done_ranges + base::limits::outbox_window) {
      return std::nullopt;
    }
    set.add(*range);
  } while (!text.empty());
  return set;
}

Result<CursorState> take_state(std::string_view& text) {
  auto position = position_from_text(take_word(text, ' '));
  if (!position) return position.error();
  const auto settled = base::parse_number<TransactionId>(take_word(text, ' '));
  auto done = set_from_text(take_word(text, ' '));
  if (!settled || !done) return Error{"its transaction or its ranges are none"};
  return CursorState{std::move(*position), *settled, std::move(*done)};
}

}  // namespace

std::string to_text(const Cursor& cursor) {
  std::string text(version);
  write(text, cursor.now);
  if (cursor.before) write(text, *cursor.before);
  return text;
}

Result<Cursor> cursor_from_text(std::string_view text) {
  const auto refuse = [](const std::string& why) {
    return Error{"this is no cursor of an outbox: " + why};
  };
  const auto whole = text;
  if (take_word(text, ' ') != version) return refuse("it begins with another word than outbox1");
  auto now = take_state(text);
  if (!now) return refuse(now.error().message);
  Cursor cursor{std::move(*now), {}};
  if (!text.empty()) {
    auto before = take_state(text);
    if (!before) return refuse(before.error().message);
    cursor.before = std::move(*before);
  }
  // Another way to write it could hide something that is not understood, such as ranges that touch.
  if (to_text(cursor) != whole) return refuse("it is not written as tidegate writes one");
  return cursor;
}

}  // namespace tidegate::outbox
