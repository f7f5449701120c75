// The events of a run as lines for people: "12.345678 a > b  data first=17 n=3".
//
// Off by default and then nearly free: a caller asks `on()` before it builds a line. A seed that
// failed is run again with the trace on; it keeps the last lines only, unless it is told to print.
//
// Beside them, if it is wanted, a record for a checker, which holds the run against the model of
// docs/theory.md: one JSON object a line, of all that the model knows. docs/record.md has its form.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

#include "lib/base/json_line.hpp"
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

  // The record goes to this file, which has to stay open; null: there is none.
  void record_to(std::FILE* file) { record_ = file; }
  [[nodiscard]] bool records() const { return record_ != nullptr; }
  void record(const std::string& lines) { std::fputs(lines.c_str(), record_); }
  // `fill` adds the members of the event, and is not called if there is no record.
  template <typename Fill>
  void record(Duration since, std::string_view event, Fill fill) {
    if (!records()) return;
    std::string text;
    base::JsonLine line(text);
    line.add("at", std::chrono::duration_cast<std::chrono::microseconds>(since).count());
    line.add("event", event);
    fill(line);
    line.end();
    record(text);
  }

 private:
  Mode mode_;
  std::size_t most_;
  std::deque<std::string> lines_;
  std::FILE* record_ = nullptr;
};

// A frame in a few words: its kind, and what matters of it.
[[nodiscard]] std::string text_of(const mesh::CallFrame& frame);
[[nodiscard]] std::string text_of(const mesh::AnswerFrame& frame);
[[nodiscard]] std::string text_of(const mesh::StreamFrame& frame);

// "12.345678", seconds.
[[nodiscard]] std::string text_of(Duration since);

}  // namespace tidegate::sim
