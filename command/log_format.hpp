// How a line of the log is written: in words for people, or as fields for programs.
//
//     text     2026-11-27 10:49:20.017  warning  not delivered: message 7 of app-1: ...
//     logfmt   time=2026-11-27T10:49:20.017Z level=warning event=undelivered msg="not delivered:
//     ..." json     {"time":"2026-11-27T10:49:20.017Z","level":"warning","event":"undelivered",...}
//
// `event` is there for what the peer has reported, and `left_out` counts lines like this one that
// were not written (log_digest.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "command/log.hpp"

namespace tidegate::command {

struct LogEntry {
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::info;
  std::string_view event;  // empty: none
  int left_out = 0;
  std::string_view text;  // UTF-8
};

// Without an end of line.
[[nodiscard]] std::string logfmt_line(const LogEntry& entry);
[[nodiscard]] std::string json_line(const LogEntry& entry);

}  // namespace tidegate::command
