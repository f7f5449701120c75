// Signs of life of one connection, agreed upon when it opens: each side says how often it can send
// something and how often it wants to hear something (milliseconds, 0: not at all), and the longer
// interval counts in each direction. An EOL is sign enough.
#pragma once

#include <cstdint>
#include <string_view>

#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::stomp {

// As in a header.
struct HeartBeats {
  std::uint32_t sends = 0;
  std::uint32_t wants = 0;
};
[[nodiscard]] Result<HeartBeats> parse_heart_beats(std::string_view text);

// Of this side: the shortest intervals that it keeps and that it asks for.
inline constexpr HeartBeats own_heart_beats{100, 100};

class HeartBeat {
 public:
  void agree(const HeartBeats& client, Instant now);

  void heard(Instant now) { heard_ = now; }
  void wrote(Instant now) { wrote_ = now; }

  // To be written then, unless something else is until then.
  [[nodiscard]] Instant due() const;
  // The other side is dead then, unless it says something until then: twice the interval, as
  // neither side keeps it to the millisecond.
  [[nodiscard]] Instant silent() const;

 private:
  Duration send_every_{};  // 0: not at all
  Duration expect_every_{};
  Instant heard_{};
  Instant wrote_{};
};

}  // namespace tidegate::stomp
