// Builds the bytes of one frame, field by field, in the order in which PROTOCOL.md lists them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <msgpack.hpp>

#include "lib/base/limits.hpp"
#include "lib/mesh/frame.hpp"

namespace tidegate::mesh {

class FrameWriter {
 public:
  // `fields` behind the kind.
  FrameWriter(std::uint8_t kind, std::uint32_t fields) {
    pack_.pack_array(fields + 1);
    pack_.pack_uint8(kind);
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

  FrameWriter& origin(const Origin& value) {
    binary({reinterpret_cast<const char*>(value.peer.bytes.data()), value.peer.bytes.size()});
    return number(value.incarnation);
  }

  FrameWriter& info(const PeerInfo& value) {
    return number(protocol_version)
        .origin(value.origin)
        .text(value.mesh)
        .text(value.name)
        .number(value.publish_port)
        .number(value.direct_port);
  }

  FrameWriter& position(const std::optional<Position>& value) {
    if (!value) {
      pack_.pack_nil();
      return *this;
    }
    pack_.pack_array(3);
    return number(value->system).number(value->timeline).number(value->lsn.bytes);
  }

  FrameWriter& messages(const std::vector<Message>& values) {
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

  // What msgpack writes to.
  struct Bytes {
    std::string text;
    void write(const char* data, std::size_t size) { text.append(data, size); }
  };

  Bytes bytes_;
  msgpack::packer<Bytes> pack_{bytes_};
};

}  // namespace tidegate::mesh
