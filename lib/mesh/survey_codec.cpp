#include "lib/mesh/survey_codec.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::mesh {
namespace {

namespace limits = base::limits;
using std::chrono::microseconds;

constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t longest_time = std::uint64_t{1} << 52U;  // microseconds
constexpr std::uint32_t pair_fields = 16;
constexpr std::uint32_t refused_fields = 5;
constexpr std::uint32_t seed_fields = 5;

constexpr std::uint64_t beacon_flag = 1;
constexpr std::uint64_t stream_flag = 2;
constexpr std::uint64_t large_flag = 4;
constexpr std::uint64_t all_flags = beacon_flag | stream_flag | large_flag;

// --- writing ------------------------------------------------------------------------------------

std::uint64_t whole(Duration time) {
  const auto count = std::chrono::duration_cast<microseconds>(time).count();
  return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)), longest_time);
}

// 0: there is none.
std::uint64_t optional(const std::optional<Duration>& time) {
  return time ? std::min(whole(*time) + 1, longest_time) : 0;
}

// So much of it as the other side takes, and no half a character.
std::string_view cut(std::string_view text, std::size_t most) {
  auto shown = text.substr(0, most);
  while (!base::is_utf8(shown)) {
    if (shown.empty()) return shown;
    shown.remove_suffix(1);
  }
  return shown;
}

void write(FrameWriter& frame, const PairSeen& pair) {
  const auto ahead = pair.clock_ahead.value_or(Duration::zero());
  frame.array(pair_fields)
      .origin(pair.origin)
      .text(cut(pair.name, limits::peer_name_bytes))
      .text(cut(pair.host, limits::host_bytes))
      .number(pair.publish_port)
      .number(pair.direct_port)
      .number(static_cast<std::uint64_t>(pair.state))
      .number(static_cast<std::uint64_t>(pair.lacks))
      .number(whole(pair.silent))
      .number(optional(pair.last_beacon))
      .number((pair.beacon_came ? beacon_flag : 0) | (pair.stream_came ? stream_flag : 0) |
              (pair.large_came ? large_flag : 0))
      .number(optional(pair.round_trip))
      .number(optional(pair.clock_ahead))
      .number(whole(-ahead))
      .number(static_cast<std::uint64_t>(pair.direct))
      .number(static_cast<std::uint64_t>(pair.publish));
}

void write(FrameWriter& frame, const RefusedSeen& one) {
  frame.array(refused_fields)
      .text(cut(one.host, limits::host_bytes))
      .number(one.direct_port)
      .number(static_cast<std::uint64_t>(one.why))
      .text(cut(one.detail, limits::survey_text_bytes))
      .number(whole(one.ago));
}

void write(FrameWriter& frame, const SeedSeen& seed) {
  const auto count = std::min(seed.tested.size(), limits::survey_seed_addresses);
  frame.array(seed_fields)
      .text(cut(seed.seed, limits::survey_text_bytes))
      .number(whole(seed.unanswered))
      .text(cut(seed.reason, limits::survey_text_bytes))
      .number(static_cast<std::uint64_t>(seed.answer))
      .array(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    frame.text(cut(seed.tested[i], limits::survey_text_bytes));
  }
}

template <typename Item>
void write_list(FrameWriter& frame, const std::vector<Item>& items, std::size_t most) {
  const auto count = std::min(items.size(), most);
  frame.array(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) write(frame, items[i]);
}

// --- reading ------------------------------------------------------------------------------------

Duration read_time(FrameReader& fields, const char* what) {
  return microseconds(static_cast<std::int64_t>(fields.number(what, 0, longest_time)));
}

std::optional<Duration> read_optional(FrameReader& fields, const char* what) {
  const auto time = read_time(fields, what);
  if (time == Duration::zero()) return std::nullopt;
  return time - microseconds(1);
}

template <typename Enum>
Enum read_enum(FrameReader& fields, const char* what, Enum last) {
  return static_cast<Enum>(fields.number(what, 0, static_cast<std::uint64_t>(last)));
}

void read(FrameReader& fields, PairSeen& pair) {
  pair.origin = fields.origin();
  pair.name = fields.text("peer name", limits::peer_name_bytes);
  pair.host = fields.text("host", limits::host_bytes);
  pair.publish_port = fields.port("publish port");
  pair.direct_port = fields.port("direct port");
  pair.state = read_enum(fields, "state", PeerState::gone);
  pair.lacks = read_enum(fields, "step", Handshake::subscription);
  pair.silent = read_time(fields, "silence");
  pair.last_beacon = read_optional(fields, "beacon");
  const auto flags = fields.number("flags", 0, all_flags);
  pair.beacon_came = (flags & beacon_flag) != 0;
  pair.stream_came = (flags & stream_flag) != 0;
  pair.large_came = (flags & large_flag) != 0;
  pair.round_trip = read_optional(fields, "round trip");
  pair.clock_ahead = read_optional(fields, "clock");
  const auto behind = read_time(fields, "clock");
  if (pair.clock_ahead) *pair.clock_ahead -= behind;
  pair.direct = read_enum(fields, "port answer", PortAnswer::no_answer);
  pair.publish = read_enum(fields, "port answer", PortAnswer::no_answer);
}

void read(FrameReader& fields, RefusedSeen& one) {
  one.host = fields.text("host", limits::host_bytes);
  one.direct_port = static_cast<std::uint16_t>(
      fields.number("direct port", 0, std::numeric_limits<std::uint16_t>::max()));
  one.why = read_enum(fields, "refusal", RefusedSeen::Why::other_version);
  one.detail = fields.text("detail", limits::survey_text_bytes);
  one.ago = read_time(fields, "time");
}

void read(FrameReader& fields, SeedSeen& seed) {
  seed.seed = fields.text("seed", limits::survey_text_bytes);
  seed.unanswered = read_time(fields, "time");
  seed.reason = fields.text("reason", limits::survey_text_bytes);
  seed.answer = read_enum(fields, "port answer", PortAnswer::no_answer);
  auto list = fields.array("addresses");
  if (list.left() > limits::survey_seed_addresses) list.fail("addresses");
  while (list.left() > 0 && list.cursor().problem() == nullptr) {
    seed.tested.push_back(list.text("address", limits::survey_text_bytes));
  }
}

// Grown as items come, so that a claim costs nothing.
template <typename Item>
void read_list(FrameReader& frame, const char* what, std::vector<Item>& items, std::size_t most) {
  auto list = frame.array(what);
  if (list.left() > most) list.fail(what);
  while (list.left() > 0 && list.cursor().problem() == nullptr) {
    auto fields = list.array(what);
    read(fields, items.emplace_back());
    fields.close();
  }
}

}  // namespace

void write_fields(FrameWriter& frame, const SurveyQuestion& value) {
  frame.origin(value.origin).number(value.number);
}

void write_fields(FrameWriter& frame, const SurveyAnswer& value) {
  const auto& seen = value.seen;
  frame.origin(seen.origin)
      .number(value.number)
      .text(cut(seen.version, limits::survey_text_bytes))
      .number(seen.reads)
      .number(seen.announces)
      .number(seen.has_seeds ? 1 : 0);
  write_list(frame, seen.pairs, limits::survey_members);
  write_list(frame, seen.refused, limits::survey_refused);
  write_list(frame, seen.seeds, limits::survey_seeds);
}

void write_fields(FrameWriter& frame, const PathQuestion& value) {
  frame.origin(value.origin).number(value.large ? 1 : 0);
}

void write_fields(FrameWriter& frame, const PathAnswer& value) {
  frame.origin(value.origin)
      .number(value.clock)
      .binary(std::string(value.large ? limits::large_path_bytes : 0, '\0'));
}

void read_fields(FrameReader& frame, SurveyQuestion& value) {
  value.origin = frame.origin();
  value.number = frame.number("number", 0, any_number);
}

void read_fields(FrameReader& frame, SurveyAnswer& value) {
  auto& seen = value.seen;
  seen.answered = true;
  seen.origin = frame.origin();
  value.number = frame.number("number", 0, any_number);
  seen.version = frame.text("version", limits::survey_text_bytes);
  seen.reads = frame.number("cluster", 0, any_number);
  seen.announces = frame.number("cluster", 0, any_number);
  seen.has_seeds = frame.number("seeds", 0, 1) != 0;
  read_list(frame, "pairs", seen.pairs, limits::survey_members);
  read_list(frame, "refusals", seen.refused, limits::survey_refused);
  read_list(frame, "seeds", seen.seeds, limits::survey_seeds);
}

void read_fields(FrameReader& frame, PathQuestion& value) {
  value.origin = frame.origin();
  value.large = frame.number("size", 0, 1) != 0;
}

void read_fields(FrameReader& frame, PathAnswer& value) {
  value.origin = frame.origin();
  value.clock = frame.number("clock", 0, longest_time);
  const auto padding = frame.binary("padding", 0, limits::large_path_bytes);
  value.large = padding.size() == limits::large_path_bytes;
  if (!value.large && !padding.empty()) frame.fail("padding");
}

}  // namespace tidegate::mesh
