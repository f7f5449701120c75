// Builds the bytes of one frame, field by field, in the order in which PROTOCOL.md lists them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <msgpack.hpp>

#include "lib/base/limits.hpp"
#include "lib/mesh/branch_bytes.hpp"
#include "lib/mesh/branch_table.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate::mesh {

class FrameWriter {
 public:
  // `fields` behind the kind; `room`, in bytes, is better too large than too small. The frame
  // stands behind `before`.
  FrameWriter(std::uint8_t kind, std::uint32_t fields, std::size_t room = 256,
              std::string_view before = {}) {
    bytes_.text.reserve(before.size() + room);
    if (!before.empty()) bytes_.write(before.data(), before.size());
    pack_.pack_array(fields + 1);
    pack_.pack_uint8(kind);
  }

  // For a Data with these, unless their histories are long.
  static std::size_t room_for(const std::vector<Message>& values) {
    constexpr std::size_t frame_head = 128;
    constexpr std::size_t heads = 32;  // of a message's parts, and its positions
    constexpr std::size_t element_head = 2;
    std::size_t bytes = frame_head;
    for (const auto& message : values) {
      bytes += message.payload.size() + message.topic.bytes() +
               element_head * message.topic.size() + heads;
      // Their overhead there has room for their heads.
      bytes += message::footprint(message.headers);
    }
    return bytes;
  }

  FrameWriter& number(std::uint64_t value) {
    pack_.pack_uint64(value);
    return *this;
  }

  FrameWriter& text(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_str(size).pack_str_body(value.data(), size);
    return *this;
  }

  FrameWriter& binary(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_bin(size).pack_bin_body(value.data(), size);
    return *this;
  }

  // So many elements follow.
  FrameWriter& array(std::uint32_t size) {
    pack_.pack_array(size);
    return *this;
  }

  FrameWriter& origin(const Origin& value) {
    binary({reinterpret_cast<const char*>(value.peer.bytes.data()), value.peer.bytes.size()});
    return number(value.incarnation);
  }

  // Empty: there is none.
  FrameWriter& key(const StreamKey& value) {
    const bool none = value == StreamKey{};
    binary({reinterpret_cast<const char*>(value.data()), none ? 0 : value.size()});
    return *this;
  }

  FrameWriter& info(const PeerInfo& value) {
    return number(protocol_version)
        .origin(value.origin)
        .text(value.mesh)
        .text(value.name)
        .number(value.publish_port)
        .number(value.direct_port)
        .number(value.epoch)
        .key(value.stream_key)
        .number(value.key);
  }

  // Behind the info.
  FrameWriter& features(const PeerInfo& value);

  // Instant{}: there is none.
  FrameWriter& instant(Instant value);

  // An array of so many fields, which follow; or nil, and none do.
  bool array_or_nil(bool there, std::uint32_t fields);

  // Whole, with its history.
  FrameWriter& position(const std::optional<Position>& value) {
    if (!value) {
      pack_.pack_nil();
      return *this;
    }
    pack_.pack_array(2);
    branch(value->branch);
    return number(value->offset);
  }

  // The branches, and the messages with places on them.
  FrameWriter& messages(const std::vector<Message>& values) {
    BranchTable branches;
    for (const auto& message : values) branches.add(message);
    pack_.pack_array(static_cast<std::uint32_t>(branches.size()));
    for (const auto* one : branches) branch(*one);
    pack_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& one : values) message(one, branches);
    return *this;
  }

  std::string take() {
    bytes_.text.resize(bytes_.size);
    return std::move(bytes_.text);
  }

 private:
  void branch(const Branch& value) {
    const auto size = branch_size(value);
    pack_.pack_bin(static_cast<std::uint32_t>(size));
    write_branch(value, bytes_.next(size));
  }

  void message(const Message& value, const BranchTable& branches) {
    const bool has_headers = !value.headers.empty();
    pack_.pack_array(2 + (value.position ? 3 : 1) + (value.inherited ? 2 : 1) +
                     (has_headers ? 1 : 0));
    pack_.pack_array(static_cast<std::uint32_t>(value.topic.size()));
    for (const auto element : value.topic) text(element);
    binary(value.payload);
    place(value.position, branches);
    if (const auto& own = value.position) number(own->after == 0 ? 0 : own->offset - own->after);
    place(value.inherited, branches);
    if (has_headers) headers(value.headers);
  }

  // Name and value in turn.
  void headers(const Headers& values) {
    pack_.pack_array(static_cast<std::uint32_t>(2 * values.size()));
    for (const auto& header : values) text(header.name).text(header.value);
  }

  // The number of the branch and the offset, or 0.
  void place(const std::optional<Position>& value, const BranchTable& branches) {
    number(value ? branches.number_of(value->branch) : 0);
    if (value) number(value->offset);
  }

  // The sink that msgpack writes to. Nearly all that it writes is a few bytes, and to append them
  // to a string costs more than to make them: so the string is kept a piece longer than it is.
  struct Bytes {
    std::string text;
    std::size_t size = 0;  // of the frame in it

    // Memory for so many bytes, which count as written.
    char* next(std::size_t bytes) {
      constexpr std::size_t piece = 1024;
      if (text.size() - size < bytes) text.resize(size + bytes + piece);
      return text.data() + std::exchange(size, size + bytes);
    }
    void write(const char* data, std::size_t bytes) { std::memcpy(next(bytes), data, bytes); }
  };

  Bytes bytes_;
  msgpack::packer<Bytes> pack_{bytes_};
};

}  // namespace tidegate::mesh
