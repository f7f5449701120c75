#include "lib/gate/tide_poll.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::gate;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = Instant(5h);

// From a question at that time, for one message alone, to the next one.
Duration pause_after(Duration quiet) {
  const TidePoll::Waiting alone{start, start};
  TidePoll poll;
  poll.server_up();
  REQUIRE(poll.take(alone, start + quiet));
  poll.answered(std::nullopt);
  return poll.deadline(alone) - (start + quiet);
}

}  // namespace

TEST_CASE("the server of a message that never comes is asked once a second in the end") {
  CHECK(pause_after(1s) == 20ms);
  CHECK(pause_after(10s) == 20ms);
  CHECK(pause_after(1min) == 120ms);
  CHECK(pause_after(500s) == 1s);
  CHECK(pause_after(24h) == 1s);
}

TEST_CASE("a message that comes behind one that never does is asked for within 20 ms") {
  TidePoll poll;
  poll.server_up();
  REQUIRE(poll.take({start, start}, start + 24h));
  poll.answered(std::nullopt);
  CHECK(poll.deadline({start, start}) == start + 24h + 1s);
  CHECK(poll.deadline({start, start + 24h + 1ms}) == start + 24h + 20ms);
}
