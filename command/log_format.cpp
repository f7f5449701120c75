#include "command/log_format.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tidegate::command {
namespace {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), since.count() % 1000);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

std::string logfmt_line(const LogEntry& entry) {
  auto line = fmt::format("time={} level={}", time_text(entry.time), to_string(entry.level));
  if (!entry.event.empty()) line += fmt::format(" event={}", entry.event);
  if (entry.left_out > 0) line += fmt::format(" left_out={}", entry.left_out);
  return line + " msg=" + quoted(entry.text);
}

std::string json_line(const LogEntry& entry) {
  nlohmann::ordered_json line{{"time", time_text(entry.time)}, {"level", to_string(entry.level)}};
  if (!entry.event.empty()) line["event"] = entry.event;
  if (entry.left_out > 0) line["left_out"] = entry.left_out;
  line["message"] = entry.text;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tidegate::command
