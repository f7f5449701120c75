#include "lib/gate/replay_lag.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace std::chrono_literals;
using gate::ReplayLag;

namespace {

constexpr Instant start = Instant(5h);

// Messages come one by one, and each is asked for as the gate would without any other: each 5 ms
// until that is likely to help, then each 100 us.
class Stream {
 public:
  void message(Duration lag) {
    now_ += 1min;
    const auto likely = now_ + lag_.expected();
    auto in_vain = now_ - 1min;
    auto asked = std::min<Instant>(likely, now_ + 5ms);
    while (asked < now_ + lag) {
      in_vain = asked;
      asked = asked < likely ? std::min<Instant>(likely, asked + 5ms) : asked + 100us;
    }
    lag_.shown(now_, in_vain, asked);
  }
  void messages(int count, Duration lag) {
    for (int i = 0; i < count; ++i) message(lag);
  }

  [[nodiscard]] Duration expected() const { return lag_.expected(); }
  [[nodiscard]] Instant now() const { return now_; }
  ReplayLag& lag() { return lag_; }

 private:
  ReplayLag lag_;
  Instant now_ = start;
};

}  // namespace

TEST_CASE("nothing is expected of a server that has shown nothing yet") {
  CHECK(ReplayLag().expected() == Duration::zero());
}

TEST_CASE("a lag is learned from six messages, however long it is") {
  for (const Duration lag : {1ms, 50ms, 10'000ms}) {
    Stream stream;
    stream.messages(5, lag);
    CHECK(stream.expected() == Duration::zero());
    stream.message(lag);
    CHECK(stream.expected() > lag - 400us);
    CHECK(stream.expected() < lag);
    stream.messages(100, lag);
    CHECK(stream.expected() > lag - 400us);
    CHECK(stream.expected() < lag + 100us);
  }
}

TEST_CASE("two outliers of eight change nothing") {
  for (const Duration other : {0ms, 500ms}) {
    Stream stream;
    stream.messages(50, 20ms);
    for (int i = 0; i < 200; ++i) {
      stream.message(i % 8 < 2 ? other : 20ms);
      CHECK(stream.expected() > 19ms);
      CHECK(stream.expected() < 20ms + 100us);
    }
  }
}

TEST_CASE("a server that has caught up is followed within a few messages") {
  Stream stream;
  stream.messages(10, 50ms);
  stream.messages(16, 0ms);
  CHECK(stream.expected() < 300us);
}

TEST_CASE("a change that was found by the question for another message is no sign of lateness") {
  Stream stream;
  stream.messages(10, 50ms);
  const auto expected = stream.expected();
  for (int i = 1; i <= 8; ++i) {
    const auto since = stream.now() + i * 1s;
    stream.lag().shown(since, since + 50ms - 100us, since + 50ms);
  }
  CHECK(stream.expected() > expected - 100us);
  for (int i = 9; i <= 16; ++i) {
    const auto since = stream.now() + i * 1s;
    stream.lag().shown(since, since + 20ms, since + 20ms + 100us);
  }
  CHECK(stream.expected() > 19ms);
  CHECK(stream.expected() < 20ms);
}

TEST_CASE("what the wait for a question adds to a lag is not learned") {
  Stream stream;
  const auto since = start + 1h;
  for (int i = 0; i < 8; ++i) {
    const auto each = since + i * 1s;
    stream.lag().shown(each, each + 10ms, each + 20ms);
  }
  CHECK(stream.expected() >= 10ms);
  CHECK(stream.expected() < 12ms);
}

TEST_CASE("messages whose first question was late, as the application was busy, teach no lag") {
  Stream stream;
  stream.messages(10, 0ms);
  const auto since = stream.now() + 1h;
  for (int i = 0; i < 20; ++i) {
    const auto each = since + i * 1s;
    stream.lag().shown(each, each - 1ms, each + 9ms);
    CHECK(stream.expected() == Duration::zero());
  }
}

TEST_CASE("of messages that come together one teaches") {
  Stream stream;
  stream.messages(10, 1ms);
  const auto expected = stream.expected();
  const auto since = stream.now() + 1s;
  for (int i = 0; i < 90; ++i) {
    const auto found = since + 3ms + i * 100us;
    stream.lag().shown(since + i * 1us, found - 100us, found);
  }
  CHECK(stream.expected() >= expected);
  CHECK(stream.expected() < 1ms);
}

TEST_CASE("a message whose change was shown before it came teaches nothing") {
  Stream stream;
  stream.messages(10, 5ms);
  const auto expected = stream.expected();
  for (int i = 1; i <= 8; ++i) {
    const auto since = stream.now() + i * 1s;
    stream.lag().shown(since, since - 2ms, since - 1us);
  }
  CHECK(stream.expected() == expected);
}

TEST_CASE("what one server has taught is forgotten with it") {
  Stream stream;
  stream.messages(10, 5ms);
  CHECK(stream.expected() > 4ms);
  stream.lag().forget();
  CHECK(stream.expected() == Duration::zero());
}
