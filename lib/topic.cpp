#include "topic.hpp"

#include <algorithm>

#include "limits.hpp"
#include "utf8.hpp"

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

}  // namespace

Result<Topic> Topic::of(std::vector<std::string> elements) {
  if (elements.empty()) return refuse("it has no element; give at least one");
  if (elements.size() > limits::topic_elements) {
    return refuse("it has " + std::to_string(elements.size()) + " elements; at most " +
                  std::to_string(limits::topic_elements) + " are allowed");
  }
  if (!std::all_of(elements.begin(), elements.end(), is_utf8)) {
    return refuse("an element is not UTF-8 text; carry bytes in the payload");
  }
  Topic topic(std::move(elements));
  if (topic.bytes() > limits::topic_bytes) {
    return refuse("it has " + std::to_string(topic.bytes()) + " bytes; at most " +
                  std::to_string(limits::topic_bytes) + " are allowed");
  }
  return topic;
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
  return of(std::move(elements));
}

std::size_t Topic::bytes() const {
  std::size_t sum = 0;
  for (const auto& element : elements_) sum += element.size();
  return sum;
}

std::string to_string(const Topic& topic) {
  std::string text;
  for (const auto& element : topic.elements()) {
    if (&element != &topic.elements().front()) text += '/';
    if (element == "*" || element == "#") text += '\\';
    for (const char c : element) {
      if (c == '/' || c == '\\') text += '\\';
      text += c;
    }
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

bool Pattern::matches(const Topic& topic) const {
  const auto& elements = topic.elements();
  if (open_ended_ ? elements.size() < elements_.size() : elements.size() != elements_.size()) {
    return false;
  }
  return std::equal(elements_.begin(), elements_.end(), elements.begin(),
                    [](const Element& mine, const std::string& theirs) {
                      return mine.any || mine.text == theirs;
                    });
}

}  // namespace tidegate
