// The subject of a message: a list of text elements, and patterns that choose among them.
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
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

namespace message {
class PackedMessage;
}

class TIDEGATE_EXPORT Topic {
 public:
  // 1 to limits::topic_elements elements of UTF-8 text, limits::topic_bytes together. An element
  // may be empty.
  static Result<Topic> of(const std::vector<std::string>& elements);
  static Result<Topic> of_views(std::span<const std::string_view> elements);

  // The text form above. '*' and '#' alone in an element are refused, since they are surely meant
  // as a pattern; write \* and \# for the characters.
  static Result<Topic> parse(std::string_view text);

  // Views, valid as long as the topic is there and unchanged.
  [[nodiscard]] std::vector<std::string_view> elements() const { return {begin(), end()}; }

  // The same one after the other, without a list of them.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    Iterator() = default;
    std::string_view operator*() const { return {text(), length()}; }
    Iterator& operator++() {
      at_ = text() + length();
      return *this;
    }
    Iterator operator++(int) {
      const auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class Topic;
    explicit Iterator(const char* at) : at_(at) {}

    [[nodiscard]] std::size_t byte(std::size_t i) const {
      return static_cast<std::uint8_t>(at_[i]);
    }
    [[nodiscard]] bool is_long() const { return byte(0) == escape; }
    [[nodiscard]] const char* text() const { return at_ + (is_long() ? 3 : 1); }
    [[nodiscard]] std::size_t length() const {
      return is_long() ? byte(1) << 8U | byte(2) : byte(0);
    }

    const char* at_ = nullptr;
  };
  [[nodiscard]] Iterator begin() const { return Iterator(packed_.data()); }
  [[nodiscard]] Iterator end() const { return Iterator(packed_.data() + packed_.size()); }

  [[nodiscard]] std::size_t size() const { return size_; }    // how many elements
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // of all of them together

  friend bool operator==(const Topic&, const Topic&) = default;

 private:
  friend class message::PackedMessage;
  Topic() = default;
  explicit Topic(std::string packed);

  // The length of an element takes one byte or, if it does not fit that, this one and two more.
  static constexpr std::uint8_t escape = 0xFF;

  static char* write(std::string_view element, char* to);

  // Each element behind its length: a short topic needs no memory of its own.
  std::string packed_;
  std::uint16_t size_ = 0;
  std::uint16_t bytes_ = 0;
};

// The text form; Topic::parse gives the same topic again.
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const Topic& topic);

class TIDEGATE_EXPORT Pattern {
 public:
  // '*' as an element matches any one element, '#' as the last one matches the rest, also none.
  static Result<Pattern> parse(std::string_view text);

  // Matches everything.
  static Pattern all();

  [[nodiscard]] bool matches(const Topic& topic) const;

  friend bool operator==(const Pattern&, const Pattern&) = default;
  friend TIDEGATE_EXPORT std::string to_string(const Pattern& pattern);

 private:
  struct Element {
    bool any = false;
    std::string text;

    friend bool operator==(const Element&, const Element&) = default;
  };

  std::vector<Element> elements_;
  bool open_ended_ = false;
};

// The text form; Pattern::parse gives the same pattern again.
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const Pattern& pattern);

}  // namespace tidegate
