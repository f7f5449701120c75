#include "command/doors/notice_log.hpp"

#include <chrono>

#include "peer/io/clock.hpp"

namespace tidegate::doors {
namespace {

constexpr Duration pause_between_looks = std::chrono::seconds(1);

}  // namespace

NoticeLog::NoticeLog(spdlog::logger& log, io::Reactor& reactor, DrivenPeer& peer)
    : log_(log), peer_(peer), timer_(reactor.timer()) {
  follow_level();
}

NoticeLog::~NoticeLog() {
  peer_.on_trace(nullptr);
  for (const auto& line : digest_.rest(io::clock_now())) command::write(log_, line);
}

void NoticeLog::handle(const Incoming& incoming) {
  const auto* notice = std::get_if<Notice>(&incoming);
  if (notice == nullptr) return;
  if (std::holds_alternative<Trouble>(*notice)) {
    look_at_ = Instant::min();
  } else {
    add(*notice);
  }
}

void NoticeLog::peer_has_turned() {
  const auto now = io::clock_now();
  if (now >= look_at_ && !leaving_) look_for_trouble(now);
  write_due();
}

void NoticeLog::peer_leaves() { leaving_ = true; }

void NoticeLog::add(const Notice& notice) {
  const auto lines =
      digest_.add(command::kind_of(notice), command::describe(notice), io::clock_now());
  for (const auto& line : lines) command::write(log_, line);
}

void NoticeLog::write_due() {
  for (const auto& line : digest_.due(io::clock_now())) command::write(log_, line);
  timer_.set(digest_.deadline());
}

// The level of the log may change (SIGHUP).
void NoticeLog::follow_level() {
  if (command::writes(log_, command::LogLevel::debug) == traced_) return;
  traced_ = !traced_;
  if (!traced_) return peer_.on_trace(nullptr);
  peer_.on_trace([this](std::string_view line) {
    command::write(log_, {command::LogLevel::debug, command::harmless(line)});
  });
}

void NoticeLog::look_for_trouble(Instant now) {
  look_at_ = now + pause_between_looks;
  follow_level();
  std::map<std::pair<Trouble::Kind, std::string>, Trouble> present;
  for (auto& trouble : peer_.status().troubles) {
    const auto key = std::pair(trouble.kind, trouble.about);
    if (!troubles_.contains(key)) add(trouble);
    present.emplace(key, std::move(trouble));
  }
  for (auto& [key, trouble] : troubles_) {
    if (present.contains(key)) continue;
    trouble.ended = true;
    add(trouble);
  }
  troubles_ = std::move(present);
}

}  // namespace tidegate::doors
