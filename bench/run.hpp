// Makes one run: starts the processes, lets them send and receive, and takes in what they have
// seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/carrier.hpp"
#include "bench/plan.hpp"

namespace tidegate::bench {

struct Outcome {
  std::string failure;                 // "": it went well; else there are no figures
  std::vector<std::int64_t> lateness;  // ns from due to received, of all receivers, ascending
  std::size_t lost = 0;
  double seconds = 0;  // from the first message to the last reception
  // Memory taken between the first and the last measured message, bytes. Of the receiver that took
  // the most; of a flood only its.
  std::int64_t receiver_grown = 0;
  std::int64_t sender_grown = 0;
};

// `program` is this one.
[[nodiscard]] Outcome run(const std::string& program, const Carrier& carrier,
                          const std::string& address, const Plan& plan);

}  // namespace tidegate::bench
