#include "lib/gate/reorder_queue.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::gate;
using tidegate::base::Random;
using tidegate::testing::place;
using tidegate::testing::position;

namespace {

struct Bulk {
  std::size_t bytes = 1;

  [[nodiscard]] std::size_t footprint() const { return bytes; }
  void prefetch() const {}
};
using Queue = ReorderQueue<int, Bulk>;
using One = Queue::HeldItem;

// The parts of an item that the release order looks at, and nothing else.
using Key = std::tuple<TimelineId, std::uint64_t, int, std::uint64_t>;

Key key(const One& held) {
  const auto at = held.awaited.own.value_or(Position{});
  return {at.timeline(), at.offset, held.source, held.sequence};
}

One held(std::string_view at, int source, std::uint64_t sequence) {
  const auto own = at.empty() ? std::nullopt : std::optional(position(at));
  return {{}, {own, std::nullopt}, source, sequence, Instant{}};
}

std::vector<Key> drain(Queue& queue) {
  std::vector<Key> keys;
  while (!queue.empty()) {
    const auto first = queue.first_awaited();
    const auto popped = queue.pop();
    CHECK((first.own == popped.awaited.own));
    keys.push_back(key(popped));
  }
  return keys;
}

}  // namespace

TEST_CASE("the release order is timeline, LSN, source; without a position comes first") {
  const auto in_order = [] {
    std::vector<One> all;
    all.push_back(held("", 6, 9));
    all.push_back(held("1:0/10", 5, 8));
    all.push_back(held("1:0/20", 1, 7));
    all.push_back(held("1:0/20", 2, 5));
    all.push_back(held("1:0/20", 3, 6));
    all.push_back(held("2:0/01", 4, 1));
    return all;
  };
  std::vector<Key> expected;
  for (const auto& one : in_order()) expected.push_back(key(one));

  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  do {
    Queue queue;
    auto all = in_order();
    for (const auto i : order) queue.push(std::move(all[i]));
    if (drain(queue) != expected) FAIL_CHECK("another order");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("the place behind which a change lies comes back, unless it is very far") {
  constexpr std::uint64_t far = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t base = 10 * far;
  Queue queue;
  std::uint64_t sequence = 0;
  for (const auto after : {base - 1, std::uint64_t{0}, base - far, base - far - 1, base - 9}) {
    auto one = held("1:0/10", 1, ++sequence);
    one.awaited.own->offset = base;
    one.awaited.own->after = after;
    queue.push(std::move(one));
  }
  for (const auto after : {base - 1, std::uint64_t{0}, base - far, std::uint64_t{0}, base - 9}) {
    if (sequence-- < 5) CHECK(queue.first_awaited().own->after == after);
    CHECK(queue.pop().awaited.own->after == after);
  }
}

TEST_CASE("the messages of one source leave as they came, whatever their positions say") {
  Queue queue;
  queue.push(held("2:0/50", 1, 1));
  queue.push(held("1:0/10", 1, 2));
  queue.push(held("", 1, 4));  // a sequence is left out
  queue.push(held("2:0/49", 1, 5));
  queue.push(held("2:0/40", 2, 1));
  queue.push(held("2:0/60", 3, 1));
  const std::vector<Key> expected = {{2, 0x40, 2, 1}, {2, 0x50, 1, 1}, {1, 0x10, 1, 2},
                                     {0, 0, 1, 4},    {2, 0x49, 1, 5}, {2, 0x60, 3, 1}};
  CHECK((drain(queue) == expected));
}

TEST_CASE("whatever is pushed and popped when, the front that is least is on top") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Queue queue;
    std::map<int, std::vector<Key>> oracle;  // what each source has there
    std::size_t size = 0;
    std::uint64_t sequence = 0;
    const auto pop = [&] {
      auto* least = static_cast<std::vector<Key>*>(nullptr);
      for (auto& [source, line] : oracle) {
        if (!line.empty() && (least == nullptr || line.front() < least->front())) least = &line;
      }
      if (key(queue.pop()) != least->front()) FAIL_CHECK("not the least one");
      least->erase(least->begin());
      --size;
    };
    for (int i = 0; i < 2'000; ++i) {
      if (size == 0 || random.below(3) > 0) {
        sequence += 1 + random.below(2);
        auto one = held("", static_cast<int>(random.below(3)), sequence);
        if (random.below(8) > 0) {
          const auto timeline = static_cast<TimelineId>(1 + random.below(3));
          one.awaited.own = place(timeline, 1 + random.below(50));
        }
        oracle[one.source].push_back(key(one));
        ++size;
        queue.push(std::move(one));
      } else {
        pop();
      }
      REQUIRE(queue.size() == size);
    }
    while (size > 0) pop();
    CHECK(queue.empty());
  }
}

TEST_CASE("sources that come once and go leave nothing behind, and those that stay are found") {
  Queue queue;
  for (int source = 0; source < 1'000; ++source) {
    queue.push(held("1:0/10", source, 1));
    (void)queue.pop();
  }
  queue.push(held("1:0/10", 3, 2));
  CHECK(key(queue.pop()) == Key{1, 0x10, 3, 2});
}

TEST_CASE("by arrival the order is arrival, source, sequence") {
  Queue queue(ReleaseOrder::arrival);
  const auto arrived = [&](std::string_view at, int source, std::uint64_t sequence, int when) {
    auto one = held(at, source, sequence);
    one.since = Instant(Duration(when));
    queue.push(std::move(one));
  };
  arrived("2:0/50", 2, 1, 1);
  arrived("1:0/10", 1, 1, 2);
  arrived("", 3, 1, 3);
  arrived("1:0/09", 1, 2, 3);
  const std::vector<Key> expected = {
      {2, 0x50, 2, 1}, {1, 0x10, 1, 1}, {1, 0x09, 1, 2}, {0, 0, 3, 1}};
  CHECK((drain(queue) == expected));
}

TEST_CASE("what is old is taken as it came, and the others keep their order") {
  Queue queue;
  const auto arrived = [&](std::string_view at, int source, std::uint64_t sequence, int when) {
    auto one = held(at, source, sequence);
    one.since = Instant(Duration(when));
    queue.push(std::move(one));
  };
  arrived("2:0/50", 2, 1, 1);
  arrived("2:0/60", 2, 2, 4);
  arrived("1:0/10", 1, 1, 2);
  arrived("1:0/20", 1, 2, 3);
  arrived("1:0/30", 1, 3, 5);
  auto old = queue.take_old(Instant(Duration(3)));
  std::vector<Key> taken;
  for (const auto& one : old.held) taken.push_back(key(one));
  CHECK((taken == std::vector<Key>{{2, 0x50, 2, 1}, {1, 0x10, 1, 1}, {1, 0x20, 1, 2}}));
  CHECK((old.oldest_left == Instant(Duration(4))));
  CHECK(queue.bytes() == 2);
  CHECK((drain(queue) == std::vector<Key>{{1, 0x30, 1, 3}, {2, 0x60, 2, 2}}));
}

TEST_CASE("the bytes of the queue are the footprints of its items") {
  Queue queue;
  auto large = held("1:0/10", 1, 1);
  large.item.bytes = 1000;
  queue.push(std::move(large));
  queue.push(held("1:0/20", 1, 2));
  CHECK(queue.bytes() == 1001);
  (void)queue.pop();
  CHECK(queue.bytes() == 1);
  (void)queue.pop();
  CHECK(queue.bytes() == 0);
}

TEST_CASE("a message leaves the queue as it came") {
  Queue queue;
  queue.push({{5}, {position("1:0/10"), position("2:0/7")}, 3, 7, Instant(Duration(5))});
  const auto back = queue.pop();
  CHECK(back.item.bytes == 5);
  CHECK((back.awaited.own == position("1:0/10")));
  CHECK((back.awaited.inherited == position("2:0/7")));
  CHECK(back.source == 3);
  CHECK(back.sequence == 7);
  CHECK(back.since == Instant(Duration(5)));
}
