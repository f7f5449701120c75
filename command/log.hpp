// The log for operators: one line for each event, on standard error in words or as fields, or in
// systemd's journal (log_format.hpp, journal.hpp). Programs that use the peer read the JSON lines
// on standard output instead (json.hpp).
#pragma once

#include <cstddef>
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

enum class LogFormat : std::uint8_t { text, logfmt, json };

[[nodiscard]] std::string_view to_string(LogFormat format);
[[nodiscard]] std::optional<LogFormat> log_format_named(std::string_view name);

// Writes from the thread that calls: to standard error in that format; without one to the journal
// if standard error goes there, else as text. No global logger: each user is given one.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_log(LogLevel level,
                                                       std::optional<LogFormat> format = {});

// A notice in words, and how much it matters. Text that came from others is made harmless for a
// terminal.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
  const char* event = "";    // for programs: "undelivered"; empty: no notice
  std::size_t left_out = 0;  // lines like this one that were not written
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
