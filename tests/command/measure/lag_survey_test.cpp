#include "command/measure/lag_survey.hpp"

#include <chrono>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command;
using namespace std::chrono_literals;
using tidegate::testing::contains;

namespace {

// Of 100 commits one is shown at once, 90 after 1.5 ms, nine after 12 ms.
LagSurvey hundred() {
  std::vector<LagSample> samples(90, {1500us, true, 50us});
  samples.insert(samples.end(), 9, {12ms, true, 50us});
  samples.push_back({60us, false, 60us});
  return survey(samples, {80us, 70us, 90us});
}

const Cure& cure(const LagSurvey& survey, const std::string& name) {
  for (const auto& one : survey.cures) {
    if (one.name == name) return one;
  }
  FAIL("no cure " << name);
  return survey.cures.front();
}

}  // namespace

TEST_CASE("a survey counts what is early, and a commit that is shown at once has no lag") {
  const auto result = hundred();
  CHECK(result.commits == 100);
  CHECK(result.early == 990);
  CHECK(result.lags.front() == Duration::zero());
  CHECK(result.p50 == 1500us);
  CHECK(result.p90 == 1500us);
  CHECK(result.p99 == 12ms);
  CHECK(result.longest == 12ms);
  CHECK(result.replica_answer == 50us);
  CHECK(result.primary_answer == 80us);
}

TEST_CASE("the usual cures are reckoned from the delays") {
  const auto result = hundred();
  CHECK(cure(result, "read at once").stale == 990);
  const auto& again = cure(result, "read again each 10ms");
  CHECK(again.stale == 0);
  CHECK(again.wait_p50 == 10ms);
  CHECK(again.wait_p99 == 20ms);
  // Once 1, 90 times 2, nine times 3.
  CHECK(again.queries == doctest::Approx(2.08));
  CHECK(cure(result, "read again each 1ms").wait_p50 == 2ms);
  CHECK(cure(result, "sleep 12.0 ms").stale == 0);
  CHECK(cure(result, "read the primary").wait_p50 == 80us);
}

TEST_CASE("a survey is shown as a table and a picture") {
  const auto text = survey_text(hundred(), "db1\x1b port 1", "db2 port 2");
  CHECK(contains(text, "100 commits on db1\\x1b port 1, looked for on db2 port 2\n"));
  CHECK(contains(text, "990 of 1,000 would be read too early"));
  CHECK(contains(text, "median 1.5 ms, 90 % 1.5 ms, 99 % 12.0 ms, longest 12.0 ms"));
  CHECK(contains(text, "       < 2ms  ########################################  90\n"));
  CHECK(contains(text, "      < 20ms  ####                                      9\n"));
  CHECK(contains(text, "read the primary"));
}
