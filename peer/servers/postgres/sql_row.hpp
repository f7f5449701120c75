// A row of an answer, as text, and the numbers in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/decimal.hpp"

namespace tidegate::postgres {

using SqlCell = std::optional<std::string>;  // nullopt is NULL
using SqlRow = std::vector<SqlCell>;

template <typename Number>
bool read_number(const std::optional<std::string>& text, Number& number, int radix = 10) {
  const auto parsed = text ? base::parse_number<Number>(*text, radix) : std::nullopt;
  number = parsed.value_or(number);
  return parsed.has_value();
}

// For an error: the cells, each in quotes.
[[nodiscard]] std::string quoted(const std::vector<SqlRow>& rows);

}  // namespace tidegate::postgres
