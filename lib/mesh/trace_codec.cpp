#include "lib/mesh/trace_codec.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/mesh/frame_writer.hpp"

namespace tidegate::mesh {

FrameWriter& FrameWriter::features(const PeerInfo& value) {
  return number(value.traces ? feature_traces : 0);
}

FrameWriter& FrameWriter::instant(Instant value) {
  return number(static_cast<std::uint64_t>(value.time_since_epoch().count()));
}

bool FrameWriter::array_or_nil(bool there, std::uint32_t fields) {
  if (there) {
    pack_.pack_array(fields);
  } else {
    pack_.pack_nil();
  }
  return there;
}

void FrameReader::features(PeerInfo& value) {
  constexpr auto any = std::numeric_limits<std::uint64_t>::max();
  const auto bits = left_ > 0 ? number("features", 0, any) : 0;
  value.traces = (bits & feature_traces) != 0;
}

Instant FrameReader::instant(const char* what) {
  // 36 years: a few of them can be added up.
  const auto value = number(what, 0, std::uint64_t{1} << 60U);
  return Instant(Duration(static_cast<std::int64_t>(value)));
}

std::optional<FrameReader> FrameReader::array_or_nil(const char* what) {
  if (!next(what) || cursor_.nil()) return std::nullopt;
  return FrameReader(cursor_, what);
}

namespace {

std::optional<SendingSteps> read_sending(FrameReader& frame) {
  auto fields = frame.array_or_nil("sending");
  if (!fields) return std::nullopt;
  constexpr auto last = static_cast<std::uint64_t>(Traced::Fate::other_primary);
  const auto fate = static_cast<Traced::Fate>(fields->number("fate", 1, last));
  const auto sequence = fields->sequence("sequence", 0);
  if ((fate == Traced::Fate::sent) != (sequence != 0)) fields->fail("sequence");
  const auto published = fields->instant("time");
  const auto asked = fields->instant("time");
  const auto answered = fields->instant("time");
  const auto left = fields->instant("time");
  // Each character may be escaped, and stand between two others.
  constexpr auto longest = 2 * base::limits::topic_bytes + base::limits::topic_elements;
  auto topic = Topic::parse(fields->text("topic", longest));
  if (!topic) fields->fail("topic");
  fields->close();
  if (!topic) return std::nullopt;
  return SendingSteps{fate, sequence, published, asked, answered, left, std::move(*topic)};
}
std::optional<ReceivingSteps> read_receiving(FrameReader& frame) {
  auto fields = frame.array_or_nil("receiving");
  if (!fields) return std::nullopt;
  constexpr auto last = static_cast<std::uint64_t>(TracedFate::overdue);
  ReceivingSteps value;
  value.fate = static_cast<TracedFate>(fields->number("fate", 0, last));
  value.arrived = fields->instant("time");
  value.taken = fields->instant("time");
  value.asked = fields->instant("time");
  value.shown = fields->instant("time");
  value.left = fields->instant("time");
  fields->close();
  return value;
}

}  // namespace

std::string write(const TraceRequest& f) {
  FrameWriter frame(trace_request_kind, 6);
  frame.origin(f.origin).number(f.number).instant(f.asked).text(to_string(f.pattern));
  if (frame.array_or_nil(f.message.has_value(), 3)) {
    frame.origin(f.message->origin).number(f.message->sequence);
  }
  return frame.take();
}
std::string write(const TraceReport& f) {
  FrameWriter frame(trace_report_kind, 8);
  frame.origin(f.origin).number(f.number).instant(f.asked).instant(f.clock).number(f.refused);
  if (frame.array_or_nil(f.sending.has_value(), 7)) {
    const auto& at = *f.sending;
    frame.number(static_cast<std::uint64_t>(at.fate)).number(at.sequence);
    frame.instant(at.published).instant(at.asked).instant(at.answered).instant(at.left);
    frame.text(to_string(at.topic));
  }
  if (frame.array_or_nil(f.receiving.has_value(), 6)) {
    const auto& at = *f.receiving;
    frame.number(static_cast<std::uint64_t>(at.fate)).instant(at.arrived).instant(at.taken);
    frame.instant(at.asked).instant(at.shown).instant(at.left);
  }
  return frame.take();
}

void read_trace(FrameReader& frame, CallFrame& request) {
  TraceRequest value;
  value.origin = frame.origin();
  value.number = frame.number("number", 0, std::numeric_limits<std::uint64_t>::max());
  value.asked = frame.instant("time");
  auto pattern = Pattern::parse(frame.text("pattern", base::limits::trace_pattern_bytes));
  if (!pattern) frame.fail("pattern");
  if (pattern) value.pattern = std::move(*pattern);
  if (auto message = frame.array_or_nil("message")) {
    const auto origin = message->origin();
    value.message = PublishedMessage{origin, message->sequence("sequence", 1)};
    message->close();
  }
  request = std::move(value);
}
void read_trace(FrameReader& frame, AnswerFrame& report) {
  TraceReport value;
  value.origin = frame.origin();
  value.number = frame.number("number", 0, std::numeric_limits<std::uint64_t>::max());
  value.asked = frame.instant("time");
  value.clock = frame.instant("time");
  value.refused = frame.number("refused", 0, 1) == 1;
  value.sending = read_sending(frame);
  value.receiving = read_receiving(frame);
  report = std::move(value);
}

}  // namespace tidegate::mesh
