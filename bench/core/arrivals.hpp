// Messages as a busy mesh brings them: from 16 origins in turn, 256 bytes each, about a new row
// each. Each origin lags behind by its own constant, so the positions are nearly sorted, and
// those of one origin never go back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/base/random.hpp"
#include "lib/gate/reorder_queue.hpp"
#include "tests/lib/samples.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::bench {

inline constexpr std::size_t payload_bytes = 256;
inline constexpr std::size_t origins = 16;
inline constexpr Instant start = Instant(std::chrono::hours(5));

inline Message message(std::uint64_t row) {
  return {Topic::of({"rows", "orders", std::to_string(row)}).value(),
          std::string(payload_bytes, 'x'), Position{testing::home, 1, Lsn{1}}};
}

// A reading that covers everything up to `lsn`.
inline Tide replayed(Lsn lsn) { return {{testing::home, 1}, 1, lsn, {}}; }

class Arrivals {
 public:
  Arrivals() {
    base::Random random(1);
    for (auto& lag : lags_) lag = random.below(origins * record_bytes);
  }

  [[nodiscard]] gate::Held next() {
    gate::Held held{message(count_), {}, 0, start};
    renew(held);
    return held;
  }

  // Makes the next message out of one that was released, so that it costs next to nothing.
  void renew(gate::Held& held) {
    const auto origin = count_ % origins;
    held.origin = testing::origin(static_cast<std::uint8_t>(origin + 1));
    held.sequence = count_ / origins + 1;
    held.message.position->lsn = Lsn{(count_ + origins) * record_bytes - lags_[origin]};
    ++count_;
  }

  // Nothing that has arrived lies behind it.
  [[nodiscard]] Lsn last() const { return Lsn{(count_ + origins) * record_bytes}; }

 private:
  static constexpr std::uint64_t record_bytes = 100;  // of WAL, for each change

  std::array<std::uint64_t, origins> lags_{};
  std::uint64_t count_ = 0;
};

}  // namespace tidegate::bench
