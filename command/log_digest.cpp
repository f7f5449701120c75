#include "command/log_digest.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "command/units.hpp"

namespace tidegate::command {
namespace {

constexpr Duration first_pause = std::chrono::seconds(2);
constexpr Duration last_pause = std::chrono::minutes(5);

}  // namespace

std::vector<LogLine> LogDigest::add(const std::string& kind, LogLine line, Instant now) {
  if (!kind.empty()) {
    const auto [like, is_new] = likes_.try_emplace(kind, Like{0, {}, now, first_pause});
    if (!is_new) {
      ++like->second.more;
      like->second.last = std::move(line);
      return {};
    }
  }
  return {std::move(line)};
}

std::vector<LogLine> LogDigest::due(Instant now) {
  std::vector<LogLine> lines;
  for (auto it = likes_.begin(); it != likes_.end();) {
    auto& like = it->second;
    if (now < like.since + like.pause) {
      ++it;
      continue;
    }
    if (like.more == 0) {
      it = likes_.erase(it);
      continue;
    }
    lines.push_back({like.last.level,
                     like.more == 1
                         ? like.last.text
                         : fmt::format("{} ({} like this within {}, the last one shown)",
                                       like.last.text, like.more, rough_duration(now - like.since)),
                     like.last.event, like.more - 1});
    like = {0, {}, now, std::min(2 * like.pause, last_pause)};
    ++it;
  }
  return lines;
}

Instant LogDigest::deadline() const {
  Instant first = never;
  for (const auto& [kind, like] : likes_) first = std::min(first, like.since + like.pause);
  return first;
}

std::vector<LogLine> LogDigest::rest(Instant now) {
  for (auto& [kind, like] : likes_) like.pause = Duration::zero();
  auto lines = due(now);
  likes_.clear();
  return lines;
}

}  // namespace tidegate::command
