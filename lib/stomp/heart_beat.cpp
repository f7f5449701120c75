#include "lib/stomp/heart_beat.hpp"

#include <algorithm>

#include "lib/base/decimal.hpp"
#include "lib/base/saturated.hpp"

namespace tidegate::stomp {
namespace {

Duration interval(std::uint32_t one, std::uint32_t other) {
  if (one == 0 || other == 0) return {};
  return std::chrono::milliseconds(std::max(one, other));
}

}  // namespace

Result<HeartBeats> parse_heart_beats(std::string_view text) {
  const auto comma = std::min(text.find(','), text.size());
  const auto sends = base::parse_number<std::uint32_t>(text.substr(0, comma));
  const auto wants =
      base::parse_number<std::uint32_t>(text.substr(std::min(comma + 1, text.size())));
  if (!sends || !wants) {
    return Error{"the header heart-beat is '" + std::string(text) +
                 "'; write two numbers of milliseconds, as in 10000,10000"};
  }
  return HeartBeats{*sends, *wants};
}

void HeartBeat::agree(const HeartBeats& client, Instant now) {
  send_every_ = interval(own_heart_beats.sends, client.wants);
  expect_every_ = interval(client.sends, own_heart_beats.wants);
  heard_ = wrote_ = now;
}

Instant HeartBeat::due() const {
  return send_every_ == Duration::zero() ? never : base::later(wrote_, send_every_);
}

Instant HeartBeat::silent() const {
  return expect_every_ == Duration::zero() ? never : base::later(heard_, 2 * expect_every_);
}

}  // namespace tidegate::stomp
