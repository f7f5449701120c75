// A line of a summary for people.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::sim {

inline void summary_line(std::string& to, const std::string& name, std::uint64_t number) {
  constexpr std::size_t column = 28;
  to += "  " + name + std::string(column - name.size(), ' ') + std::to_string(number) + "\n";
}

}  // namespace tidegate::sim
