// Messages as a busy mesh brings them: from 16 origins in turn, 256 bytes each, about a new row
// each. Each origin lags behind by its own constant, so the positions are nearly sorted, and
// those of one origin never go back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "lib/base/random.hpp"
#include "lib/gate/gate.hpp"
#include "lib/message/footprint.hpp"
#include "lib/message/packed_message.hpp"
#include "tests/lib/samples.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::bench {

inline constexpr std::size_t payload_bytes = 256;
inline constexpr std::size_t origins = 16;
inline constexpr Instant start = Instant(std::chrono::hours(5));

inline Message message(std::uint64_t row) {
  static const auto history = testing::history("1");
  return {Topic::of({"rows", "orders", std::to_string(row)}).value(),
          std::string(payload_bytes, 'x'), testing::place(history, 1), std::nullopt};
}

// A reading that covers everything up to the offset.
inline Tide replayed(std::uint64_t offset) {
  static const auto history = testing::history("1");
  return {{testing::home, 1}, history, offset};
}

using Gate = gate::Gate<Origin, message::PackedMessage>;

// A message as it comes, and as it goes.
struct Arrived {
  Message message;
  Origin origin;
  std::uint64_t sequence = 0;
};

inline Gate::HeldItem packed(Arrived arrived) {
  gate::Awaited awaited{std::move(arrived.message.position), std::nullopt};
  return {message::PackedMessage(std::move(arrived.message)), std::move(awaited), arrived.origin,
          arrived.sequence, start};
}

inline Arrived unpacked(Gate::HeldItem held) {
  Arrived arrived{held.item.unpack(), held.source, held.sequence};
  arrived.message.position = std::move(held.awaited.own);
  return arrived;
}

class Arrivals {
 public:
  Arrivals() {
    base::Random random(1);
    for (auto& lag : lags_) lag = random.below(origins * record_bytes);
  }

  [[nodiscard]] Arrived next() {
    Arrived arrived{message(count_), {}, 0};
    renew(arrived);
    return arrived;
  }

  // Makes the next message out of one that was released, so that it costs next to nothing.
  void renew(Arrived& arrived) {
    const auto origin = count_ % origins;
    arrived.origin = testing::origin(static_cast<std::uint8_t>(origin + 1));
    arrived.sequence = count_ / origins + 1;
    arrived.message.position->offset = (count_ + origins) * record_bytes - lags_[origin];
    ++count_;
  }

  // Nothing that has arrived lies behind it.
  [[nodiscard]] std::uint64_t last() const { return (count_ + origins) * record_bytes; }

 private:
  static constexpr std::uint64_t record_bytes = 100;  // of WAL, for each change

  std::array<std::uint64_t, origins> lags_{};
  std::uint64_t count_ = 0;
};

}  // namespace tidegate::bench
