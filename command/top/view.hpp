// The screen of `tidegate top` without a terminal: what it shows of a peer, and what keys do to it.
//
// It is told of each look at the peer and of each key, and answers with the lines of a window of
// any size. So all of it but the drawing can be tested without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/top/table.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command::top {

enum class Style : std::uint8_t { plain, strong, head, faint, bad };

struct Line {
  std::string text;
  Style style = Style::plain;

  friend bool operator==(const Line&, const Line&) = default;
};

// A character, or one of the keys that are none.
struct Key {
  enum class Kind : std::uint8_t {
    character,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    left,
    right,
    enter,
    escape,
    backspace,
  };
  Kind kind = Kind::character;
  char character = '\0';  // of a byte of UTF-8
};

class View {
 public:
  explicit View(Duration interval) : interval_(interval) {}

  // The peer has answered. While it is paused, that changes nothing.
  void take(Status status, Instant at);
  // It has not; the last answer stays on the screen.
  void lose(std::string why);

  // False: the user has seen enough.
  [[nodiscard]] bool press(const Key& key);

  // Exactly so many, none wider; called with a size of 0, none. Remembers how far one can scroll.
  [[nodiscard]] std::vector<Line> lines(std::size_t width, std::size_t height,
                                        const std::string& time_of_day);

 private:
  void type(const Key& key);
  void choose(int step);
  void scroll(long rows);
  [[nodiscard]] std::vector<Line> header(std::size_t height, const std::string& time_of_day) const;
  [[nodiscard]] std::string title_text(const std::string& time_of_day) const;
  [[nodiscard]] std::string traffic_text() const;
  [[nodiscard]] std::string held_text() const;
  [[nodiscard]] std::string replica_text() const;
  [[nodiscard]] std::string foot(std::size_t first, std::size_t shown, std::size_t of) const;

  Duration interval_;
  std::optional<Status> status_;
  Instant at_;
  Rates rates_;
  std::string lost_;
  Choice choice_;
  bool paused_ = false;
  bool typing_ = false;  // the filter
  bool help_ = false;
  std::size_t first_ = 0;       // of the rows that are shown
  std::size_t page_ = 0;        // so many were shown last,
  std::size_t last_first_ = 0;  // and so far it can be scrolled
};

}  // namespace tidegate::command::top
