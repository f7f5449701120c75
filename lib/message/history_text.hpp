// A history as text, for people and as a part of a position's text.
#pragma once

#include <string>

#include "tidegate/history.hpp"

namespace tidegate::message {

// Each timeline with its begin and promotion, where known: "1,2@16/B3000160@1795640443355842".
[[nodiscard]] std::string text_of(const History& history);

}  // namespace tidegate::message
