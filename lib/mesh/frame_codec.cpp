#include "lib/mesh/frame_codec.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include <msgpack.hpp>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::mesh {
namespace {

enum class Kind : std::uint8_t {
  hello = 1,
  welcome = 2,
  refusal = 3,
  ready = 4,
  listening = 5,
  data = 6,
  heartbeat = 7,
  farewell = 8,
  request = 9,
  kept = 10,
  probe = 11,
  vouch = 12,
};

// --- writing ---------------------------------------------------------------------------------

struct Bytes {
  std::string text;
  void write(const char* data, std::size_t size) { text.append(data, size); }
};

class Writer {
 public:
  Writer(Kind kind, std::uint32_t fields) {
    pack_.pack_array(fields + 1);
    pack_.pack_uint8(static_cast<std::uint8_t>(kind));
  }

  Writer& number(std::uint64_t value) {
    pack_.pack_uint64(value);
    return *this;
  }

  Writer& text(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_str(size).pack_str_body(value.data(), size);
    return *this;
  }

  Writer& origin(const Origin& value) {
    binary({reinterpret_cast<const char*>(value.peer.bytes.data()), value.peer.bytes.size()});
    return number(value.incarnation);
  }

  Writer& info(const PeerInfo& value) {
    return number(protocol_version)
        .origin(value.origin)
        .text(value.mesh)
        .text(value.name)
        .number(value.publish_port)
        .number(value.direct_port);
  }

  Writer& position(const std::optional<Position>& value) {
    if (!value) {
      pack_.pack_nil();
      return *this;
    }
    pack_.pack_array(3);
    return number(value->system).number(value->timeline).number(value->lsn.bytes);
  }

  Writer& messages(const std::vector<Message>& values) {
    make_room(values);
    pack_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& message : values) {
      pack_.pack_array(3);
      pack_.pack_array(static_cast<std::uint32_t>(message.topic.size()));
      for (const auto element : message.topic) text(element);
      binary(message.payload);
      position(message.position);
    }
    return *this;
  }

  std::string take() { return std::move(bytes_.text); }

 private:
  // At once, or a large frame would be copied each time that it outgrows its memory.
  void make_room(const std::vector<Message>& values) {
    constexpr std::size_t heads = 32;  // of a message's parts, and its position
    constexpr std::size_t element_head = 2;
    std::size_t bytes = base::limits::frame_overhead_bytes;
    for (const auto& message : values) {
      bytes += message.payload.size() + message.topic.bytes() +
               element_head * message.topic.size() + heads;
    }
    bytes_.text.reserve(bytes);
  }

  void binary(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_bin(size).pack_bin_body(value.data(), size);
  }

  Bytes bytes_;
  msgpack::packer<Bytes> pack_{bytes_};
};

std::string write(const Hello& f) { return Writer(Kind::hello, 7).info(f.info).take(); }
std::string write(const Welcome& f) { return Writer(Kind::welcome, 7).info(f.info).take(); }
std::string write(const Refusal& f) { return Writer(Kind::refusal, 1).text(f.reason).take(); }
std::string write(const Ready& f) {
  return Writer(Kind::ready, 6)
      .origin(f.origin)
      .origin(f.target)
      .number(f.first)
      .number(f.next)
      .take();
}
std::string write(const Listening& f) {
  return Writer(Kind::listening, 4).origin(f.origin).origin(f.target).take();
}
std::string write(const Data& f) {
  TIDEGATE_MUST(!f.messages.empty());
  return Writer(Kind::data, 4).origin(f.origin).number(f.first).messages(f.messages).take();
}
std::string write(const Heartbeat& f) {
  return Writer(Kind::heartbeat, 5)
      .origin(f.origin)
      .number(f.first)
      .number(f.last)
      .position(f.position)
      .take();
}
std::string write(const Farewell& f) {
  return Writer(Kind::farewell, 3).origin(f.origin).number(f.last).take();
}
std::string write(const RetransmitRequest& f) {
  return Writer(Kind::request, 4).origin(f.origin).number(f.first).number(f.last).take();
}
std::string write(const Retained& f) {
  return Writer(Kind::kept, 3).origin(f.origin).number(f.first).take();
}
std::string write(const Probe& f) {
  return Writer(Kind::probe, 4).origin(f.origin).origin(f.target).take();
}
std::string write(const Vouch& f) { return Writer(Kind::vouch, 2).origin(f.target).take(); }
std::string write(const OtherVersion&) {
  TIDEGATE_MUST(false && "only ever received");
  return {};
}

// --- reading ---------------------------------------------------------------------------------

// Steps over one value of any type, as far as it is one.
class Skipped : public msgpack::null_visitor {
 public:
  bool start_array(std::uint32_t) { return deeper(); }
  bool start_map(std::uint32_t) { return deeper(); }
  bool end_array() { return shallower(); }
  bool end_map() { return shallower(); }

 private:
  static constexpr int deepest = 8;

  bool deeper() { return ++depth_ <= deepest; }
  bool shallower() { return --depth_ >= 0; }

  int depth_ = 0;
};

// The bytes of a frame, read from front to back. It is known what has to stand there, so nothing is
// built in between, as a general unpacker has to. The first value that is not what was asked for is
// remembered as `problem`; from then on every answer is empty, so that a reader checks once, at its
// end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}

  [[nodiscard]] const char* problem() const { return problem_; }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

  void fail(const char* what) {
    if (problem_ == nullptr) problem_ = what;
    left_ = {};
  }

  std::uint32_t array(const char* what) {
    const auto lead = byte(what);
    if ((lead & 0xF0U) == 0x90) return lead & 0x0FU;
    if (lead == 0xDC) return length(2, what);
    if (lead == 0xDD) return length(4, what);
    fail(what);
    return 0;
  }

  std::uint64_t number(const char* what) {
    const auto lead = byte(what);
    if (lead < 0x80) return lead;
    if (lead >= 0xCC && lead <= 0xCF) return big_endian(std::size_t{1} << (lead - 0xCCU), what);
    if (lead >= 0xD0 && lead <= 0xD3) {
      const auto size = std::size_t{1} << (lead - 0xD0U);
      const auto value = big_endian(size, what);
      if (value >> (8 * size - 1) == 0) return value;
    }
    fail(what);
    return 0;
  }

  std::string_view text(const char* what) {
    const auto lead = byte(what);
    if ((lead & 0xE0U) == 0xA0) return take(lead & 0x1FU, what);
    if (lead >= 0xD9 && lead <= 0xDB) {
      return take(length(std::size_t{1} << (lead - 0xD9U), what), what);
    }
    fail(what);
    return {};
  }

  std::string_view binary(const char* what) {
    const auto lead = byte(what);
    if (lead >= 0xC4 && lead <= 0xC6) {
      return take(length(std::size_t{1} << (lead - 0xC4U), what), what);
    }
    fail(what);
    return {};
  }

  bool nil() {
    const bool found = !left_.empty() && left_.front() == '\xC0';
    if (found) left_.remove_prefix(1);
    return found;
  }

  void skip(const char* what) {
    Skipped value;
    std::size_t size = 0;
    if (left_.empty() || !msgpack::parse(left_.data(), left_.size(), size, value)) {
      return fail(what);
    }
    left_.remove_prefix(size);
  }

 private:
  std::uint8_t byte(const char* what) { return static_cast<std::uint8_t>(big_endian(1, what)); }

  std::uint32_t length(std::size_t size, const char* what) {
    return static_cast<std::uint32_t>(big_endian(size, what));
  }

  std::uint64_t big_endian(std::size_t size, const char* what) {
    std::uint64_t value = 0;
    for (const char byte : take(size, what)) value = value << 8U | static_cast<std::uint8_t>(byte);
    return value;
  }

  std::string_view take(std::size_t size, const char* what) {
    if (size > left_.size()) {
      fail(what);
      return {};
    }
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
  const char* problem_ = nullptr;
};

// Walks the elements of the array that comes next.
class Reader {
 public:
  Reader(Cursor& cursor, const char* what) : cursor_(cursor), left_(cursor.array(what)) {
    // Each takes a byte at least, so whoever claims more lies.
    if (left_ > cursor.left()) cursor.fail(what);
  }

  // Behind the last known element: later versions may have more.
  void close() {
    for (; left_ > 0 && cursor_.problem() == nullptr; --left_) cursor_.skip("further field");
  }

  [[nodiscard]] Cursor& cursor() { return cursor_; }
  [[nodiscard]] std::uint32_t left() const { return left_; }

  void fail(const char* what) { cursor_.fail(what); }

  std::uint64_t number(const char* what, std::uint64_t least, std::uint64_t most) {
    if (!next(what)) return 0;
    const auto value = cursor_.number(what);
    if (value < least || value > most) fail(what);
    return value;
  }

  std::uint16_t port(const char* what) {
    return static_cast<std::uint16_t>(number(what, 1, std::numeric_limits<std::uint16_t>::max()));
  }

  std::uint64_t sequence(const char* what, std::uint64_t least) {
    return number(what, least, std::numeric_limits<std::uint64_t>::max() / 2);
  }

  // UTF-8
  std::string text(const char* what, std::size_t most) {
    const auto value = raw_text(what);
    if (value.size() > most || !base::is_utf8(value)) fail(what);
    return std::string(value);
  }

  std::string_view raw_text(const char* what) {
    return next(what) ? cursor_.text(what) : std::string_view();
  }

  std::string_view binary(const char* what, std::size_t least, std::size_t most) {
    if (!next(what)) return {};
    const auto value = cursor_.binary(what);
    if (value.size() < least || value.size() > most) fail(what);
    return value;
  }

  Origin origin() {
    Origin value;
    const auto id = binary("peer id", value.peer.bytes.size(), value.peer.bytes.size());
    if (cursor_.problem() == nullptr) std::copy(id.begin(), id.end(), value.peer.bytes.begin());
    value.incarnation = number("incarnation", 1, std::numeric_limits<std::uint64_t>::max());
    return value;
  }

  std::optional<Position> position() {
    if (!next("position") || cursor_.nil()) return std::nullopt;
    Reader fields(cursor_, "position");
    Position value;
    value.system = fields.number("position", 0, std::numeric_limits<std::uint64_t>::max());
    value.timeline = static_cast<TimelineId>(
        fields.number("position", 1, std::numeric_limits<TimelineId>::max()));
    value.lsn.bytes = fields.number("position", 1, std::numeric_limits<std::uint64_t>::max());
    fields.close();
    return value;
  }

  // The next element is an array; read it before anything else.
  Reader array(const char* what) {
    next(what);
    return {cursor_, what};
  }

 private:
  bool next(const char* what) {
    if (left_ == 0) fail(what);
    if (cursor_.problem() != nullptr) return false;
    --left_;
    return true;
  }

  Cursor& cursor_;
  std::uint32_t left_;
};

using TopicElements = std::array<std::string_view, base::limits::topic_elements>;

// `elements` is room to work in.
std::optional<Topic> read_topic(Reader& message, TopicElements& elements) {
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

// Two arrays, an empty element, an empty payload and no position.
constexpr std::size_t least_message_bytes = 6;

std::vector<Message> read_messages(Reader& frame) {
  auto list = frame.array("messages");
  if (list.left() == 0 || list.left() > base::limits::batch_messages) list.fail("messages");
  TopicElements elements;
  std::vector<Message> messages;
  messages.reserve(std::min<std::size_t>(list.left(), list.cursor().left() / least_message_bytes));
  while (list.left() > 0 && list.cursor().problem() == nullptr) {
    auto fields = list.array("message");
    auto topic = read_topic(fields, elements);
    const auto payload = fields.binary("payload", 0, base::limits::payload_bytes);
    const auto position = fields.position();
    fields.close();
    if (list.cursor().problem() == nullptr) {
      messages.push_back({std::move(*topic), std::string(payload), position});
    }
  }
  return messages;
}

// A card, or the version of one that can't be read.
template <typename FrameWithCard>
Frame read_card(Reader& frame) {
  const auto version = frame.number("version", 1, std::numeric_limits<std::uint32_t>::max());
  if (frame.cursor().problem() == nullptr && version != protocol_version) {
    return OtherVersion{static_cast<std::uint32_t>(version)};
  }
  FrameWithCard value;
  value.info.origin = frame.origin();
  value.info.mesh = frame.text("mesh name", base::limits::mesh_name_bytes);
  value.info.name = frame.text("peer name", base::limits::peer_name_bytes);
  value.info.publish_port = frame.port("publish port");
  value.info.direct_port = frame.port("direct port");
  return value;
}

Frame read_data(Reader& frame) {
  Data value;
  value.origin = frame.origin();
  value.first = frame.sequence("first sequence", 1);
  value.messages = read_messages(frame);
  return value;
}

Frame read_frame(Reader& frame) {
  switch (static_cast<Kind>(frame.number("kind", 1, std::numeric_limits<std::uint8_t>::max()))) {
    case Kind::hello:
      return read_card<Hello>(frame);
    case Kind::welcome:
      return read_card<Welcome>(frame);
    case Kind::refusal:
      return Refusal{frame.text("reason", base::limits::reason_bytes)};
    case Kind::ready: {
      const auto origin = frame.origin();
      const auto target = frame.origin();
      const auto first = frame.sequence("first sequence", 1);
      return Ready{origin, target, first, frame.sequence("next sequence", first)};
    }
    case Kind::listening: {
      const auto origin = frame.origin();
      return Listening{origin, frame.origin()};
    }
    case Kind::data:
      return read_data(frame);
    case Kind::heartbeat: {
      const auto origin = frame.origin();
      const auto first = frame.sequence("first sequence", 1);
      const auto last = frame.sequence("last sequence", first - 1);
      return Heartbeat{origin, first, last, frame.position()};
    }
    case Kind::farewell: {
      const auto origin = frame.origin();
      return Farewell{origin, frame.sequence("last sequence", 0)};
    }
    case Kind::request: {
      const auto origin = frame.origin();
      const auto first = frame.sequence("first sequence", 1);
      return RetransmitRequest{origin, first, frame.sequence("last sequence", first)};
    }
    case Kind::kept: {
      const auto origin = frame.origin();
      return Retained{origin, frame.sequence("first sequence", 1)};
    }
    case Kind::probe: {
      const auto origin = frame.origin();
      return Probe{origin, frame.origin()};
    }
    case Kind::vouch:
      return Vouch{frame.origin()};
  }
  frame.fail("kind");
  return OtherVersion{};
}

}  // namespace

std::string encode(const Frame& frame) {
  return std::visit([](const auto& f) { return write(f); }, frame);
}

Result<Frame> decode(std::string_view bytes) {
  Cursor cursor(bytes);
  Reader reader(cursor, "array");
  auto frame = read_frame(reader);
  reader.close();
  if (cursor.problem() != nullptr) {
    return Error{std::string("a frame has no valid ") + cursor.problem()};
  }
  if (cursor.left() > 0) return Error{"a frame has bytes behind its end"};
  return frame;
}

}  // namespace tidegate::mesh
