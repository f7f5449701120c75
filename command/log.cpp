#include "command/log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "command/journal.hpp"
#include "command/log_format.hpp"
#include "command/units.hpp"
#include "lib/base/enum_names.hpp"
#include "lib/base/must.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::command {
namespace {

constexpr auto level_names = base::enum_names<LogLevel>({{LogLevel::debug, "debug"},
                                                         {LogLevel::info, "info"},
                                                         {LogLevel::warning, "warning"},
                                                         {LogLevel::error, "error"}});

constexpr auto format_names = base::enum_names<LogFormat>(
    {{LogFormat::text, "text"}, {LogFormat::logfmt, "logfmt"}, {LogFormat::json, "json"}});

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  TIDEGATE_MUST(false);
}

// Of PeerReady and PeerGone.
template <typename OfPeer>
std::string whom(const OfPeer& n) {
  return harmless(n.name) + (n.address.empty() ? "" : " (" + harmless(n.address) + ")");
}

LogLine line(const PeerReady& n) { return {LogLevel::info, whom(n) + " is ready"}; }

LogLine line(const PeerGone& n) {
  switch (n.why) {
    case PeerGone::Why::left:
      return {LogLevel::info, whom(n) + " has left"};
    case PeerGone::Why::silent:
      return {LogLevel::warning, whom(n) + " is gone: it has been silent for too long"};
    case PeerGone::Why::replaced:
      return {LogLevel::info, whom(n) + " was replaced by a later start of itself"};
  }
  TIDEGATE_MUST(false);
}

std::string_view in_words(Undelivered::Why why) {
  switch (why) {
    case Undelivered::Why::missing:
      return "lost between the peers, and its publisher is gone";
    case Undelivered::Why::expired:
      return "lost between the peers, and no longer kept by its publisher; raise its retain-bytes "
             "and retain-for";
    case Undelivered::Why::orphaned:
      return "the change was undone by a failover";
    case Undelivered::Why::in_doubt:
      return "the change may have been undone by a failover, which can't be told; look whether it "
             "is there";
    case Undelivered::Why::foreign:
      return "the change belongs to another PostgreSQL cluster than this peer's database";
    case Undelivered::Why::overdue:
      return "its change did not become visible within overdue-after; look why the replica is "
             "behind";
  }
  TIDEGATE_MUST(false);
}

LogLine line(const Undelivered& n) {
  const auto range = n.first == n.last ? fmt::format("message {}", n.first)
                                       : fmt::format("messages {} to {}", n.first, n.last);
  const auto place = n.position ? fmt::format(" (at {})", to_string(*n.position)) : "";
  return {LogLevel::warning, fmt::format("not delivered: {} of {}{}: {}", range, harmless(n.name),
                                         place, in_words(n.why))};
}

LogLine line(const NotResumed& n) {
  return {
      LogLevel::warning,
      fmt::format("the stream of {} can't be resumed at message {}: {}", harmless(n.name), n.next,
                  n.why == NotResumed::Why::ended
                      ? "it has ended, and what it had from there on is lost"
                      : "it has not come so far; its peer uses an older state file")};
}

LogLine line(const OutboxLost& n) {
  const auto* what =
      n.why == OutboxLost::Why::removed ? "were removed, and some may not have been read"
      : n.why == OutboxLost::Why::undone
          ? "were undone by a failover, or some of them; from there on all come again"
          : "are of another cluster than the server that is read now; all that it "
            "has comes";
  return {LogLevel::warning,
          fmt::format("announcements of the transactions {} to {} {}", n.first, n.last, what)};
}

LogLine line(const Sent& n) {
  return {LogLevel::debug, fmt::format("sent: ticket {} as message {}", n.ticket, n.sequence)};
}

LogLine line(const Received& n) {
  std::string names;
  for (const auto& peer : n.without) {
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", harmless(peer.name),
                         to_string(peer.why));
  }
  return {LogLevel::debug, fmt::format("received: ticket {}{}{}", n.ticket,
                                       names.empty() ? "" : " without ", names)};
}

std::string_view in_words(Unpublished::Why why) {
  switch (why) {
    case Unpublished::Why::primary_lost:
      return "no position could be had for its change, since the primary was lost; look whether "
             "the change is there, and publish again if it is";
    case Unpublished::Why::no_primary:
      return "no primary is named, and the server that is read is a standby: name it with "
             "--primary, "
             "and publish again";
    case Unpublished::Why::primary_outdated:
      return "it was published on a server that is no primary any more; look whether the change is "
             "on the present one, and publish again if it is";
    case Unpublished::Why::database_lost:
      return "the server that was read went away, or what was read is undone: read and publish "
             "again";
    case Unpublished::Why::other_primary:
      return "its change was committed on another server than the primary that is asked, or before "
             "that had restarted; let both connections lead to one server, look whether the change "
             "is there, and publish again if it is";
    case Unpublished::Why::left:
      return "the peer left before the position of its change was known";
  }
  TIDEGATE_MUST(false);
}

LogLine line(const Unpublished& n) {
  return {LogLevel::warning, fmt::format("not sent: a message on {}: {}",
                                         harmless(to_string(n.topic)), in_words(n.why))};
}

LogLine line(const Undone& n) {
  return {LogLevel::warning,
          fmt::format("already sent: message {} on {} (at {}): {}", n.sequence,
                      harmless(to_string(n.topic)), to_string(n.position), in_words(n.why))};
}

// Told to the one who has asked.
LogLine line(const Coverage& n) {
  return {LogLevel::debug,
          fmt::format("answer to question {}: {}", n.ticket, to_string(n.covered))};
}

LogLine line(const Traced& n) {
  return {LogLevel::debug, fmt::format("answer to trace {}: {}", n.ticket, to_string(n.fate))};
}

// Of ServerUp and PrimaryUp.
template <typename Up>
LogLine answers(std::string_view server, const Up& n) {
  if (!n.degraded.empty()) {
    return {LogLevel::warning, fmt::format("the {} answers: {}; {}", server,
                                           harmless(n.description), harmless(n.degraded))};
  }
  return {LogLevel::info, fmt::format("the {} answers: {}", server, harmless(n.description))};
}

LogLine line(const ServerUp& n) { return answers("database", n); }
// The Trouble of the same server says so once; its reasons may alternate.
LogLine line(const ServerDown& n) {
  return {LogLevel::debug, "the database does not answer: " + harmless(n.reason)};
}
LogLine line(const PrimaryUp& n) { return answers("primary", n); }
LogLine line(const PrimaryDown& n) {
  return {LogLevel::debug, "the primary does not answer: " + harmless(n.reason)};
}
LogLine line(const Warning& n) { return {LogLevel::warning, harmless(n.text)}; }
LogLine line(const Trouble& n) {
  if (!n.ended) return {LogLevel::warning, harmless(n.text)};
  return {LogLevel::info,
          fmt::format("over after {}: {}", rough_duration(n.lasted), harmless(n.text))};
}

// The same text but for numbers is the same news.
std::string without_digits(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }),
             text.end());
  return text;
}

std::string kind(const Undelivered& n) {
  return "undelivered " + std::string(to_string(n.why)) + n.name;
}
std::string kind(const Unpublished& n) { return "unpublished " + std::string(to_string(n.why)); }
std::string kind(const Undone& n) { return "undone " + std::string(to_string(n.why)); }
std::string kind(const ServerUp&) { return "server up"; }
std::string kind(const PrimaryUp&) { return "primary up"; }
std::string kind(const Warning& n) { return without_digits(n.text); }
std::string kind(const Trouble& n) {
  return std::string(to_string(n.kind)) + (n.ended ? " over " : " ") + n.about;
}
std::string kind(const PeerReady&) { return ""; }
std::string kind(const PeerGone&) { return ""; }
std::string kind(const NotResumed& n) {
  return "not resumed " + std::string(to_string(n.why)) + n.name;
}
std::string kind(const OutboxLost& n) { return "outbox lost " + std::string(to_string(n.why)); }
std::string kind(const Sent&) { return ""; }
std::string kind(const Coverage&) { return ""; }
std::string kind(const Traced&) { return ""; }
std::string kind(const Received&) { return ""; }
std::string kind(const ServerDown&) { return ""; }
std::string kind(const PrimaryDown&) { return ""; }

// For programs that read the log; as the JSON lines call them.
struct EventName {
  const char* operator()(const PeerReady&) const { return "peer_ready"; }
  const char* operator()(const PeerGone&) const { return "peer_gone"; }
  const char* operator()(const Undelivered&) const { return "undelivered"; }
  const char* operator()(const NotResumed&) const { return "not_resumed"; }
  const char* operator()(const OutboxLost&) const { return "outbox_lost"; }
  const char* operator()(const Sent&) const { return "sent"; }
  const char* operator()(const Received&) const { return "received"; }
  const char* operator()(const Unpublished&) const { return "unpublished"; }
  const char* operator()(const Undone&) const { return "undone"; }
  const char* operator()(const Coverage&) const { return "covered"; }
  const char* operator()(const Traced&) const { return "traced"; }
  const char* operator()(const ServerUp&) const { return "server_up"; }
  const char* operator()(const ServerDown&) const { return "server_down"; }
  const char* operator()(const PrimaryUp&) const { return "primary_up"; }
  const char* operator()(const PrimaryDown&) const { return "primary_down"; }
  const char* operator()(const Warning&) const { return "warning"; }
  const char* operator()(const Trouble& n) const { return n.ended ? "trouble_over" : "trouble"; }
};

LogLevel own_level(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return LogLevel::debug;
  if (level == spdlog::level::info) return LogLevel::info;
  return level == spdlog::level::warn ? LogLevel::warning : LogLevel::error;
}

// write() sends event and number along as the place in a source file, which nothing here has.
LogEntry entry_of(const spdlog::details::log_msg& message) {
  const auto* event = message.source.filename;
  return {std::chrono::time_point_cast<std::chrono::system_clock::duration>(message.time),
          own_level(message.level),
          event == nullptr ? "" : event,
          message.source.line,
          {message.payload.data(), message.payload.size()}};
}

class FieldsFormatter final : public spdlog::formatter {
 public:
  explicit FieldsFormatter(LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& buffer) override {
    const auto entry = entry_of(message);
    const auto line = format_ == LogFormat::json ? json_line(entry) : logfmt_line(entry);
    buffer.append(line.data(), line.data() + line.size());
    buffer.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<FieldsFormatter>(format_);
  }

 private:
  LogFormat format_;
};

class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_to_journal(entry_of(message));
  }
  void flush_() override {}
};

}  // namespace

std::string_view to_string(LogFormat format) { return format_names.name(format); }

std::optional<LogFormat> log_format_named(std::string_view name) {
  return format_names.value(name);
}

std::string_view to_string(LogLevel level) { return level_names.name(level); }

std::optional<LogLevel> log_level_named(std::string_view name) { return level_names.value(name); }

std::shared_ptr<spdlog::logger> make_log(LogLevel level, std::optional<LogFormat> format) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (!format && has_journal()) {
    sink = std::make_shared<JournalSink>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  }
  auto log = std::make_shared<spdlog::logger>("tidegate", std::move(sink));
  if (format.value_or(LogFormat::text) == LogFormat::text) {
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e  %^%-7l%$  %v");
  } else {
    log->set_formatter(std::make_unique<FieldsFormatter>(*format));
  }
  log->set_level(spdlog_level(level));
  log->flush_on(spdlog::level::trace);
  return log;
}

LogLine describe(const Notice& notice) {
  auto described = std::visit([](const auto& n) { return line(n); }, notice);
  described.event = std::visit(EventName(), notice);
  return described;
}

std::string kind_of(const Notice& notice) {
  return std::visit([](const auto& n) { return kind(n); }, notice);
}

void write(spdlog::logger& log, const LogLine& line) {
  // The text is an argument, never a format: it may hold braces of others.
  constexpr std::size_t most = std::numeric_limits<int>::max();
  const auto left_out = static_cast<int>(std::min(line.left_out, most));
  log.log(spdlog::source_loc{line.event, left_out, ""}, spdlog_level(line.level), "{}",
          harmless(line.text));
}

void set_level(spdlog::logger& log, LogLevel level) { log.set_level(spdlog_level(level)); }

bool writes(const spdlog::logger& log, LogLevel level) {
  return log.should_log(spdlog_level(level));
}

std::string harmless(std::string_view text) {
  const bool is_text = base::is_utf8(text);
  std::string result;
  while (!text.empty()) {
    auto bad = base::obeyed_bytes(text);
    if (!is_text && static_cast<unsigned char>(text.front()) > 0x7F) bad = 1;
    for (const char c : text.substr(0, bad)) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    if (bad == 0) result += text.front();
    text.remove_prefix(std::max<std::size_t>(bad, 1));
  }
  return result;
}

}  // namespace tidegate::command
