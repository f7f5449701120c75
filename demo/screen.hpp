// The output of the demo. On a terminal a block of lines at the end is redrawn in place; elsewhere
// (a file, a pipe, CI, a terminal that can't move its cursor) a plain line comes now and then.
//
// The cursor always rests on an empty line below: a signal that ends us at any moment leaves a
// terminal that is in order.
#pragma once

#include <string>
#include <vector>

#include "tidegate/time.hpp"

namespace tidegate::demo {

class Screen {
 public:
  Screen();

  // Stays. It replaces the block; plain lines of progress are set off by an empty one.
  void print(const std::string& text);

  // Progress: `block` on a terminal; elsewhere `line`, unless it is empty. Called as often as one
  // likes.
  void show(const std::vector<std::string>& block, const std::string& line);

 private:
  void write(const std::string& text);

  bool live_;
  std::size_t height_ = 0;  // of the progress that was printed last; 0: something else was
  Instant next_;            // when progress may be shown again
};

}  // namespace tidegate::demo
