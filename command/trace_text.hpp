// A traced message as an operator reads it.
#pragma once

#include <string>

#include "tidegate/time.hpp"
#include "tidegate/traced.hpp"

namespace tidegate::command {

// Several lines, each with its line break: which message, and for each receiver a table of its
// steps: when it was over, how long it took, and its share of the whole. Receivers that have not
// subscribed to it are one line. `timeout`: for so long something was waited for.
[[nodiscard]] std::string trace_text(const Traced& traced, Duration timeout);

// Everybody who gets the message has it, or never will.
[[nodiscard]] bool is_over(const Traced& traced);

}  // namespace tidegate::command
