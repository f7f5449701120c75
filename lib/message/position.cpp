#include "tidegate/position.hpp"

#include <algorithm>

#include "lib/base/decimal.hpp"

namespace tidegate {
namespace {

constexpr std::string_view blanks = " \t\r";

// Takes the next word off the front of `text`; empty when there is none.
std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  const auto end = std::min(text.find_first_of(blanks, begin), text.size());
  const auto word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

}  // namespace

std::string to_string(const Position& position) {
  return std::to_string(position.timeline) + ":" + to_string(position.lsn);
}

std::string to_text(const Position& position) {
  return std::to_string(position.system) + "/" + std::to_string(position.timeline) + "/" +
         to_string(position.lsn);
}

Result<Position> position_from_text(std::string_view text) {
  const auto first = std::min(text.find('/'), text.size());
  const auto second = std::min(text.find('/', first + 1), text.size());
  const auto system = base::parse_number<SystemId>(text.substr(0, first));
  const auto timeline = base::parse_number<TimelineId>(
      text.substr(std::min(first + 1, text.size()), second - first - 1));
  const auto lsn = parse_lsn(text.substr(std::min(second + 1, text.size())));
  if (!system || timeline.value_or(0) == 0 || !lsn || lsn->none()) {
    return Error{"'" + std::string(text) +
                 "' is not a position; write system identifier, timeline and LSN, as in "
                 "7423456789012345678/2/16/B374D848"};
  }
  return Position{*system, *timeline, *lsn};
}

const TimelineHistory::Switch* TimelineHistory::ancestor(TimelineId timeline) const {
  const auto found = std::find_if(switches_.begin(), switches_.end(),
                                  [&](const Switch& s) { return s.timeline == timeline; });
  return found == switches_.end() ? nullptr : &*found;
}

Result<TimelineHistory> parse_timeline_history(std::string_view text) {
  std::vector<TimelineHistory::Switch> switches;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));

    const auto whole = line;
    const auto number = take_word(line);
    if (number.empty() || number.front() == '#') continue;
    const auto timeline = base::parse_number<TimelineId>(number);
    const auto lsn = parse_lsn(take_word(line));
    if (!timeline || !lsn) {
      return Error{"a timeline history has the line '" + std::string(whole) +
                   "'; expected a timeline, an LSN and a reason"};
    }
    switches.push_back({*timeline, *lsn});
  }
  return TimelineHistory(std::move(switches));
}

}  // namespace tidegate
