// Whether a load balancer may send readers to the server of a peer.
#include "command/readiness.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::command;

namespace {

Status waiting_for(Duration time) {
  Status status;
  status.gated = true;
  status.tide.emplace();
  status.held = time > Duration::zero() ? 1 : 0;
  status.held_longest = time;
  return status;
}

}  // namespace

TEST_CASE("the lag is the wait of the oldest message for the server, not for the application") {
  auto status = waiting_for(0s);
  CHECK(lag(status) == Duration::zero());
  status = waiting_for(40s);
  CHECK(lag(status) == 40s);
  status.taking = false;
  CHECK(lag(status) == Duration::zero());
  status.tide.reset();
  CHECK(lag(status) == std::nullopt);
}

TEST_CASE("a server is ready while it answers and its lag is within the bound") {
  CHECK(readiness(waiting_for(5s), 5s).ready);
  const auto late = readiness(waiting_for(6s), 5s);
  CHECK_FALSE(late.ready);
  CHECK(late.text ==
        "not ready: a change that was announced 6.0 s ago is not shown; the bound is 5s");
  auto silent = waiting_for(0s);
  silent.tide.reset();
  CHECK_FALSE(readiness(silent, 5s).ready);
  CHECK(readiness(Status{}, 5s).ready);
}
