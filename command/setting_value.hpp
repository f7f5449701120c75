// The values of settings as text: read from it, and shown. The type of the place where a value goes
// says how its text is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "command/log.hpp"
#include "tidegate/options.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

using Strings = std::vector<std::string>;
using OptionalText = std::optional<std::string>;  // "none" is none
using Target = std::variant<std::string*, OptionalText*, Strings*, std::uint16_t*, std::size_t*,
                            Duration*, bool*, std::optional<LogLevel>*, std::optional<LogFormat>*,
                            LocalTransport*, From*, Overdue*, OwnMessages*>;

// Of a default; empty: there is none to show.
[[nodiscard]] std::string default_text(const Target& target);

// A value as a file has it: in quotes, as a list, or bare. The text has no quotes of its own.
[[nodiscard]] std::string file_text(const Target& target, const std::string& value);

// Writes what the text says into the target; the answer tells what is wrong otherwise. A list is
// separated by commas.
[[nodiscard]] std::optional<std::string> assign_text(const Target& target, std::string_view text);

}  // namespace tidegate::command
