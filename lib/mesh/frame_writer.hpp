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
#include "lib/mesh/branch_table.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/history_bytes.hpp"

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
        .number(value.direct_port)
        .number(value.epoch);
  }

  // Whole, with its history.
  FrameWriter& position(const std::optional<Position>& value) {
    if (!value) {
      pack_.pack_nil();
      return *this;
    }
    pack_.pack_array(4);
    return branch(*value).number(value->offset);
  }

  // The histories, and the messages with places on them.
  FrameWriter& messages(const std::vector<Message>& values) {
    BranchTable branches;
    for (const auto& message : values) branches.add(message);
    make_room(values, branches);
    pack_.pack_array(static_cast<std::uint32_t>(branches.size()));
    for (const auto* place : branches) {
      pack_.pack_array(3);
      branch(*place);
    }
    pack_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& one : values) message(one, branches);
    return *this;
  }

  std::string take() { return std::move(bytes_.text); }

 private:
  // At once, or a large frame would be copied each time that it outgrows its memory.
  void make_room(const std::vector<Message>& values, const BranchTable& branches) {
    constexpr std::size_t frame_head = 64;
    constexpr std::size_t branch_head = 16;
    constexpr std::size_t heads = 32;  // of a message's parts, and its positions
    constexpr std::size_t element_head = 2;
    std::size_t bytes = frame_head;
    for (const auto* place : branches) {
      bytes += branch_head + place->history.entries().size() * history_entry_bytes;
    }
    for (const auto& message : values) {
      bytes += message.payload.size() + message.topic.bytes() +
               element_head * message.topic.size() + heads;
    }
    bytes_.text.reserve(bytes);
  }

  FrameWriter& branch(const Position& value) {
    number(static_cast<std::uint64_t>(value.kind)).number(value.cluster);
    const auto entries = value.history.entries();
    pack_.pack_bin(static_cast<std::uint32_t>(entries.size() * history_entry_bytes));
    for (const auto& entry : entries) {
      const auto bytes = entry_bytes(entry);
      pack_.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    }
    return *this;
  }

  void message(const Message& value, const BranchTable& branches) {
    pack_.pack_array(2 + place_fields(value.position) + place_fields(value.inherited));
    pack_.pack_array(static_cast<std::uint32_t>(value.topic.size()));
    for (const auto element : value.topic) text(element);
    binary(value.payload);
    place(value.position, branches);
    place(value.inherited, branches);
  }

  // The number of the branch and the offset, or 0.
  static std::uint32_t place_fields(const std::optional<Position>& value) { return value ? 2 : 1; }
  void place(const std::optional<Position>& value, const BranchTable& branches) {
    number(value ? branches.number_of(*value) : 0);
    if (value) number(value->offset);
  }

  void binary(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    pack_.pack_bin(size).pack_bin_body(value.data(), size);
  }

  // The sink that msgpack writes to.
  struct Bytes {
    std::string text;
    void write(const char* data, std::size_t size) { text.append(data, size); }
  };

  Bytes bytes_;
  msgpack::packer<Bytes> pack_{bytes_};
};

}  // namespace tidegate::mesh
