// The name of a durable subscription to an outbox, which becomes a part of the name of a file.
#pragma once

#include <optional>
#include <string>

#include "tidegate/result.hpp"

namespace tidegate::base {

// Nothing: letters, digits, '.', '_' and '-', not too long, no '.' in front, and none of the
// endings of the files that stand beside a cursor.
[[nodiscard]] std::optional<Error> wrong_cursor_name(const std::string& name);

}  // namespace tidegate::base
