#include "lib/outbox/delivered_set.hpp"

#include <doctest/doctest.h>

using tidegate::outbox::DeliveredSet;
using Ranges = std::vector<DeliveredSet::Range>;

TEST_CASE("ids that touch become one range, whose bound is that of the latest transaction") {
  DeliveredSet set;
  set.add({5, 5, 100});
  set.add({7, 7, 90});
  CHECK(set.ranges() == Ranges{{5, 5, 100}, {7, 7, 90}});
  set.add({6, 6, 80});
  CHECK(set.ranges() == Ranges{{5, 7, 100}});
  set.add({1, 3, 70});
  set.add({2, 9, 60});
  CHECK(set.ranges() == Ranges{{1, 9, 100}});
}

TEST_CASE("a set knows the ids that it has, and no others") {
  DeliveredSet set;
  set.add({5, 6, 100});
  set.add({9, 9, 100});
  for (const auto id : {5U, 6U, 9U}) CHECK(set.has(id));
  for (const auto id : {1U, 4U, 7U, 8U, 10U}) CHECK_FALSE(set.has(id));
}

TEST_CASE("a range is forgotten once all its transactions are settled") {
  DeliveredSet set;
  set.add({1, 1, 10});
  set.add({3, 3, 20});
  set.add({5, 5, 30});
  set.forget_before(20);
  CHECK(set.ranges() == Ranges{{3, 3, 20}, {5, 5, 30}});
  set.forget_before(31);
  CHECK(set.size() == 0);
}
