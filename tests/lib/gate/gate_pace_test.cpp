// How many questions it costs to find changes on a server, and how much later than it could have
// each message leaves for that: streams of messages through a gate, in virtual time. A poll takes
// 60 us.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "tests/lib/gate/gate_harness.hpp"

using namespace tidegate;
using namespace tidegate::testing::gates;
using namespace std::chrono_literals;

namespace {

constexpr Duration poll_time = 60us;
constexpr Duration until_timer_noticed = 5us;
// Beyond the one poll that is needed.
constexpr Duration most_excess = poll_time + 150us;

struct Announced {
  Instant arrives;
  Instant shown;  // does not fall from one to the next
};
using Announcements = std::vector<Announced>;

// Messages of one publisher that come at random, each with a lag of its own from the time that it
// should come; one in fifty comes later, by up to 3 ms.
template <typename LagOf>
Announcements stream(std::size_t count, std::uint64_t rate, LagOf lag_of) {
  base::Random random(7);
  const Duration between = Duration(1s) / static_cast<Duration::rep>(rate);
  Announcements all;
  auto due = start;
  auto arrived = start;
  auto shown = start;
  for (std::size_t i = 0; i < count; ++i) {
    due += random.between(Duration(0), 2 * between);
    const auto late = random.below(50) == 0 ? random.between(0ms, 3ms) : Duration(0);
    arrived = std::max(arrived, due + late);
    shown = std::max(shown, due + lag_of(i, random));
    all.push_back({arrived, shown});
  }
  return all;
}

// Jitter as that of a delayed replica, whose timer counts milliseconds.
auto about(Duration lag) {
  return [lag](std::size_t, base::Random& random) {
    return lag + random.between(Duration(0), std::min<Duration>(lag, 1ms) + Duration(1));
  };
}

struct Toll {
  double questions = 0;          // a message
  std::vector<Duration> excess;  // from arrival or shown, the later, to delivery; rising
  Duration sum{};

  [[nodiscard]] Duration at(std::size_t percent) const {
    return excess[(excess.size() - 1) * percent / 100];
  }
  [[nodiscard]] std::string line(const std::string& of) const {
    return "\n" + of + ": " + std::to_string(questions) + " questions a message; excess p50 " +
           std::to_string(at(50) / 1us) + " us, p99 " + std::to_string(at(99) / 1us) + " us";
  }
};

Tide shown_at(const Announcements& all, Instant when) {
  const auto end =
      std::upper_bound(all.begin(), all.end(), when,
                       [](Instant limit, const Announced& one) { return limit < one.shown; });
  return replayed(100 + static_cast<std::uint64_t>(end - all.begin()));
}

// As the gate is driven: the answer, what has come, what may go, a question.
Toll toll_of(const Announcements& all) {
  auto gate = with_server();
  Toll toll;
  std::size_t come = 0;
  std::size_t questions = 0;
  auto answer_at = never;
  Tide answer;
  while (toll.excess.size() < all.size()) {
    const auto timer = gate.deadline() == never ? never : gate.deadline() + until_timer_noticed;
    const auto now = std::min({come < all.size() ? all[come].arrives : never, timer, answer_at});
    REQUIRE(now != never);
    if (now == answer_at) {
      answer_at = never;
      gate.polled(answer);
    }
    for (; come < all.size() && all[come].arrives <= now; ++come) {
      hold(gate, std::string(), at(101 + come), all[come].arrives, 1);
    }
    while (gate.release(now)) {
      const auto& left = all[toll.excess.size()];
      toll.excess.push_back(now - std::max(left.arrives, left.shown));
      toll.sum += toll.excess.back();
    }
    if (!gate.take_poll(now)) continue;
    REQUIRE_FALSE(gate.held().empty());
    ++questions;
    answer = shown_at(all, now + poll_time / 2);
    answer_at = now + poll_time;
  }
  toll.questions = static_cast<double>(questions) / static_cast<double>(all.size());
  std::sort(toll.excess.begin(), toll.excess.end());
  return toll;
}

std::string name(Duration lag, std::uint64_t rate) {
  return std::to_string(lag / 1us) + " us behind, " + std::to_string(rate) + " messages a second";
}

}  // namespace

TEST_CASE("half of all changes are found within a poll and 150 us, however far behind") {
  std::string figures;
  for (const Duration lag : {0us, 100us, 700us, 5000us, 50'000us, 1'000'000us}) {
    for (const std::uint64_t rate : {10U, 100U, 1000U}) {
      const auto toll = toll_of(stream(2000, rate, about(lag)));
      CAPTURE(lag.count());
      CAPTURE(rate);
      figures += toll.line(name(lag, rate));
      CHECK(toll.at(50) <= most_excess);
      CHECK(toll.at(99) <= (lag < 1s ? 5ms : 20ms) + most_excess);  // the first ones
      // Of a message that is alone, one each 5 ms, and each 20 ms after a second, beside those.
      const double before =
          static_cast<double>(std::min<Duration>(lag, 1s) / 5ms) * 10.0 / static_cast<double>(rate);
      CHECK(toll.questions <= 7 + before);
    }
  }
  MESSAGE(figures);
}

TEST_CASE("a change that is there already is asked for once, at once") {
  const auto toll = toll_of(stream(1000, 100, about(0ms)));
  CHECK(toll.questions <= 1);
  CHECK(toll.at(50) == poll_time);
}

TEST_CASE("messages that come in a burst share questions") {
  std::string figures;
  for (const Duration lag : {100us, 700us, 5000us, 50'000us}) {
    Announcements all;
    base::Random random(7);
    auto shown = start;
    for (int burst = 0; burst < 20; ++burst) {
      for (int i = 0; i < 300; ++i) {
        const auto arrives = start + burst * 1s + i * 2us;
        shown = std::max(shown, arrives + about(lag)(0, random));
        all.push_back({arrives, shown});
      }
    }
    const auto toll = toll_of(all);
    figures += toll.line("bursts of 300, " + name(lag, 300));
    CHECK(toll.questions < 0.2);
    CHECK(toll.at(50) <= most_excess);
    CHECK(toll.at(99) <= 1ms + most_excess);
  }
  MESSAGE(figures);
}

TEST_CASE("a lag that goes away or comes at once costs a bounded number of questions and time") {
  std::string figures;
  for (const std::uint64_t rate : {10U, 100U, 1000U}) {
    for (const bool comes : {false, true}) {
      const auto lag_of = [comes](std::size_t i, base::Random&) -> Duration {
        return (i < 100) == comes ? 0ms : 50ms;
      };
      const auto toll = toll_of(stream(200, rate, lag_of));
      CAPTURE(rate);
      figures += toll.line((comes ? "0 to 50 ms, " : "50 ms to 0, ") + std::to_string(rate) +
                           " messages a second");
      CHECK(toll.at(50) <= most_excess);
      CHECK(toll.at(100) <= 5ms + most_excess);
      CHECK(toll.sum <= 300ms);
      CHECK(toll.questions <= 10);
    }
  }
  MESSAGE(figures);
}

TEST_CASE("a server that stops replaying is asked ever more rarely") {
  auto gate = with_server();
  auto now = start;
  std::uint64_t lsn = 100;
  for (int i = 0; i < 20; ++i) {
    now += 1s;
    hold(gate, "m", at(++lsn), now);
    while (gate.deadline() < now + 50ms) poll(gate, gate.deadline(), replayed(lsn - 1));
    poll(gate, gate.deadline(), replayed(lsn));
    CHECK(released(gate) == "m");
    CHECK(gate.deadline() == never);
  }
  now += 1s;
  hold(gate, "waits", at(++lsn), now);
  int questions = 0;
  for (; gate.deadline() < now + 10s; ++questions) poll(gate, gate.deadline(), replayed(lsn - 1));
  CHECK(questions < 750);
  CHECK(questions > 500);
}
