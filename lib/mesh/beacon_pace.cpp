#include "lib/mesh/beacon_pace.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::mesh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Range {
  Duration low;
  Duration high;
};

constexpr int burst_size = 3;
constexpr Range before_burst{milliseconds(0), milliseconds(10)};
constexpr Range within_burst{milliseconds(40), milliseconds(70)};
constexpr Range quick{milliseconds(800), milliseconds(1200)};
constexpr Range slow{milliseconds(4000), milliseconds(6000)};
constexpr Duration stable_after = seconds(10);
constexpr Range answer{milliseconds(0), milliseconds(40)};
constexpr Duration least_answer_gap = milliseconds(50);
constexpr Duration most_answer_gap = milliseconds(400);

static_assert(before_burst.high + (burst_size - 1) * within_burst.high <= milliseconds(150),
              "the burst is over before somebody has waited for it");

}  // namespace

BeaconPace::BeaconPace(base::Random random, Instant now)
    : earliest_answer_(now), answer_gap_(least_answer_gap), random_(random) {
  restart(now);
}

Instant BeaconPace::deadline() const { return std::min(answer_, regular_); }

bool BeaconPace::take_due(Instant now) {
  if (now < deadline()) return false;
  const bool answering = std::exchange(answer_, never) != never;
  answer_gap_ = answering ? std::min(2 * answer_gap_, most_answer_gap) : least_answer_gap;
  earliest_answer_ = now + answer_gap_;
  if (burst_left_ > 0) --burst_left_;
  const auto wait = burst_left_ > 0                       ? within_burst
                    : now - last_newcomer_ < stable_after ? quick
                                                          : slow;
  regular_ = now + random_.between(wait.low, wait.high);
  return true;
}

void BeaconPace::newcomer(Instant now) {
  last_newcomer_ = now;
  asked(now);
}

void BeaconPace::asked(Instant now) {
  if (answer_ != never) return;
  answer_ = std::max(now, earliest_answer_) + random_.between(answer.low, answer.high);
}

void BeaconPace::restart(Instant now) {
  burst_left_ = burst_size;
  last_newcomer_ = now;
  regular_ = now + random_.between(before_burst.low, before_burst.high);
}

}  // namespace tidegate::mesh
