// Whole numbers in text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace tidegate::base {

// Takes the number off the front of `text`; nullopt, and nothing is taken, when there is none or
// when it does not fit. A sign is taken by signed types only, and only '-'.
template <typename Number>
[[nodiscard]] std::optional<Number> take_number(std::string_view& text, int base = 10) {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number, base);
  if (result.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return number;
}

// A number and nothing else.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int base = 10) {
  const auto number = take_number<Number>(text, base);
  return text.empty() ? number : std::nullopt;
}

}  // namespace tidegate::base
