#include "command/measure/lag_survey.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/units.hpp"

namespace tidegate::command {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Duration at(const std::vector<Duration>& sorted, double part) {
  const auto index = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

double per_thousand(std::size_t count, std::size_t all) {
  return 1000.0 * static_cast<double>(count) / static_cast<double>(all);
}

// Looks at once, and then again after each pause.
Cure reading_again(const std::vector<Duration>& lags, Duration pause) {
  std::vector<Duration> waits;
  double queries = 0;
  for (const auto lag : lags) {
    const auto times = (lag + pause - Duration(1)) / pause;
    waits.push_back(times * pause);
    queries += 1 + static_cast<double>(times);
  }
  return {"read again each " + exact_duration(pause), 0,        at(waits, 0.5), at(waits, 0.99),
          queries / static_cast<double>(lags.size()), "replica"};
}

Cure sleeping(const std::vector<Duration>& lags, Duration time) {
  const auto later = lags.end() - std::upper_bound(lags.begin(), lags.end(), time);
  return {"sleep " + rough_duration(time),
          per_thousand(static_cast<std::size_t>(later), lags.size()),
          time,
          time,
          1,
          "replica"};
}

struct Bucket {
  Duration below{};
  std::size_t count = 0;
};

// Bounds that go 1, 2, 5, 10, from below the shortest lag to above the longest.
std::vector<Bucket> buckets_of(const std::vector<Duration>& lags) {
  std::vector<Bucket> buckets;
  constexpr std::array steps = {1, 2, 5};
  auto lag = lags.begin();
  for (Duration decade = microseconds(10); lag != lags.end(); decade *= 10) {
    for (const auto step : steps) {
      const auto below = decade * step;
      const auto end = std::lower_bound(lag, lags.end(), below);
      if (end != lag || !buckets.empty()) {
        buckets.push_back({below, static_cast<std::size_t>(end - lag)});
      }
      lag = end;
      if (lag == lags.end()) break;
    }
  }
  return buckets;
}

std::string picture(const std::vector<Duration>& lags) {
  constexpr double width = 40;
  const auto buckets = buckets_of(lags);
  std::size_t most = 1;
  for (const auto& bucket : buckets) most = std::max(most, bucket.count);
  std::string text;
  for (const auto& bucket : buckets) {
    const auto bar =
        std::lround(width * static_cast<double>(bucket.count) / static_cast<double>(most));
    text += fmt::format("  {:>10}  {:<40}  {}\n", "< " + exact_duration(bucket.below),
                        std::string(static_cast<std::size_t>(bar), '#'), bucket.count);
  }
  return text;
}

}  // namespace

LagSurvey survey(const std::vector<LagSample>& samples, std::vector<Duration> primary_answers) {
  LagSurvey result;
  result.commits = samples.size();
  std::size_t early = 0;
  std::vector<Duration> looks;
  for (const auto& sample : samples) {
    early += sample.early ? 1 : 0;
    // A commit that the first look finds is not behind, for who looks.
    result.lags.push_back(sample.early ? sample.lag : Duration::zero());
    looks.push_back(sample.first_look);
  }
  std::sort(result.lags.begin(), result.lags.end());
  std::sort(looks.begin(), looks.end());
  std::sort(primary_answers.begin(), primary_answers.end());
  const auto& lags = result.lags;
  result.early = per_thousand(early, samples.size());
  result.p50 = at(lags, 0.5);
  result.p90 = at(lags, 0.9);
  result.p99 = at(lags, 0.99);
  result.longest = lags.back();
  result.replica_answer = at(looks, 0.5);
  result.primary_answer = primary_answers.empty() ? Duration::zero() : at(primary_answers, 0.5);
  result.cures = {
      {"read at once", result.early, {}, {}, 1, "replica"},
      reading_again(lags, milliseconds(1)),
      reading_again(lags, milliseconds(10)),
      reading_again(lags, milliseconds(100)),
      sleeping(lags, result.p99),
      sleeping(lags, result.longest),
      {"read the primary", 0, result.primary_answer, result.primary_answer, 1, "primary"}};
  return result;
}

std::string survey_text(const LagSurvey& survey, std::string_view primary,
                        std::string_view replica) {
  auto text = fmt::format(
      "{} commits on {}, looked for on {}\n"
      "{:.0f} of 1,000 would be read too early by who hears of them at once\n\n"
      "  shown after COMMIT: median {}, 90 % {}, 99 % {}, longest {}\n"
      "{}\n"
      "  {:<22} {:>14} {:>10} {:>10} {:>8}  {}\n",
      survey.commits, harmless(primary), harmless(replica), survey.early,
      rough_duration(survey.p50), rough_duration(survey.p90), rough_duration(survey.p99),
      rough_duration(survey.longest), picture(survey.lags), "cure", "stale of 1,000", "wait p50",
      "p99", "queries", "asked");
  for (const auto& cure : survey.cures) {
    text += fmt::format("  {:<22} {:>14.0f} {:>10} {:>10} {:>8.1f}  {}\n", cure.name, cure.stale,
                        rough_duration(cure.wait_p50), rough_duration(cure.wait_p99), cure.queries,
                        cure.where);
  }
  return text + fmt::format(
                    "\n  One question takes {} on the replica and {} on the primary (median). "
                    "tidegate delivers\n  within about one question of the moment at which the "
                    "replica shows the change: 0 stale.\n",
                    rough_duration(survey.replica_answer), rough_duration(survey.primary_answer));
}

}  // namespace tidegate::command
