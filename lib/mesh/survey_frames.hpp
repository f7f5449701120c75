// The frames of a survey, by which the members of a mesh test their ways to each other
// (lib/node/surveyor.hpp, lib/node/path_tests.hpp). One that is not answered is no more than that:
// a peer of an earlier release drops them.
#pragma once

#include <cstdint>

#include "tidegate/origin.hpp"
#include "tidegate/survey.hpp"

namespace tidegate::mesh {

// Test your ways to all others, and tell what came of it.
struct SurveyQuestion {
  Origin origin;             // who asks
  std::uint64_t number = 0;  // comes back in the answer
  friend bool operator==(const SurveyQuestion&, const SurveyQuestion&) = default;
};

// The answer, some seconds later. Of a member only what it tells itself is in it.
struct SurveyAnswer {
  std::uint64_t number = 0;
  MemberSeen seen;
  friend bool operator==(const SurveyAnswer&, const SurveyAnswer&) = default;
};

// Over a connection of its own: does a frame come through, and one back?
struct PathQuestion {
  Origin origin;       // who asks
  bool large = false;  // a large frame is to come back
  friend bool operator==(const PathQuestion&, const PathQuestion&) = default;
};

// The answer.
struct PathAnswer {
  Origin origin;
  std::uint64_t clock = 0;  // microseconds since 1970
  bool large = false;       // has limits::large_path_bytes of padding
  friend bool operator==(const PathAnswer&, const PathAnswer&) = default;
};

}  // namespace tidegate::mesh
