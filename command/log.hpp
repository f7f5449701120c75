// The log for operators on standard error: one line for each event, in words. Programs read the
// JSON lines on standard output instead (json.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/notice.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::command {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

[[nodiscard]] std::string_view to_string(LogLevel level);
[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view name);

// Writes to standard error from the thread that calls. No global logger: each user is given one.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_log(LogLevel level);

// A notice in words, and how much it matters. Text that came from others is made harmless for a
// terminal.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
};
[[nodiscard]] LogLine describe(const Notice& notice);

// Notices of one kind may come by the thousand and are collected (log_digest.hpp). Empty: each has
// a line of its own.
[[nodiscard]] std::string kind_of(const Notice& notice);

void write(spdlog::logger& log, const LogLine& line);
void set_level(spdlog::logger& log, LogLevel level);
[[nodiscard]] bool writes(const spdlog::logger& log, LogLevel level);

// Characters that a terminal would obey instead of showing them (utf8.hpp), and bytes that are not
// UTF-8, as "\x1b": so text of others can neither move a cursor nor turn the text around it.
[[nodiscard]] std::string harmless(std::string_view text);

}  // namespace tidegate::command
