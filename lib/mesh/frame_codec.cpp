#include "lib/mesh/frame_codec.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <type_traits>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/mesh/frame_cursor.hpp"
#include "lib/mesh/frame_reader.hpp"
#include "lib/mesh/frame_writer.hpp"
#include "lib/mesh/survey_codec.hpp"
#include "lib/mesh/trace_codec.hpp"
#include "lib/message/headers.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate::mesh {
namespace {

// The number of a frame on the wire.
template <typename Frame>
constexpr std::uint8_t kind_of = 0;  // OtherVersion: is never written
template <>
constexpr std::uint8_t kind_of<Hello> = 1;
template <>
constexpr std::uint8_t kind_of<Welcome> = 2;
template <>
constexpr std::uint8_t kind_of<Refusal> = 3;
template <>
constexpr std::uint8_t kind_of<Ready> = 4;
template <>
constexpr std::uint8_t kind_of<Listening> = 5;
template <>
constexpr std::uint8_t kind_of<Data> = 6;
template <>
constexpr std::uint8_t kind_of<Heartbeat> = 7;
template <>
constexpr std::uint8_t kind_of<Farewell> = 8;
template <>
constexpr std::uint8_t kind_of<RetransmitRequest> = 9;
template <>
constexpr std::uint8_t kind_of<Retained> = 10;
template <>
constexpr std::uint8_t kind_of<Probe> = 11;
template <>
constexpr std::uint8_t kind_of<Vouch> = 12;
template <>
constexpr std::uint8_t kind_of<ReceiptRequest> = 13;
template <>
constexpr std::uint8_t kind_of<Receipt> = 14;
template <>
constexpr std::uint8_t kind_of<CoverageQuestion> = 15;
template <>
constexpr std::uint8_t kind_of<CoverageAnswer> = 16;
template <>
constexpr std::uint8_t kind_of<SurveyQuestion> = 21;
template <>
constexpr std::uint8_t kind_of<SurveyAnswer> = 22;
template <>
constexpr std::uint8_t kind_of<PathQuestion> = 23;
template <>
constexpr std::uint8_t kind_of<PathAnswer> = 24;
template <>
constexpr std::uint8_t kind_of<TraceRequest> = trace_request_kind;
template <>
constexpr std::uint8_t kind_of<TraceReport> = trace_report_kind;
template <>
constexpr std::uint8_t kind_of<DatagramOffer> = 25;

// The answer of a peer that reads no server; all others are above it by the number of their value.
constexpr std::uint64_t reads_none = 0;

// --- writing ---------------------------------------------------------------------------------

std::string write(const Hello& f) {
  return FrameWriter(kind_of<Hello>, 11).info(f.info).features(f.info).take();
}
std::string write(const Welcome& f) {
  return FrameWriter(kind_of<Welcome>, 11).info(f.info).features(f.info).take();
}
std::string write(const Refusal& f) {
  return FrameWriter(kind_of<Refusal>, 1).text(f.reason).take();
}
std::string write(const Ready& f) {
  return FrameWriter(kind_of<Ready>, 6)
      .origin(f.origin)
      .origin(f.target)
      .number(f.first)
      .number(f.next)
      .take();
}
std::string write(const Listening& f) {
  return FrameWriter(kind_of<Listening>, 4).origin(f.origin).origin(f.target).take();
}
// A frame of the stream stands behind its part.
std::string write(const Data& f, std::string_view part = {}) {
  TIDEGATE_MUST(!f.messages.empty());
  return FrameWriter(kind_of<Data>, 5, FrameWriter::room_for(f.messages), part)
      .origin(f.origin)
      .number(f.first)
      .messages(f.messages)
      .take();
}
constexpr std::size_t short_frame = 256;
std::string write(const Heartbeat& f, std::string_view part) {
  return FrameWriter(kind_of<Heartbeat>, 5, short_frame, part)
      .origin(f.origin)
      .number(f.first)
      .number(f.last)
      .position(f.position)
      .take();
}
std::string write(const Farewell& f, std::string_view part) {
  return FrameWriter(kind_of<Farewell>, 3, short_frame, part)
      .origin(f.origin)
      .number(f.last)
      .take();
}
std::string write(const RetransmitRequest& f) {
  return FrameWriter(kind_of<RetransmitRequest>, 4)
      .origin(f.origin)
      .number(f.first)
      .number(f.last)
      .take();
}
std::string write(const Retained& f) {
  return FrameWriter(kind_of<Retained>, 3).origin(f.origin).number(f.first).take();
}
std::string write(const Probe& f) {
  return FrameWriter(kind_of<Probe>, 4).origin(f.origin).origin(f.target).take();
}
std::string write(const Vouch& f) { return FrameWriter(kind_of<Vouch>, 2).origin(f.target).take(); }
std::string write(const ReceiptRequest& f) {
  return FrameWriter(kind_of<ReceiptRequest>, 3).origin(f.origin).number(f.last).take();
}
std::string write(const Receipt& f) {
  return FrameWriter(kind_of<Receipt>, 4).origin(f.origin).number(f.first).number(f.last).take();
}
std::string write(const CoverageQuestion& f) {
  const auto& place = f.position;
  TIDEGATE_MUST(message::is_somewhere(place));
  return FrameWriter(kind_of<CoverageQuestion>, 5)
      .origin(f.origin)
      .number(f.number)
      .position(place)
      .number(place.after == 0 ? 0 : place.offset - place.after)
      .take();
}
std::string write(const CoverageAnswer& f) {
  return FrameWriter(kind_of<CoverageAnswer>, 4)
      .origin(f.origin)
      .number(f.number)
      .number(f.covered ? 1 + static_cast<std::uint64_t>(*f.covered) : reads_none)
      .take();
}
std::string write(const DatagramOffer& f) {
  return FrameWriter(kind_of<DatagramOffer>, 9)
      .origin(f.origin)
      .origin(f.target)
      .number(f.path)
      .number(f.port)
      .number(f.capacity)
      .number(f.shared ? 1 : 0)
      .key(f.secret)
      .take();
}
// Of a frame of a survey.
template <typename Frame>
std::string write_survey(const Frame& f, std::uint32_t fields) {
  FrameWriter writer(kind_of<Frame>, fields);
  write_fields(writer, f);
  return writer.take();
}
std::string write(const SurveyQuestion& f) { return write_survey(f, survey_question_fields); }
std::string write(const SurveyAnswer& f) { return write_survey(f, survey_answer_fields); }
std::string write(const PathQuestion& f) { return write_survey(f, path_question_fields); }
std::string write(const PathAnswer& f) { return write_survey(f, path_answer_fields); }
std::string write(const OtherVersion&) {
  TIDEGATE_MUST(false && "only ever received");
  return {};
}

// --- reading ---------------------------------------------------------------------------------

using TopicElements = std::array<std::string_view, base::limits::topic_elements>;

// `elements` is room to work in.
std::optional<Topic> read_topic(FrameReader& message, TopicElements& elements) {
  auto fields = message.array("topic");
  std::size_t count = 0;
  while (fields.left() > 0 && count < elements.size()) elements[count++] = fields.raw_text("topic");
  auto topic = Topic::of_views(std::span(elements).first(count));
  if (fields.left() > 0 || !topic) {
    message.fail("topic");
    return std::nullopt;
  }
  return std::move(topic).value();
}

// Nothing is copied before all of them are found to be good.
Headers read_headers(FrameReader& message) {
  auto fields = message.array("headers");
  std::array<message::HeaderView, base::limits::message_headers> views;
  std::size_t count = 0;
  while (fields.left() > 0 && count < views.size()) {
    views[count].name = fields.raw_text("header");
    views[count++].value = fields.raw_text("header");
  }
  const auto found = std::span<const message::HeaderView>(views).first(count);
  if (fields.left() > 0 || !message::valid_headers(found)) message.fail("headers");
  std::vector<Header> headers;
  if (message.cursor().problem() != nullptr) return {};
  headers.reserve(count);
  for (const auto& view : found) {
    headers.push_back({std::string(view.name), std::string(view.value)});
  }
  return headers;
}

using Branches = std::array<const Branch*, base::limits::frame_branches>;

// How many there are, in `branches`.
std::size_t read_branches(FrameReader& frame, KnownBranches& known, Branches& branches) {
  auto list = frame.array("branches");
  if (list.left() > branches.size()) list.fail("branches");
  std::size_t count = 0;
  while (list.left() > 0 && list.cursor().problem() == nullptr) {
    branches[count++] = list.branch(known);
  }
  return count;
}

// Two arrays, an empty element, an empty payload and no positions.
constexpr std::size_t least_message_bytes = 7;

std::vector<Message> read_messages(FrameReader& frame, std::span<const Branch* const> branches) {
  auto list = frame.array("messages");
  if (list.left() == 0 || list.left() > base::limits::batch_messages) list.fail("messages");
  // Kept, since to clear it for every frame would cost as much as a part of a short one.
  static thread_local TopicElements elements;
  std::vector<Message> messages;
  messages.reserve(std::min<std::size_t>(list.left(), list.cursor().left() / least_message_bytes));
  while (list.left() > 0 && list.cursor().problem() == nullptr) {
    auto fields = list.array("message");
    auto topic = read_topic(fields, elements);
    const auto payload = fields.binary("payload", 0, base::limits::payload_bytes);
    if (!topic) break;
    messages.push_back({std::move(*topic), std::string(payload), std::nullopt, std::nullopt});
    messages.back().position = fields.place_of_change(branches);
    messages.back().inherited = fields.place(branches);
    if (fields.left() > 0) messages.back().headers = read_headers(fields);
    fields.close();
  }
  return messages;
}

// One for each frame; the template argument chooses, as the kind on the wire does.
template <typename Frame>
struct As {};

PeerInfo read_info(FrameReader& frame) {
  PeerInfo value;
  value.origin = frame.origin();
  value.mesh = frame.text("mesh name", base::limits::mesh_name_bytes);
  value.name = frame.text("peer name", base::limits::peer_name_bytes);
  value.publish_port = frame.port("publish port");
  value.direct_port = frame.port("direct port");
  value.epoch = frame.number("epoch", 0, value.origin.incarnation);
  value.stream_key = frame.key();
  value.key = frame.number("key", 0, std::numeric_limits<KeyId>::max());
  frame.features(value);
  return value;
}

Hello read(FrameReader& frame, As<Hello>) { return {read_info(frame)}; }
Welcome read(FrameReader& frame, As<Welcome>) { return {read_info(frame)}; }
Refusal read(FrameReader& frame, As<Refusal>) {
  return {frame.text("reason", base::limits::reason_bytes)};
}
Ready read(FrameReader& frame, As<Ready>) {
  const auto origin = frame.origin();
  const auto target = frame.origin();
  const auto first = frame.sequence("first sequence", 1);
  return {origin, target, first, frame.sequence("next sequence", first)};
}
Listening read(FrameReader& frame, As<Listening>) {
  const auto origin = frame.origin();
  return {origin, frame.origin()};
}
DatagramOffer read(FrameReader& frame, As<DatagramOffer>) {
  DatagramOffer value;
  value.origin = frame.origin();
  value.target = frame.origin();
  value.path = frame.number("path", 0, std::numeric_limits<PathId>::max());
  value.port = frame.port("port");
  value.capacity = static_cast<std::uint32_t>(
      frame.number("capacity", 1, std::numeric_limits<std::uint32_t>::max()));
  value.shared = frame.number("subscription", 0, 1) == 1;
  value.secret = frame.key();
  return value;
}
Data read(FrameReader& frame, KnownBranches& known, As<Data>) {
  Data value;
  value.origin = frame.origin();
  value.first = frame.sequence("first sequence", 1);
  Branches branches{};
  const auto count = read_branches(frame, known, branches);
  value.messages = read_messages(frame, std::span(branches).first(count));
  return value;
}
Heartbeat read(FrameReader& frame, KnownBranches& known, As<Heartbeat>) {
  const auto origin = frame.origin();
  const auto first = frame.sequence("first sequence", 1);
  const auto last = frame.sequence("last sequence", first - 1);
  return {origin, first, last, frame.position(known)};
}
Farewell read(FrameReader& frame, As<Farewell>) {
  const auto origin = frame.origin();
  return {origin, frame.sequence("last sequence", 0)};
}
RetransmitRequest read(FrameReader& frame, As<RetransmitRequest>) {
  const auto origin = frame.origin();
  const auto first = frame.sequence("first sequence", 1);
  return {origin, first, frame.sequence("last sequence", first)};
}
Retained read(FrameReader& frame, As<Retained>) {
  const auto origin = frame.origin();
  return {origin, frame.sequence("first sequence", 1)};
}
Probe read(FrameReader& frame, As<Probe>) {
  const auto origin = frame.origin();
  return {origin, frame.origin()};
}
Vouch read(FrameReader& frame, As<Vouch>) { return {frame.origin()}; }
ReceiptRequest read(FrameReader& frame, As<ReceiptRequest>) {
  const auto origin = frame.origin();
  return {origin, frame.sequence("last sequence", 1)};
}
Receipt read(FrameReader& frame, As<Receipt>) {
  const auto origin = frame.origin();
  const auto first = frame.sequence("first sequence", 1);
  return {origin, first, frame.sequence("last sequence", first - 1)};
}
CoverageQuestion read(FrameReader& frame, KnownBranches& known, As<CoverageQuestion>) {
  const auto origin = frame.origin();
  const auto number = frame.number("number", 0, std::numeric_limits<std::uint64_t>::max());
  auto place = frame.position(known).value_or(Position{});
  const auto span = frame.number("span", 0, std::max<std::uint64_t>(place.offset, 1) - 1);
  if (span != 0) place.after = place.offset - span;
  if (!message::is_somewhere(place)) frame.fail("position");
  return {origin, number, std::move(place)};
}
CoverageAnswer read(FrameReader& frame, As<CoverageAnswer>) {
  const auto origin = frame.origin();
  const auto number = frame.number("number", 0, std::numeric_limits<std::uint64_t>::max());
  constexpr auto last = 1 + static_cast<std::uint64_t>(Covered::unknown);
  const auto answer = frame.number("answer", 0, last);
  if (answer == reads_none) return {origin, number, std::nullopt};
  return {origin, number, static_cast<Covered>(answer - 1)};
}

template <typename Frame>
requires requires(FrameReader& frame, Frame& value) { read_fields(frame, value); }
Frame read(FrameReader& frame, As<Frame>) {
  Frame value;
  read_fields(frame, value);
  return value;
}

// These have positions.
template <typename Frame>
constexpr bool has_histories = std::is_same_v<Frame, Data> || std::is_same_v<Frame, Heartbeat> ||
                               std::is_same_v<Frame, CoverageQuestion>;
template <typename Frame>
constexpr bool introduces = std::is_same_v<Frame, Hello> || std::is_same_v<Frame, Welcome>;

// Reads a `Frame` if `kind` is its number; false if not.
template <typename Frame, typename Channel>
bool read_if(std::uint64_t kind, FrameReader& reader, KnownBranches& known, Channel& channel) {
  if constexpr (kind_of<Frame> == 0) {
    return false;
  } else {
    if (kind != kind_of<Frame>) return false;
    if constexpr (introduces<Frame>) {
      const auto version = reader.number("version", 1, std::numeric_limits<std::uint32_t>::max());
      if (reader.cursor().problem() == nullptr && version != protocol_version) {
        channel = OtherVersion{static_cast<std::uint32_t>(version)};
        return true;
      }
    }
    if constexpr (std::is_same_v<Frame, TraceRequest> || std::is_same_v<Frame, TraceReport>) {
      read_trace(reader, channel);
    } else if constexpr (has_histories<Frame>) {
      channel = read(reader, known, As<Frame>());
    } else {
      channel = read(reader, As<Frame>());
    }
    return true;
  }
}

// A frame of that number can be on the channel.
template <typename... Frames>
constexpr bool carries(const std::variant<Frames...>*, std::uint64_t kind) {
  return ((kind == kind_of<Frames>) || ...);
}

bool is_known(std::uint64_t kind) {
  constexpr const CallFrame* calls = nullptr;
  constexpr const AnswerFrame* answers = nullptr;
  constexpr const StreamFrame* stream = nullptr;
  return carries(calls, kind) || carries(answers, kind) || carries(stream, kind);
}

template <typename... Frames>
bool read_one(std::uint64_t kind, FrameReader& reader, KnownBranches& known,
              std::variant<Frames...>& channel) {
  return (read_if<Frames>(kind, reader, known, channel) || ...);
}

}  // namespace

std::string encode(const CallFrame& frame) {
  return std::visit([](const auto& f) { return write(f); }, frame);
}
std::string encode(const AnswerFrame& frame) {
  return std::visit([](const auto& f) { return write(f); }, frame);
}
std::string encode(const StreamFrame& frame, std::string_view part) {
  return std::visit([&](const auto& f) { return write(f, part); }, frame);
}
std::string encode(const Data& data) { return write(data); }

template <typename Channel>
Decoded<Channel> decode(std::string_view bytes, KnownBranches& known) {
  FrameCursor cursor(bytes);
  FrameReader reader(cursor, "array");
  const auto kind = reader.number("kind", 1, std::numeric_limits<std::uint8_t>::max());
  if (cursor.problem() == nullptr && !is_known(kind)) cursor.fail("kind");
  Decoded<Channel> decoded;
  if (cursor.problem() == nullptr && !read_one(kind, reader, known, std::get<Channel>(decoded))) {
    return Misplaced{};
  }
  reader.close();
  if (cursor.problem() != nullptr) {
    return Malformed{std::string("a frame has no valid ") + cursor.problem()};
  }
  if (cursor.left() > 0) return Malformed{"a frame has bytes behind its end"};
  return decoded;
}

template Decoded<CallFrame> decode<CallFrame>(std::string_view bytes, KnownBranches& known);
template Decoded<AnswerFrame> decode<AnswerFrame>(std::string_view bytes, KnownBranches& known);
template Decoded<StreamFrame> decode<StreamFrame>(std::string_view bytes, KnownBranches& known);

}  // namespace tidegate::mesh
