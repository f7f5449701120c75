// The terminal of `tidegate top`, by ncurses, which compares what is on the screen with what is
// drawn and sends the differences: over a slow line, too, nothing flickers.
//
// Chosen among the libraries of Debian: ncurses is the oldest and on every system, knows each kind
// of terminal, also that of a colleague over ssh, and follows its size. Rejected: FTXUI and
// notcurses are made for richer pictures, and assume what an xterm can do.
//
// One at a time, since curses has one screen. Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/top/view.hpp"
#include "tidegate/result.hpp"

namespace tidegate::command::top {

class Screen {
 public:
  // Takes over the terminal of standard input and output. An error says what to do instead.
  static Result<std::unique_ptr<Screen>> open();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();  // the terminal is as it was

  [[nodiscard]] std::size_t width() const;
  [[nodiscard]] std::size_t height() const;

  void draw(const std::vector<Line>& lines);

  // The next key that was pressed; nullopt: none was. A key that means nothing here is skipped, and
  // the window has its new size afterwards, if it has changed.
  [[nodiscard]] std::optional<Key> key();

 private:
  struct Terminal;
  explicit Screen(std::unique_ptr<Terminal> terminal);

  std::unique_ptr<Terminal> terminal_;
};

}  // namespace tidegate::command::top
