#define SD_JOURNAL_SUPPRESS_LOCATION  // it would be that of this file
#include <array>
#include <string>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "command/environment.hpp"
#include "command/journal.hpp"
#include "lib/base/must.hpp"

namespace tidegate::command {
namespace {

int priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return LOG_DEBUG;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::error:
      return LOG_ERR;
  }
  TIDEGATE_MUST(false);
}

}  // namespace

bool has_journal() {
  struct stat info {};
  return fstat(STDERR_FILENO, &info) == 0 &&
         from_environment("JOURNAL_STREAM") == fmt::format("{}:{}", info.st_dev, info.st_ino);
}

void write_to_journal(const LogEntry& entry) {
  std::array<std::string, 5> fields = {
      fmt::format("MESSAGE={}", entry.text), fmt::format("PRIORITY={}", priority(entry.level)),
      "SYSLOG_IDENTIFIER=tidegate", fmt::format("TIDEGATE_LEFT_OUT={}", entry.left_out),
      fmt::format("TIDEGATE_EVENT={}", entry.event)};
  std::array<iovec, fields.size()> parts{};
  for (std::size_t i = 0; i < fields.size(); ++i) parts[i] = {fields[i].data(), fields[i].size()};
  const auto count = entry.event.empty() ? parts.size() - 1 : parts.size();
  (void)sd_journal_sendv(parts.data(), static_cast<int>(count));
}

}  // namespace tidegate::command
