#include <array>
#include <cstdio>
#include <memory>
#include <thread>

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include "peer/io/clock.hpp"
#include "peer/io/reactor.hpp"

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

// Counts its calls.
struct Calls {
  Reactor::ReadyCallback callback() {
    return [this](Readiness) { ++count; };
  }
  // Since the last question, in one run of the reactor that does not wait.
  int after_run(Reactor& reactor) {
    count = 0;
    reactor.run_once(std::chrono::milliseconds(0));
    return count;
  }
  int count = 0;
};

bool readable(const Reactor& reactor) {
  pollfd look{reactor.descriptor(), POLLIN, 0};
  return poll(&look, 1, 0) == 1;
}

constexpr auto long_wait = std::chrono::seconds(5);

}  // namespace

TEST_CASE(
    "a connection is watched for the readiness that it wishes, and no longer when it has no "
    "socket") {
  Reactor reactor;
  Calls calls;
  Pipe pipe;
  auto watch = reactor.watch({pipe.out.get(), true, false, 1}, calls.callback());
  CHECK(calls.after_run(reactor) == 0);
  pipe.fill();
  CHECK(calls.after_run(reactor) == 1);
  watch.follow({pipe.out.get(), false, false, 1});
  CHECK(calls.after_run(reactor) == 0);
  watch.follow({pipe.out.get(), true, false, 2});  // the same socket after all
  CHECK(calls.after_run(reactor) == 1);
  watch.stop();
  CHECK(calls.after_run(reactor) == 0);
}

TEST_CASE("a socket that got the number of a closed connection stays watched") {
  Reactor reactor;
  Calls of_connection;
  Calls of_next;
  auto closed = std::make_unique<Pipe>();
  const int number = closed->out.get();
  auto connection = reactor.watch({number, true, false, 1}, of_connection.callback());
  closed.reset();
  Pipe next;
  REQUIRE(next.out.get() == number);
  const auto watch = reactor.watch_input(number, of_next.callback());
  connection.follow({-1, false, false, 2});
  next.fill();
  CHECK(of_next.after_run(reactor) == 1);
  CHECK(of_connection.count == 0);
}

TEST_CASE("a callback may stop its own watch and those that are ready beside it") {
  Reactor reactor;
  Pipe one;
  Pipe other;
  one.fill();
  other.fill();
  int calls = 0;
  std::array<Reactor::Watch, 2> watches;
  const auto stop_both = [&](Readiness) {
    ++calls;
    for (auto& watch : watches) watch.stop();
  };
  watches[0] = reactor.watch_input(one.out.get(), stop_both);
  watches[1] = reactor.watch_input(other.out.get(), stop_both);
  reactor.run_once(std::chrono::milliseconds(0));
  reactor.run_once(std::chrono::milliseconds(0));
  CHECK(calls == 1);
}

TEST_CASE("an error is told though nothing was asked for, and a file is always ready") {
  Reactor reactor;
  Pipe pipe;
  bool error = false;
  auto watch = reactor.watch({pipe.in.get(), false, false, 0},
                             [&](Readiness ready) { error = error || ready.error; });
  CHECK_FALSE(readable(reactor));
  pipe.out = Descriptor();
  reactor.run_once(long_wait);
  CHECK(error);
  watch.stop();

  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  Calls calls;
  auto of_file = reactor.watch_input(fileno(file.get()), calls.callback());
  CHECK(readable(reactor));
  CHECK(calls.after_run(reactor) == 1);
  of_file.stop();
  CHECK_FALSE(readable(reactor));
}

TEST_CASE("a timer that is due at once ends the wait for a later one") {
  Reactor reactor;
  auto timer = reactor.timer();
  CHECK_FALSE(readable(reactor));
  timer.set(Instant::min());
  timer.set(Instant::min());
  CHECK(readable(reactor));
  reactor.run_once(long_wait);
  CHECK(readable(reactor));
  timer.set(clock_now() + std::chrono::hours(1));
  CHECK_FALSE(readable(reactor));
  timer.set(Instant::min());
  timer.set(clock_now() - std::chrono::seconds(1));  // over, but not said to be at once
  CHECK(readable(reactor));
  reactor.run_once(long_wait);
  timer.set(never);
  CHECK_FALSE(readable(reactor));
}

TEST_CASE("of several timers those that are due are called") {
  Reactor reactor;
  int due = 0;
  int later = 0;
  auto first = reactor.timer([&] { ++due; });
  auto second = reactor.timer([&] { ++later; });
  second.set(clock_now() + std::chrono::hours(1));
  first.set(clock_now() + std::chrono::milliseconds(1));
  reactor.run_once(long_wait);
  CHECK(due == 1);
  first.set(never);
  CHECK_FALSE(readable(reactor));
  CHECK(later == 0);
}

TEST_CASE("another thread ends the wait, and a wake-up before it is not lost") {
  Reactor reactor;
  reactor.wake();
  reactor.wake();
  CHECK(readable(reactor));
  reactor.run_once(long_wait);
  CHECK_FALSE(readable(reactor));
  const auto begin = clock_now();
  std::thread other([&] { reactor.wake(); });
  reactor.run_once(long_wait);
  other.join();
  CHECK(clock_now() - begin < long_wait);
}
