#include "support/worker_input.hpp"

#include <array>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace tidegate::support {

std::optional<std::string> WorkerInput::next() {
  for (;;) {
    if (const auto newline = buffer_.find('\n'); newline != std::string::npos) {
      auto line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    std::array<char, 4096> chunk{};
    const auto count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

// The parent writes a line at once, so where something can be read, a whole line can.
bool WorkerInput::pending() const {
  if (buffer_.find('\n') != std::string::npos) return true;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

}  // namespace tidegate::support
