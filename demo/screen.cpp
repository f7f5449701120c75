#include "demo/screen.hpp"

#include <chrono>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "peer/io/clock.hpp"

namespace tidegate::demo {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_redraws = 100ms;
constexpr Duration between_lines = 2s;

// A block that wraps or scrolls can't be redrawn.
constexpr int least_columns = 80;
constexpr int least_rows = 16;

bool is_set(const char* variable) {
  const auto* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool can_redraw() {
  if (::isatty(STDOUT_FILENO) == 0 || is_set("CI")) return false;
  if (!is_set("TERM") || std::string(std::getenv("TERM")) == "dumb") return false;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return false;
  return size.ws_col >= least_columns && size.ws_row >= least_rows;
}

std::string up(std::size_t lines) { return "\x1b[" + std::to_string(lines) + "A"; }

}  // namespace

Screen::Screen() : live_(can_redraw()) {}

void Screen::print(const std::string& text) {
  std::string out;
  if (height_ > 0) out = live_ ? up(height_) + "\x1b[J" : "\n";
  height_ = 0;
  write(out + text + "\n");
}

void Screen::show(const std::vector<std::string>& block, const std::string& line) {
  const auto now = io::clock_now();
  if (now < next_ || (!live_ && line.empty())) return;
  next_ = now + (live_ ? between_redraws : between_lines);
  std::string out;
  if (live_) {
    if (height_ > 0) out = up(height_);
    for (const auto& text : block) out += text + "\x1b[K\n";
  } else {
    out = line + "\n";
  }
  height_ = block.size();
  write(out);
}

// At once and in one piece, so that a terminal never shows half a block.
void Screen::write(const std::string& text) {
  for (std::size_t written = 0; written < text.size();) {
    const auto count = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (count <= 0) return;  // nobody looks any more; the exit status still tells
    written += static_cast<std::size_t>(count);
  }
}

}  // namespace tidegate::demo
