// Patterns in the syntax of other systems ("builds.*.new", "builds/+/new", "builds/>") are patterns
// here too, but match next to nothing. So they are taken, and the operator is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::command {

// Nothing where the pattern does not look like one of another system.
[[nodiscard]] std::optional<std::string> foreign_pattern_hint(std::string_view pattern);

}  // namespace tidegate::command
