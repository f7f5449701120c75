// The result of a run: the figures side by side, and whether it went as it must.
#pragma once

#include <string>
#include <vector>

#include "demo/settings.hpp"
#include "demo/tally.hpp"
#include "support/replay_sampler.hpp"

namespace tidegate::demo {

// The lines of the table. The sampler must have stopped.
[[nodiscard]] std::vector<std::string> figures(const Tally& tally,
                                               const support::ReplaySampler& sampler);

// In words: what was seen, and what to do next.
struct Verdict {
  bool as_it_must =
      false;  // nothing early at the gated reader, nothing lost, and the race was seen
  std::vector<std::string> words;
};
[[nodiscard]] Verdict judge(const Tally& tally, const Settings& settings);

}  // namespace tidegate::demo
