#include <array>
#include <memory>

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include "peer/io/clock.hpp"
#include "peer/io/event_set.hpp"

using namespace tidegate;
using namespace tidegate::io;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
  void fill() const { CHECK(write(in.get(), "x", 1) == 1); }

  Descriptor out;
  Descriptor in;
};

using Tokens = std::vector<EventSet::Token>;
constexpr auto at_once = std::chrono::milliseconds(0);

}  // namespace

TEST_CASE("a connection is watched for what it wishes, and no longer when it has no socket") {
  EventSet events;
  EventSet::Connection connection(5);
  Pipe pipe;
  events.follow(connection, {pipe.out.get(), true, false, 1});
  CHECK(events.wait(at_once).empty());
  pipe.fill();
  CHECK(events.wait(at_once) == Tokens{5});
  events.follow(connection, {pipe.out.get(), false, false, 1});
  CHECK(events.wait(at_once).empty());
  events.follow(connection, {pipe.out.get(), true, false, 2});  // the same socket after all
  CHECK(events.wait(at_once) == Tokens{5});
}

TEST_CASE("a socket that got the number of a closed connection stays watched") {
  EventSet events;
  EventSet::Connection connection(5);
  auto closed = std::make_unique<Pipe>();
  const int number = closed->out.get();
  events.follow(connection, {number, true, false, 1});
  closed.reset();
  Pipe next;
  REQUIRE(next.out.get() == number);
  events.add(number, 7);
  events.follow(connection, {-1, false, false, 2});
  next.fill();
  CHECK(events.wait(at_once) == Tokens{7});
}

TEST_CASE("what is due at once ends the wait until something later is due") {
  EventSet events;
  const auto readable = [&] {
    pollfd look{events.descriptor(), POLLIN, 0};
    return poll(&look, 1, 0) == 1;
  };
  events.wake_at(never);
  CHECK_FALSE(readable());
  events.wake_at(Instant::min());
  events.wake_at(Instant::min());
  CHECK(readable());
  CHECK(events.wait(std::chrono::seconds(5)).empty());
  CHECK(readable());
  events.wake_at(clock_now() + std::chrono::hours(1));
  CHECK_FALSE(readable());
  events.wake_at(Instant::min());
  events.wake_at(clock_now() - std::chrono::seconds(1));  // over, but not said to be at once
  CHECK(readable());
  CHECK(events.wait(std::chrono::seconds(5)).empty());
  events.wake_at(never);
  CHECK_FALSE(readable());
}
