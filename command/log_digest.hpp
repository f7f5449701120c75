// Keeps a flood of like lines out of a log: the first is written at once, those that follow are
// counted, and after a while one line tells their number and shows the last of them. The while
// begins with two seconds and doubles up to five minutes as long as more of them come.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "command/log.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

class LogDigest {
 public:
  // The line itself, if it is to be written now. Lines of one kind are alike; the empty kind is
  // never collected.
  [[nodiscard]] std::vector<LogLine> add(const std::string& kind, LogLine line, Instant now);

  // The sums that are due; deadline() is when there will be some.
  [[nodiscard]] std::vector<LogLine> due(Instant now);
  [[nodiscard]] Instant deadline() const;

  // All sums, at the end.
  [[nodiscard]] std::vector<LogLine> rest(Instant now);

 private:
  struct Like {
    std::size_t more = 0;  // since the last line of this kind
    LogLine last;
    Instant since{};
    Duration pause{};
  };

  std::map<std::string, Like> likes_;
};

}  // namespace tidegate::command
