#include "position.hpp"

#include <algorithm>
#include <charconv>

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
    TimelineId timeline = 0;
    const auto [stop, error] =
        std::from_chars(number.data(), number.data() + number.size(), timeline);
    const auto lsn = parse_lsn(take_word(line));
    if (error != std::errc{} || stop != number.data() + number.size() || !lsn) {
      return Error{"a timeline history has the line '" + std::string(whole) +
                   "'; expected a timeline, an LSN and a reason"};
    }
    switches.push_back({timeline, *lsn});
  }
  return TimelineHistory(std::move(switches));
}

}  // namespace tidegate
