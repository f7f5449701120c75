#include "command/commands/session.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <nlohmann/json.hpp>
#include <poll.h>

#include "command/doors/json_lines/json.hpp"

namespace tidegate::commands {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Taken between two looks at the signals and the sockets.
constexpr int most_taken = 1024;
constexpr short gone = POLLERR | POLLHUP | POLLNVAL;

class Loop {
 public:
  explicit Loop(Session& session)
      : session_(session),
        end_(session.bound ? steady_clock::now() + *session.bound
                           : steady_clock::time_point::max()) {}

  SessionEnd run() {
    while (true) {
      session_.peer.run_once(milliseconds(0));
      if (session_.input != nullptr) session_.input->pump(session_.peer, session_.output);
      if (!take()) return SessionEnd::enough;
      session_.output.flush();
      if (session_.output.closed()) return SessionEnd::reader_gone;
      if (steady_clock::now() >= end_) return SessionEnd::time_over;
      if (wait()) return SessionEnd::stopped;
    }
  }

 private:
  bool take() {
    more_ = false;
    for (int taken = 0; taken < most_taken; ++taken) {
      if (session_.output.full()) return true;
      const auto incoming = session_.peer.next(milliseconds(0));
      if (!incoming) return true;
      if (!session_.take(*incoming)) return false;
    }
    more_ = true;
    return true;
  }

  // True when a signal came.
  bool wait() {
    auto& [peer, stop, output, input, status, bound, handler] = session_;
    const bool reads = input != nullptr && input->wants_input();
    // poll() ignores negative descriptors; of the output it tells errors even if nothing is asked.
    std::array<pollfd, 5> entries{{
        {peer.descriptor(), POLLIN, 0},
        {stop.descriptor(), POLLIN, 0},
        {output.descriptor(), static_cast<short>(output.pending() ? POLLOUT : 0), 0},
        {reads ? input->descriptor() : -1, POLLIN, 0},
        {status != nullptr ? status->descriptor() : -1, POLLIN, 0},
    }};
    poll(entries.data(), entries.size(), timeout());
    if ((entries[2].revents & gone) != 0) output.note_error();
    if (entries[3].revents != 0) input->read();
    if (entries[4].revents != 0) {
      status->serve([&peer = peer] {
        return json_lines::to_text(json_lines::to_json(peer.status())) + "\n";
      });
    }
    return entries[1].revents != 0;
  }

  [[nodiscard]] int timeout() const {
    constexpr std::int64_t longest = 60'000;
    constexpr std::int64_t retry = 100;  // of a publish that met a full outbox
    if (more_) return 0;
    auto wait = longest;
    if (session_.input != nullptr && session_.input->blocked()) wait = retry;
    if (session_.bound) {
      const auto left = std::chrono::ceil<milliseconds>(end_ - steady_clock::now()).count();
      wait = std::clamp<std::int64_t>(left, 0, wait);
    }
    return static_cast<int>(wait);
  }

  Session& session_;
  steady_clock::time_point end_;
  bool more_ = false;
};

}  // namespace

SessionEnd run_session(Session& session) { return Loop(session).run(); }

void end_session(Session& session) {
  constexpr auto reader_bound = std::chrono::seconds(1);
  if (session.input != nullptr) session.input->give_up(session.output);
  session.peer.leave();
  while (const auto incoming = session.peer.next(milliseconds(0))) {
    if (!session.take(*incoming)) break;
  }
  session.output.drain(reader_bound);
}

}  // namespace tidegate::commands
