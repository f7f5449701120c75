// The two statistics that the benches show.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tidegate::bench {

// The value that the share `p` of them, which ascend, do not exceed; 0 if there are none.
[[nodiscard]] inline double percentile(const std::vector<std::int64_t>& ascending, double p) {
  if (ascending.empty()) return 0;
  const auto rank = static_cast<std::size_t>(p * static_cast<double>(ascending.size() - 1));
  return static_cast<double>(ascending[rank]);
}

// In any order; 0 if there are none.
[[nodiscard]] inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace tidegate::bench
