#include "tidegate/topic.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate {
namespace {

// An element as it was written: `wild` when it is one bare '*' or '#'.
struct Written {
  std::string text;
  bool wild = false;
};

Result<std::vector<Written>> split(std::string_view text) {
  std::vector<Written> elements(1);
  bool escaped = false;
  bool has_escape = false;
  const auto close = [&] {
    auto& last = elements.back();
    last.wild = !has_escape && (last.text == "*" || last.text == "#");
    has_escape = false;
  };
  for (const char c : text) {
    if (!escaped && c == '\\') {
      escaped = has_escape = true;
    } else if (!escaped && c == '/') {
      close();
      elements.emplace_back();
    } else {
      elements.back().text += c;
      escaped = false;
    }
  }
  if (escaped) {
    return Error{"'" + std::string(text) +
                 "' ends in a single backslash; write \\\\ for the character itself"};
  }
  close();
  return elements;
}

Result<Topic> refuse(const std::string& why) { return Error{"not a topic: " + why}; }

// An element that means what it says.
void append_literal(std::string_view element, std::string& text) {
  if (element == "*" || element == "#") text += '\\';
  for (const char c : element) {
    if (c == '/' || c == '\\') text += '\\';
    text += c;
  }
}

}  // namespace

Topic::Topic(std::string packed) : packed_(std::move(packed)) {
  for (const auto element : *this) {
    ++size_;
    bytes_ += static_cast<std::uint16_t>(element.size());
  }
}

Result<Topic> Topic::of(const std::vector<std::string>& elements) {
  return of_views(std::vector<std::string_view>(elements.begin(), elements.end()));
}

Result<Topic> Topic::of_views(std::span<const std::string_view> elements) {
  if (elements.empty()) return refuse("it has no element; give at least one");
  if (elements.size() > base::limits::topic_elements) {
    return refuse("it has " + std::to_string(elements.size()) + " elements; at most " +
                  std::to_string(base::limits::topic_elements) + " are allowed");
  }
  std::size_t bytes = 0;
  for (const auto element : elements) {
    if (!base::is_utf8(element)) {
      return refuse("an element is not UTF-8 text; carry bytes in the payload");
    }
    bytes += element.size();
  }
  if (bytes > base::limits::topic_bytes) {
    return refuse("it has " + std::to_string(bytes) + " bytes; at most " +
                  std::to_string(base::limits::topic_bytes) + " are allowed");
  }
  static_assert(base::limits::topic_bytes <= std::numeric_limits<std::uint16_t>::max());
  std::size_t lengths = 0;
  for (const auto element : elements) lengths += element.size() < escape ? 1 : 3;
  Topic topic;
  topic.packed_.resize(lengths + bytes);
  topic.size_ = static_cast<std::uint16_t>(elements.size());
  topic.bytes_ = static_cast<std::uint16_t>(bytes);
  auto* to = topic.packed_.data();
  for (const auto element : elements) to = write(element, to);
  return topic;
}

char* Topic::write(std::string_view element, char* to) {
  if (element.size() < escape) {
    *to++ = static_cast<char>(element.size());
  } else {
    *to++ = static_cast<char>(escape);
    *to++ = static_cast<char>(element.size() >> 8U);
    *to++ = static_cast<char>(element.size() & 0xFFU);
  }
  return std::copy(element.begin(), element.end(), to);
}

Result<Topic> Topic::parse(std::string_view text) {
  auto written = split(text);
  if (!written) return written.error();
  std::vector<std::string> elements;
  for (auto& element : *written) {
    if (element.wild) {
      return refuse("'" + std::string(text) + "' is a pattern; write \\" + element.text +
                    " for the character itself");
    }
    elements.push_back(std::move(element.text));
  }
  return of(elements);
}

std::string to_string(const Topic& topic) {
  std::string text;
  bool first = true;
  for (const auto element : topic) {
    if (!std::exchange(first, false)) text += '/';
    append_literal(element, text);
  }
  return text;
}

Result<Pattern> Pattern::parse(std::string_view text) {
  auto written = split(text);
  if (!written) return written.error();
  Pattern pattern;
  for (auto& element : *written) {
    if (pattern.open_ended_) {
      return Error{"'" + std::string(text) + "' goes on behind '#'; '#' stands for all the rest"};
    }
    const bool rest = element.wild && element.text == "#";
    pattern.open_ended_ = rest;
    if (!rest) pattern.elements_.push_back({element.wild, std::move(element.text)});
  }
  return pattern;
}

Pattern Pattern::all() {
  Pattern pattern;
  pattern.open_ended_ = true;
  return pattern;
}

std::string to_string(const Pattern& pattern) {
  std::string text;
  bool first = true;
  for (const auto& element : pattern.elements_) {
    if (!std::exchange(first, false)) text += '/';
    if (element.any) {
      text += '*';
    } else {
      append_literal(element.text, text);
    }
  }
  if (pattern.open_ended_) text += first ? "#" : "/#";
  return text;
}

bool Pattern::matches(const Topic& topic) const {
  if (open_ended_ ? topic.size() < elements_.size() : topic.size() != elements_.size()) {
    return false;
  }
  return std::equal(
      elements_.begin(), elements_.end(), topic.begin(),
      [](const Element& mine, std::string_view theirs) { return mine.any || mine.text == theirs; });
}

}  // namespace tidegate
