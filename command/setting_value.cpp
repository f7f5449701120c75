#include "command/setting_value.hpp"

#include <algorithm>
#include <string_view>

#include "command/units.hpp"
#include "lib/base/decimal.hpp"
#include "lib/node/names.hpp"

namespace tidegate::command {
namespace {

Strings split_at_commas(std::string_view text) {
  Strings parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

struct Show {
  std::string operator()(const std::string* text) const { return *text; }
  std::string operator()(const OptionalText* server) const { return server->value_or("none"); }
  std::string operator()(const Strings* list) const { return list->empty() ? "" : list->front(); }
  std::string operator()(const std::uint16_t* port) const { return std::to_string(*port); }
  std::string operator()(const std::size_t* size) const { return exact_size(*size); }
  std::string operator()(const Duration* time) const { return exact_duration(*time); }
  std::string operator()(const bool* yes) const { return *yes ? "true" : "false"; }
  std::string operator()(const std::optional<LogLevel>*) const { return ""; }
  std::string operator()(const std::optional<LogFormat>*) const { return ""; }
  std::string operator()(const LocalTransport* transport) const {
    return std::string(to_string(*transport));
  }
  std::string operator()(const From* from) const { return std::string(to_string(*from)); }
  std::string operator()(const Overdue* overdue) const { return std::string(to_string(*overdue)); }
  std::string operator()(const OwnMessages* own) const { return std::string(to_string(*own)); }
};

// Writes the text into the target; what is wrong otherwise.
struct Assign {
  std::string_view text;

  using Refused = std::optional<std::string>;

  Refused operator()(std::string* target) const {
    *target = text;
    return {};
  }
  Refused operator()(OptionalText* target) const {
    *target = text == "none" ? OptionalText() : OptionalText(text);
    return {};
  }
  Refused operator()(Strings* target) const {
    *target = split_at_commas(text);
    return {};
  }
  Refused operator()(std::uint16_t* target) const {
    const auto port = base::parse_number<std::uint16_t>(text);
    if (port.value_or(0) == 0) {
      return "'" + std::string(text) + "' is not a port; write a whole number from 1 to 65535";
    }
    *target = *port;
    return {};
  }
  Refused operator()(std::size_t* target) const {
    const auto size = parse_size(text);
    if (!size) return size.error().message;
    *target = *size;
    return {};
  }
  Refused operator()(Duration* target) const {
    const auto time = parse_duration(text);
    if (!time) return time.error().message;
    *target = *time;
    return {};
  }
  Refused operator()(bool* target) const {
    if (text != "true" && text != "false") {
      return "'" + std::string(text) + "' is none of its values; write true or false";
    }
    *target = text == "true";
    return {};
  }
  Refused operator()(std::optional<LogLevel>* target) const {
    const auto level = log_level_named(text);
    if (!level) {
      return "'" + std::string(text) + "' is not a level; write debug, info, warning or error";
    }
    *target = level;
    return {};
  }
  Refused operator()(std::optional<LogFormat>* target) const {
    const auto format = log_format_named(text);
    if (!format) return "'" + std::string(text) + "' is not a format; write text, logfmt or json";
    target->emplace(*format);
    return {};
  }
  Refused operator()(LocalTransport* target) const {
    return choose(target, node::local_transport_names);
  }
  Refused operator()(From* target) const { return choose(target, node::from_names); }
  Refused operator()(Overdue* target) const { return choose(target, node::overdue_names); }
  Refused operator()(OwnMessages* target) const { return choose(target, node::own_messages_names); }

  template <typename Choice, typename Names>
  Refused choose(Choice* target, const Names& names) const {
    if (const auto choice = names.value(text)) {
      *target = *choice;
      return {};
    }
    std::string all;
    for (const auto& one : names) all += (all.empty() ? "" : " or ") + std::string(one.name);
    return "'" + std::string(text) + "' is none of its values; write " + all;
  }
};

}  // namespace

std::string default_text(const Target& target) { return std::visit(Show{}, target); }

std::string file_text(const Target& target, const std::string& value) {
  if (std::holds_alternative<bool*>(target) || std::holds_alternative<std::uint16_t*>(target)) {
    return value;
  }
  const auto quoted = '"' + value + '"';
  return std::holds_alternative<Strings*>(target) ? "[" + quoted + "]" : quoted;
}

std::optional<std::string> assign_text(const Target& target, std::string_view text) {
  return std::visit(Assign{text}, target);
}

}  // namespace tidegate::command
