#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::json_lines {
namespace {

constexpr JsonBounds bounds{.depth = 2, .values = 8, .members = 4};

// A pattern of which each byte is written as "\u0000" and escaped once more as a topic.
constexpr std::size_t longest_order =
    64 + 12 * (base::limits::topic_bytes + base::limits::topic_elements);

constexpr std::array<std::string_view, 4> names{"trust", "keys", "subscribe", "unsubscribe"};

// Most lines are messages: they are not read twice.
bool may_be_order(std::string_view line) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return line.find(name) != std::string_view::npos;
  });
}

template <typename Kind>
Result<Order> with_pattern(const Json& value) {
  if (!value.is_string()) return Error{R"(write the pattern as text, such as "builds/*/new")"};
  auto text = value.get<std::string>();
  auto pattern = Pattern::parse(text);
  if (!pattern) return pattern.error();
  return Order{Kind{std::move(text), std::move(*pattern)}};
}

}  // namespace

std::optional<Result<Order>> parse_order(std::string_view line) {
  if (line.size() > longest_order || !may_be_order(line)) return std::nullopt;
  const auto json = read_json(line, bounds);
  if (!json || !json->is_object() || json->size() != 1) return std::nullopt;
  const auto& name = json->begin().key();
  const auto& value = json->begin().value();
  if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
  if (name == "subscribe") return with_pattern<Subscribe>(value);
  if (name == "unsubscribe") return with_pattern<Unsubscribe>(value);
  if (name == "trust" && value == "primary") return Order{TrustPrimary{}};
  if (name == "keys" && value == "reload") return Order{ReloadKeys{}};
  return Error{name == "trust" ? R"(write {"trust":"primary"})" : R"(write {"keys":"reload"})"};
}

}  // namespace tidegate::json_lines
