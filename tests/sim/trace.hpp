// The events of a run as lines for people: "12.345678 a > b  data first=17 n=3".
//
// Off by default and then nearly free: a caller asks `on()` before it builds a line. A seed that
// failed is run again with the trace on; it keeps the last lines only, unless it is told to print.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "lib/mesh/frame.hpp"
#include "tidegate/time.hpp"

namespace tidegate::sim {

class Trace {
 public:
  enum class Mode : std::uint8_t { off, keep, print };

  explicit Trace(Mode mode = Mode::off, std::size_t most = 400) : mode_(mode), most_(most) {}

  [[nodiscard]] bool on() const { return mode_ != Mode::off; }

  // `since` the start of the run.
  void line(Duration since, const std::string& text);

  // Those kept; they are forgotten afterwards.
  std::string take();

 private:
  Mode mode_;
  std::size_t most_;
  std::deque<std::string> lines_;
};

// A frame in a few words: its kind, and what matters of it.
[[nodiscard]] std::string text_of(const mesh::CallFrame& frame);
[[nodiscard]] std::string text_of(const mesh::AnswerFrame& frame);
[[nodiscard]] std::string text_of(const mesh::StreamFrame& frame);

// "12.345678", seconds.
[[nodiscard]] std::string text_of(Duration since);

}  // namespace tidegate::sim
