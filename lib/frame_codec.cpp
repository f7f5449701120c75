#include "frame_codec.hpp"

#include <limits>

#include <msgpack.hpp>

#include "limits.hpp"
#include "utf8.hpp"

namespace tidegate {
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

  Writer& card(const Card& value) {
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
    pack_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& message : values) {
      pack_.pack_array(3);
      pack_.pack_array(static_cast<std::uint32_t>(message.topic.elements().size()));
      for (const auto& element : message.topic.elements()) text(element);
      binary(message.payload);
      position(message.position);
    }
    return *this;
  }

  std::string take() { return std::move(bytes_.text); }

 private:
  void binary(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_bin(size).pack_bin_body(value.data(), size);
  }

  Bytes bytes_;
  msgpack::packer<Bytes> pack_{bytes_};
};

std::string write(const Hello& f) { return Writer(Kind::hello, 7).card(f.card).take(); }
std::string write(const Welcome& f) { return Writer(Kind::welcome, 7).card(f.card).take(); }
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
std::string write(const Request& f) {
  return Writer(Kind::request, 4).origin(f.origin).number(f.first).number(f.last).take();
}
std::string write(const Kept& f) {
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

// Walks the elements of one array. The first element that is not what was asked for is remembered
// as `problem`; from then on every answer is empty, so that a reader checks once, at its end.
class Reader {
 public:
  Reader(const msgpack::object& object, const char* what) {
    if (object.type == msgpack::type::ARRAY) {
      array_ = object.via.array;
    } else {
      fail(what);
    }
  }

  [[nodiscard]] const char* problem() const { return problem_; }
  [[nodiscard]] std::uint32_t size() const { return array_.size; }

  void fail(const char* what) {
    if (problem_ == nullptr) problem_ = what;
  }

  std::uint64_t number(const char* what, std::uint64_t least, std::uint64_t most) {
    const auto* o = next(what);
    if (o == nullptr) return 0;
    if (o->type != msgpack::type::POSITIVE_INTEGER || o->via.u64 < least || o->via.u64 > most) {
      fail(what);
      return 0;
    }
    return o->via.u64;
  }

  std::uint16_t port(const char* what) {
    return static_cast<std::uint16_t>(number(what, 1, std::numeric_limits<std::uint16_t>::max()));
  }

  std::uint64_t sequence(const char* what, std::uint64_t least) {
    return number(what, least, std::numeric_limits<std::uint64_t>::max() / 2);
  }

  std::string text(const char* what, std::size_t most) {
    const auto* o = next(what);
    if (o == nullptr) return {};
    if (o->type != msgpack::type::STR || o->via.str.size > most ||
        !is_utf8({o->via.str.ptr, o->via.str.size})) {
      fail(what);
      return {};
    }
    return {o->via.str.ptr, o->via.str.size};
  }

  std::string binary(const char* what, std::size_t least, std::size_t most) {
    const auto* o = next(what);
    if (o == nullptr) return {};
    if (o->type != msgpack::type::BIN || o->via.bin.size < least || o->via.bin.size > most) {
      fail(what);
      return {};
    }
    return {o->via.bin.ptr, o->via.bin.size};
  }

  Origin origin() {
    Origin value;
    const auto id = binary("peer id", value.peer.bytes.size(), value.peer.bytes.size());
    std::copy(id.begin(), id.end(), value.peer.bytes.begin());
    value.incarnation = number("incarnation", 1, std::numeric_limits<std::uint64_t>::max());
    return value;
  }

  std::optional<Position> position() {
    const auto* o = next("position");
    if (o == nullptr || o->type == msgpack::type::NIL) return std::nullopt;
    Reader fields(*o, "position");
    Position value;
    value.system = fields.number("position", 0, std::numeric_limits<std::uint64_t>::max());
    value.timeline = static_cast<TimelineId>(
        fields.number("position", 1, std::numeric_limits<TimelineId>::max()));
    value.lsn.bytes = fields.number("position", 1, std::numeric_limits<std::uint64_t>::max());
    if (fields.problem() != nullptr) fail(fields.problem());
    return value;
  }

  const msgpack::object* next(const char* what) {
    if (problem_ != nullptr) return nullptr;
    if (at_ == array_.size) {
      fail(what);
      return nullptr;
    }
    return &array_.ptr[at_++];
  }

 private:
  msgpack::object_array array_{0, nullptr};
  std::uint32_t at_ = 0;
  const char* problem_ = nullptr;
};

std::optional<Topic> read_topic(Reader& message) {
  const auto* o = message.next("topic");
  if (o == nullptr) return std::nullopt;
  Reader fields(*o, "topic");
  std::vector<std::string> elements;
  elements.reserve(std::min<std::size_t>(fields.size(), limits::topic_elements));
  for (std::uint32_t i = 0; i < fields.size() && fields.problem() == nullptr; ++i) {
    elements.push_back(fields.text("topic", limits::topic_bytes));
  }
  auto topic = Topic::of(std::move(elements));
  if (fields.problem() != nullptr || !topic) {
    message.fail("topic");
    return std::nullopt;
  }
  return std::move(topic).value();
}

std::vector<Message> read_messages(Reader& frame) {
  const auto* o = frame.next("messages");
  if (o == nullptr) return {};
  Reader list(*o, "messages");
  if (list.size() == 0 || list.size() > limits::batch_messages) list.fail("messages");
  std::vector<Message> messages;
  if (list.problem() == nullptr) messages.reserve(list.size());
  while (list.problem() == nullptr && messages.size() < list.size()) {
    Reader fields(*list.next("message"), "message");
    auto topic = read_topic(fields);
    auto payload = fields.binary("payload", 0, limits::payload_bytes);
    auto position = fields.position();
    if (fields.problem() != nullptr || !topic) {
      list.fail(fields.problem());
    } else {
      messages.push_back({std::move(*topic), std::move(payload), position});
    }
  }
  if (list.problem() != nullptr) frame.fail(list.problem());
  return messages;
}

// A card, or the version of one that can't be read.
template <typename FrameWithCard>
Frame read_card(Reader& frame) {
  const auto version = frame.number("version", 1, std::numeric_limits<std::uint32_t>::max());
  if (frame.problem() == nullptr && version != protocol_version) {
    return OtherVersion{static_cast<std::uint32_t>(version)};
  }
  FrameWithCard value;
  value.card.origin = frame.origin();
  value.card.mesh = frame.text("mesh name", limits::mesh_name_bytes);
  value.card.name = frame.text("peer name", limits::peer_name_bytes);
  value.card.publish_port = frame.port("publish port");
  value.card.direct_port = frame.port("direct port");
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
      return Refusal{frame.text("reason", limits::reason_bytes)};
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
      return Request{origin, first, frame.sequence("last sequence", first)};
    }
    case Kind::kept: {
      const auto origin = frame.origin();
      return Kept{origin, frame.sequence("first sequence", 1)};
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
  // Strings and binaries refer to `bytes`; only arrays are allocated. An array of n elements takes
  // at least n bytes, so one that claims more is refused before anything is allocated for it.
  const msgpack::unpack_limit limit(bytes.size(), 0, limits::topic_bytes, limits::payload_bytes, 0,
                                    5);
  const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  try {
    bool referenced = false;
    std::size_t offset = 0;
    msgpack::object_handle handle;
    msgpack::unpack(handle, bytes.data(), bytes.size(), offset, referenced, refer, nullptr, limit);
    if (offset != bytes.size()) return Error{"a frame has bytes behind its end"};
    Reader reader(handle.get(), "frame");
    auto frame = read_frame(reader);
    if (reader.problem() != nullptr) {
      return Error{std::string("a frame has no valid ") + reader.problem()};
    }
    return frame;
  } catch (const msgpack::unpack_error&) {
    return Error{"a frame is not MessagePack, or too deep, or too large"};
  }
}

}  // namespace tidegate
