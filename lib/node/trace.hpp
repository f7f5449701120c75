// Inputs and effects in words, for somebody who looks for an error: frames by kind, questions to
// servers and their answers, and which messages leave the gate.
#pragma once

#include <string>

#include "lib/node/event.hpp"

namespace tidegate::node {

// Empty: it says nothing (time has passed).
[[nodiscard]] std::string describe(const Input& input);
[[nodiscard]] std::string describe(const Effect& effect);

}  // namespace tidegate::node
