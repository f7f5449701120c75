#include "command/doors/http/http_door.hpp"

#include <algorithm>
#include <utility>

#include "command/doors/http/listeners.hpp"
#include "command/doors/http/site.hpp"
#include "command/doors/tcp_address.hpp"
#include "lib/base/limits.hpp"
#include "peer/io/clock.hpp"
#include "tidegate/version.hpp"

namespace tidegate::http_door {
namespace {

using command::LogLevel;

// A message of a WebSocket may be a whole frame of STOMP.
constexpr std::size_t frame_head_bytes =
    (base::limits::stomp_headers + 2) * base::limits::stomp_line_bytes;

}  // namespace

HttpDoor::HttpDoor(doors::NetworkThread& thread, io::Reactor& reactor, const Report& report,
                   spdlog::logger& log)
    : thread_(thread),
      log_(log),
      timer_(reactor.timer()),
      streams_(std::make_shared<EventStreams>(
          [this](std::size_t count) { thread_.to_session([this, count] { feed_.listen(count); }); },
          [this](const std::string& who) {
            thread_.to_session([this, who] {
              tell("slow", LogLevel::warning,
                   "HTTP client " + who + " was cut: it did not read its events");
            });
          })),
      feed_(report, [this](const std::string& event) {
        thread_.post([streams = streams_, event] { streams->send(event); });
      }) {}

Result<std::unique_ptr<HttpDoor>> HttpDoor::open(const HttpOptions& options,
                                                 doors::NetworkThread& thread, io::Reactor& reactor,
                                                 const Adopt& adopt, const Report& report,
                                                 spdlog::logger& log) {
  std::unique_ptr<HttpDoor> self(new HttpDoor(thread, reactor, report, log));
  const auto adopt_soon = [&thread, adopt](io::Descriptor end, const std::string& who) {
    const auto shared = std::make_shared<io::Descriptor>(std::move(end));
    thread.to_session([adopt, shared, who] { adopt(std::move(*shared), who); });
  };
  const auto report_soon = [&thread, report](const Site::Answer& answer) {
    thread.to_session(
        [&thread, report, answer] { thread.post([answer, made = report()] { answer(made); }); });
  };
  const auto warn = [&thread, door = self.get()](const std::string& kind, const std::string& text) {
    thread.to_session([=] { door->tell(kind, LogLevel::warning, text); });
  };
  self->site_ =
      std::make_shared<Site>(Site{.thread = thread,
                                  .admission = Admission(options.origins, options.token),
                                  .terminator = options.terminator,
                                  .message_bytes = options.payload_bytes + frame_head_bytes,
                                  .server = "tidegate/" + std::string(version()),
                                  .report = report_soon,
                                  .adopt = adopt_soon,
                                  .warn = warn,
                                  .events = self->streams_});
  self->listeners_ = std::make_shared<Listeners>(thread.context(), self->site_);
  for (const auto& address : options.addresses) {
    const auto places = self->listeners_->listen_at(address);
    if (!places) return places.error();
    for (const auto& place : *places) {
      const bool local = doors::is_loopback(place.host);
      const std::string scheme = local || options.terminator == nullptr ? "http" : "https";
      self->tell("", LogLevel::info,
                 "HTTP is served at " + scheme + "://" + to_string(place) + "/" +
                     (local ? "; STOMP clients may connect to ws://" + to_string(place) + stomp_path
                            : ""));
    }
  }
  thread.run([listeners = self->listeners_] { listeners->start(); });
  return self;
}

// Tasks that wait for the session would find no door.
HttpDoor::~HttpDoor() {
  thread_.stop();
  for (const auto& line : digest_.rest(io::clock_now())) command::write(log_, line);
}

void HttpDoor::peer_has_turned() {
  const auto now = io::clock_now();
  for (const auto& line : digest_.due(now)) command::write(log_, line);
  feed_.turn(now);
  timer_.set(std::min(digest_.deadline(), feed_.deadline()));
}

void HttpDoor::peer_leaves() {
  thread_.run([site = site_, listeners = listeners_] {
    site->leaving = true;
    listeners->stop();
    site->events->close();
  });
}

void HttpDoor::tell(const std::string& kind, LogLevel level, const std::string& text) {
  for (const auto& line : digest_.add(kind, {level, text}, io::clock_now())) {
    command::write(log_, line);
  }
}

}  // namespace tidegate::http_door
