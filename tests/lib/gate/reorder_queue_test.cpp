#include "lib/gate/reorder_queue.hpp"

#include <algorithm>
#include <tuple>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/message/footprint.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::base;
using namespace tidegate::gate;
using tidegate::testing::a_message;
using tidegate::testing::home;
using tidegate::testing::origin;

namespace {

// What the release order looks at, and nothing else.
using Key = std::tuple<TimelineId, std::uint64_t, Origin, std::uint64_t>;

Key key(const Held& held) {
  const auto at = held.message.position.value_or(Position{});
  return {at.timeline, at.lsn.bytes, held.origin, held.sequence};
}

Held held(std::string_view at, std::uint8_t from, std::uint64_t sequence) {
  return {a_message("a", "", at), origin(from), sequence, Instant{}};
}

std::vector<Key> drain(ReorderQueue& queue) {
  std::vector<Key> keys;
  while (!queue.empty()) {
    const auto first = queue.first_position();
    const auto popped = queue.pop();
    CHECK((first == popped.message.position));
    keys.push_back(key(popped));
  }
  return keys;
}

}  // namespace

TEST_CASE("the release order is timeline, LSN, origin, sequence; without a position comes first") {
  const auto in_order = [] {
    std::vector<Held> all;
    all.push_back(held("", 2, 9));
    all.push_back(held("1:0/10", 3, 8));
    all.push_back(held("1:0/20", 1, 7));
    all.push_back(held("1:0/20", 2, 5));
    all.push_back(held("1:0/20", 2, 6));
    all.push_back(held("2:0/01", 1, 1));
    return all;
  };
  std::vector<Key> expected;
  for (const auto& one : in_order()) expected.push_back(key(one));

  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  do {
    ReorderQueue queue;
    auto all = in_order();
    for (const auto i : order) queue.push(std::move(all[i]));
    if (drain(queue) != expected) FAIL_CHECK("another order");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("whatever is pushed and popped when, the least one is on top") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    ReorderQueue queue;
    std::vector<Key> oracle;
    std::uint64_t sequence = 0;
    for (int i = 0; i < 2'000; ++i) {
      if (oracle.empty() || random.below(3) > 0) {
        auto one = held("", static_cast<std::uint8_t>(random.below(3)), ++sequence);
        if (random.below(8) > 0) {
          one.message.position = Position{home, static_cast<TimelineId>(1 + random.below(3)),
                                          Lsn{1 + random.below(50)}};
        }
        oracle.push_back(key(one));
        queue.push(std::move(one));
      } else {
        std::sort(oracle.begin(), oracle.end());
        if (key(queue.pop()) != oracle.front()) FAIL_CHECK("not the least one");
        oracle.erase(oracle.begin());
      }
      REQUIRE(queue.size() == oracle.size());
    }
    std::sort(oracle.begin(), oracle.end());
    CHECK((drain(queue) == oracle));
  }
}

TEST_CASE("the bytes of the queue are the footprints of what is in it") {
  ReorderQueue queue;
  auto large = held("1:0/10", 1, 1);
  large.message.payload.assign(1000, 'x');
  const auto large_footprint = footprint(large.message);
  const auto small_footprint = footprint(held("1:0/20", 1, 2).message);
  CHECK(large_footprint == small_footprint + 1000);

  queue.push(std::move(large));
  queue.push(held("1:0/20", 1, 2));
  CHECK(queue.bytes() == large_footprint + small_footprint);
  (void)queue.pop();
  CHECK(queue.bytes() == small_footprint);
  (void)queue.pop();
  CHECK(queue.bytes() == 0);
}

TEST_CASE("a message leaves the queue as it came") {
  ReorderQueue queue;
  queue.push({a_message("a/b", "payload", "1:0/10"), origin(3), 7, Instant(Duration(5))});
  const auto back = queue.pop();
  CHECK((back.message == a_message("a/b", "payload", "1:0/10")));
  CHECK((back.origin == origin(3)));
  CHECK(back.sequence == 7);
  CHECK(back.since == Instant(Duration(5)));
}
