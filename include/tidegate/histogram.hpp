// How often something took how long: counts by buckets that are the same in every peer and every
// version, so that those of many peers can be added up, and compared over months.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tidegate/time.hpp"

namespace tidegate {

struct Histogram {
  // The largest duration of each bucket. Longer ones have a bucket of their own.
  static constexpr std::array<Duration, 20> bounds = {
      std::chrono::microseconds(100),  std::chrono::microseconds(250),
      std::chrono::microseconds(500),  std::chrono::milliseconds(1),
      std::chrono::microseconds(2500), std::chrono::milliseconds(5),
      std::chrono::milliseconds(10),   std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),   std::chrono::milliseconds(100),
      std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
      std::chrono::seconds(1),         std::chrono::milliseconds(2500),
      std::chrono::seconds(5),         std::chrono::seconds(10),
      std::chrono::seconds(25),        std::chrono::seconds(50),
      std::chrono::seconds(100),       std::chrono::seconds(300),
  };

  std::array<std::uint64_t, bounds.size() + 1> counts{};
  double seconds = 0;  // the sum; a Duration would overflow where millions were held for hours

  // Not negative. Called for each message that was held: a few instructions.
  void add(Duration time) {
    std::size_t bucket = first_of_width[static_cast<std::size_t>(
        std::bit_width(static_cast<std::uint64_t>(time.count())))];
    while (bucket < bounds.size() && time > bounds[bucket]) ++bucket;
    ++counts[bucket];
    seconds += std::chrono::duration<double>(time).count();
  }

 private:
  // By the number of bits of a duration: the bucket of the shortest one that has as many. The right
  // one is at most two further, as the bounds lie so far apart.
  static constexpr auto first_of_width = [] {
    std::array<std::uint8_t, 65> first{};
    for (std::size_t width = 1; width < first.size(); ++width) {
      const auto shortest = std::uint64_t{1} << (width - 1);
      while (first[width] < bounds.size() &&
             static_cast<std::uint64_t>(bounds[first[width]].count()) < shortest) {
        ++first[width];
      }
    }
    return first;
  }();
};

}  // namespace tidegate
