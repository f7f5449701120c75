// The result of a run as text: the table, and whether it went as it must.
#pragma once

#include <string>

#include "tests/soak/history.hpp"
#include "tests/soak/judge.hpp"

namespace tidegate::soak {

// Ends with a newline.
[[nodiscard]] std::string table(const Verdict& verdict, const History& history);

// The four figures that have to be 0, with examples of those that are not.
[[nodiscard]] std::string sentence(const Verdict& verdict, const History& history);

}  // namespace tidegate::soak
