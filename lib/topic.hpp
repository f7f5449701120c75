// What a message is about: a list of text elements, and patterns that choose among them.
//
// A topic is carried as a list, so an element may hold any character. Where one line of text is
// needed the elements are joined with '/'; a backslash takes the character behind it literally:
//
//     builds/42/new        three elements
//     a\/b/c               two: "a/b" and "c"
//     builds/*/new         a pattern: any second element
//     builds/#             a pattern: "builds" and whatever follows, also nothing
//     builds/\*            the topic whose second element is an asterisk
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "result.hpp"

namespace tidegate {

class Topic {
 public:
  // 1 to limits::topic_elements elements of UTF-8 text, limits::topic_bytes together. An element
  // may be empty.
  static Result<Topic> of(std::vector<std::string> elements);

  // The text form above. '*' and '#' alone in an element are refused, since they are surely meant
  // as a pattern; write \* and \# for the characters.
  static Result<Topic> parse(std::string_view text);

  [[nodiscard]] const std::vector<std::string>& elements() const { return elements_; }
  [[nodiscard]] std::size_t bytes() const;  // of all elements together

  friend auto operator<=>(const Topic&, const Topic&) = default;

 private:
  explicit Topic(std::vector<std::string> elements) : elements_(std::move(elements)) {}

  std::vector<std::string> elements_;
};

// The text form; Topic::parse gives the same topic again.
[[nodiscard]] std::string to_string(const Topic& topic);

class Pattern {
 public:
  // '*' as an element matches any one element, '#' as the last one matches the rest, also none.
  static Result<Pattern> parse(std::string_view text);

  // Matches everything.
  static Pattern all();

  [[nodiscard]] bool matches(const Topic& topic) const;

  friend bool operator==(const Pattern&, const Pattern&) = default;

 private:
  struct Element {
    bool any = false;
    std::string text;

    friend bool operator==(const Element&, const Element&) = default;
  };

  std::vector<Element> elements_;
  bool open_ended_ = false;
};

}  // namespace tidegate
