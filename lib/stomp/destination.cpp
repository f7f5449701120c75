#include "lib/stomp/destination.hpp"

#include <utility>
#include <vector>

namespace tidegate::stomp {
namespace {

constexpr std::string_view topic_prefix = "/topic/";

struct Element {
  std::string text;
  bool literal = false;  // it has an escape
};

struct Split {
  std::vector<Element> elements{1};
  Form form = Form::plain;
};

bool stands_for_others(std::string_view text) { return text == "*" || text == "#" || text == ">"; }

bool is_wild(const Element& element) { return !element.literal && stands_for_others(element.text); }

Error refuse(std::string_view destination, const std::string& why) {
  return Error{"the destination '" + std::string(destination) + "' " + why};
}

Result<Split> split(std::string_view destination) {
  Split split;
  auto text = destination;
  if (text.starts_with(topic_prefix)) {
    text.remove_prefix(topic_prefix.size());
    split.form = Form::slashes;
  } else if (text.starts_with("/queue/")) {
    return refuse(destination,
                  "is a queue, of which one consumer gets each message; here everybody gets it, "
                  "so write /topic/");
  } else if (text.starts_with('/')) {
    return refuse(destination, "is unknown; write /topic/a/b, /topic/a.b or a/b");
  }
  const bool dots = split.form != Form::plain;
  bool escaped = false;
  for (const char c : text) {
    if (escaped) {
      split.elements.back().text += c;
      escaped = false;
    } else if (c == '\\') {
      escaped = split.elements.back().literal = true;
    } else if (c == '/' || (c == '.' && dots)) {
      if (c == '.') split.form = Form::dots;
      split.elements.emplace_back();
    } else {
      split.elements.back().text += c;
    }
  }
  if (escaped) return refuse(destination, "ends in a single backslash; write two");
  return split;
}

void write_element(std::string& text, std::string_view element, bool dots) {
  if (stands_for_others(element)) text += '\\';
  for (const char c : element) {
    if (c == '/' || c == '\\' || (c == '.' && dots)) text += '\\';
    text += c;
  }
}

}  // namespace

Result<Topic> topic_of(std::string_view destination) {
  if (destination == notices) return refuse(destination, "is only to be subscribed to");
  auto written = split(destination);
  if (!written) return written.error();
  std::vector<std::string> elements;
  for (auto& element : written->elements) {
    if (is_wild(element)) {
      return refuse(destination, "is a pattern; write \\" + element.text + " for the character");
    }
    elements.push_back(std::move(element.text));
  }
  auto topic = Topic::of(elements);
  if (!topic) return refuse(destination, "is " + topic.error().message);
  return topic;
}

Result<Filter> filter_of(std::string_view destination) {
  const auto written = split(destination);
  if (!written) return written.error();
  std::string text;
  for (const auto& element : written->elements) {
    if (&element != written->elements.data()) text += '/';
    if (is_wild(element)) {
      text += element.text == "*" ? '*' : '#';
    } else {
      write_element(text, element.text, false);
    }
  }
  auto pattern = Pattern::parse(text);
  if (!pattern) return refuse(destination, "is no pattern: " + pattern.error().message);
  return Filter{std::move(*pattern), written->form};
}

std::string destination_of(const Topic& topic, Form form) {
  // In the plain form it would begin like the others.
  if (form == Form::plain && topic.size() > 1 && (*topic.begin()).empty()) form = Form::slashes;
  std::string text(form == Form::plain ? "" : topic_prefix);
  bool first = true;
  for (const auto element : topic) {
    if (!std::exchange(first, false)) text += form == Form::dots ? '.' : '/';
    write_element(text, element, form != Form::plain);
  }
  return text;
}

}  // namespace tidegate::stomp
