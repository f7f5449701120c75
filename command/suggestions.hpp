// "Did you mean ...?": finds the word that was probably meant among those that exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::command {

// The candidate nearest to `written`, when at most a third of its letters (and at least one) were
// mistyped, left out, put in, or swapped with their neighbour; nothing when none is that near.
// Large and small letters, '-' and '_' are the same.
[[nodiscard]] std::optional<std::string> near_miss(std::string_view written,
                                                   const std::vector<std::string>& candidates);

// "; did you mean held-bytes?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view written,
                                       const std::vector<std::string>& candidates);

}  // namespace tidegate::command
