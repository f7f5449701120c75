#include "support/replay_sampler.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "peer/io/clock.hpp"

namespace tidegate::support {
namespace {

// A question takes some 30 us. Asking without a pause would take the processor from those that are
// measured.
constexpr Duration pause = std::chrono::microseconds(50);

}  // namespace

ReplaySampler::ReplaySampler(const std::string& replica)
    : session_(replica), begin_(io::clock_now()), end_(begin_), thread_([this] { ask_on(); }) {}

void ReplaySampler::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void ReplaySampler::ask_on() {
  try {
    auto not_before = begin_;
    while (!stopping_) {
      const auto sent = io::clock_now();
      const auto lsn = parse_lsn(session_.value("SELECT pg_last_wal_replay_lsn()"));
      if (lsn && (steps_.empty() || steps_.back().lsn < *lsn)) steps_.push_back({*lsn, not_before});
      not_before = sent;
      ++questions_;
      std::this_thread::sleep_for(pause);
    }
  } catch (const std::runtime_error&) {
    // The replica has gone. The stage sees that by itself, and the figures say that some are
    // missing.
  }
  end_ = io::clock_now();
}

std::optional<Instant> ReplaySampler::replayed_after(Lsn lsn) const {
  const auto step =
      std::lower_bound(steps_.begin(), steps_.end(), lsn,
                       [](const Step& some, const Lsn& wanted) { return some.lsn < wanted; });
  if (step == steps_.end()) return std::nullopt;
  return step->not_before;
}

Duration ReplaySampler::interval() const { return (end_ - begin_) / std::max(questions_, 1); }

}  // namespace tidegate::support
