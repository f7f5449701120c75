// The meaning of a survey of the mesh: who can't reach whom, and what to look at. Pure: facts in,
// findings out.
//
// 1. A way that works in the end is no trouble: a beacon that is not heard counts only where
//    neither of the two knows a seed.
// 2. Somebody who ended without a farewell is not cut off: nobody hears him.
// 3. The same trouble of one peer with all others is one finding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "command/health/doctor.hpp"
#include "tidegate/survey.hpp"

namespace tidegate::health {

struct PairFinding {
  Verdict verdict = Verdict::problem;
  std::string from;  // "app-1 (10.0.0.1:17901)", "every other peer"
  std::string to;    // the same, or "seed app-9:17901", "this mesh"
  std::string what;
  std::string cure;
};

// `mesh` and `beacon_port` are those of the peer that has asked.
[[nodiscard]] std::vector<PairFinding> judge_pairs(const Survey& survey, const std::string& mesh,
                                                   std::uint16_t beacon_port);

// Members that have answered, the asking peer among them.
[[nodiscard]] std::size_t answered(const Survey& survey);

}  // namespace tidegate::health
