#include "command/doors/json_lines/output.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

#include <poll.h>
#include <unistd.h>

namespace tidegate::json_lines {

void Output::line(std::string_view text) {
  if (closed_) return;
  text_.append(text).push_back('\n');
}

void Output::flush() {
  while (pending() && write_some(0)) {
  }
}

void Output::drain(Duration bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (pending()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !write_some(static_cast<int>(left.count()))) return;
  }
}

// False when nothing could be written within the time.
bool Output::write_some(int timeout_ms) {
  pollfd entry{descriptor_, POLLOUT, 0};
  if (poll(&entry, 1, timeout_ms) <= 0) return false;
  // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)).
  const auto size = std::min<std::size_t>(text_.size() - written_, PIPE_BUF);
  const auto count = write(descriptor_, text_.data() + written_, size);
  if (count < 0) {
    if (errno != EINTR && errno != EAGAIN) close();
    return errno == EINTR;
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
