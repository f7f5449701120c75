// The manual pages in the language of man(7), which both groff and mandoc read: tidegate(1), one of
// section 1 for each command, and tidegate.toml(5). tidegate(7) is written by hand
// (docs/tidegate.7), as no table says what it says.
#pragma once

#include <string>

#include "command/manual/topics.hpp"

namespace tidegate::manual {

[[nodiscard]] std::string program_page(const Topics& topics);
[[nodiscard]] std::string command_page(const Command& command, const Topics& topics);
[[nodiscard]] std::string settings_page(const Topics& topics);

// Words such that neither a hyphen, a dot nor a quote means anything else than itself.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace tidegate::manual
