// How far behind a replica is for those who hear of a commit at once, and what the usual cures
// would cost there: arithmetic on measured delays.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/time.hpp"

namespace tidegate::command {

// Of one commit.
struct LagSample {
  Duration lag{};         // from the answer of COMMIT until the replica showed it
  bool early = false;     // it did not at the first look
  Duration first_look{};  // how long that took
};

struct Cure {
  std::string name;
  double stale = 0;     // of 1,000 reads, that would still miss the row
  Duration wait_p50{};  // added to each announcement
  Duration wait_p99{};
  double queries = 0;  // for each announcement
  std::string where;   // the server that they ask
};

struct LagSurvey {
  std::size_t commits = 0;
  double early = 0;  // of 1,000
  Duration p50{}, p90{}, p99{}, longest{};
  Duration replica_answer{};  // median time of one question
  Duration primary_answer{};
  std::vector<Duration> lags;  // in order of length
  std::vector<Cure> cures;
};

// At least one sample.
[[nodiscard]] LagSurvey survey(const std::vector<LagSample>& samples,
                               std::vector<Duration> primary_answers);

// The table and the picture, for people.
[[nodiscard]] std::string survey_text(const LagSurvey& survey, std::string_view primary,
                                      std::string_view replica);

}  // namespace tidegate::command
