#include "command/doors/json_lines/output.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "peer/io/clock.hpp"

namespace tidegate::json_lines {

Output::Output(int descriptor, io::Reactor& reactor)
    : descriptor_(descriptor),
      watch_(reactor.watch({descriptor, false, false, 0},
                           [this](io::Readiness readiness) { ready(readiness); })) {}

void Output::ready(io::Readiness readiness) {
  if (readiness.error && !readiness.write) close();
  flush();
}

void Output::line(std::string_view text) {
  if (closed_) return;
  text_.append(text).push_back('\n');
}

void Output::flush() {
  while (pending() && write_some()) {
  }
  if (closed_) {
    watch_.stop();
  } else if (watch_) {
    watch_.follow({descriptor_, false, pending(), 0});
  }
}

void Output::drain(Duration bound) {
  io::Reactor reactor;
  const auto watch = reactor.watch({descriptor_, false, true, 0},
                                   [this](io::Readiness readiness) { ready(readiness); });
  const auto end = io::clock_now() + bound;
  while (pending()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - io::clock_now());
    if (left.count() <= 0) return;
    reactor.run_once(left);
  }
}

// False when nothing can be written now.
bool Output::write_some() {
  pollfd entry{descriptor_, POLLOUT, 0};
  if (poll(&entry, 1, 0) <= 0) return false;
  // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)).
  const auto size = std::min<std::size_t>(text_.size() - written_, PIPE_BUF);
  const auto count = write(descriptor_, text_.data() + written_, size);
  if (count < 0) {
    const int error = errno;
    if (error == EINTR || error == EAGAIN) return error == EINTR;
    if (error != EPIPE) failure_ = std::strerror(error);
    close();
    return false;
  }
  written_ += static_cast<std::size_t>(count);
  if (written_ == text_.size()) {
    text_.clear();
    written_ = 0;
  } else if (written_ >= most_pending) {
    text_.erase(0, written_);
    written_ = 0;
  }
  return true;
}

void Output::close() {
  closed_ = true;
  text_.clear();
  written_ = 0;
}

}  // namespace tidegate::json_lines
