// The content of a held message, its topic, payload and headers, in one piece of memory.
//
// A Message is made to be handled: its parts have memory of their own, 200 bytes around a small
// payload. Those that are held for a paused replica are many and only wait, so their content is
// copied into one piece, 8 bytes and the topic around the payload, and unpacked on the way out. A
// payload that would take long to copy stays where it is. Headers, which few messages have, lie at
// the end, each text behind its length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tidegate/message.hpp"

namespace tidegate::message {

class PackedMessage {
 public:
  // Its position is left out.
  explicit PackedMessage(Message message);

  // That of the message (footprint.hpp).
  [[nodiscard]] std::size_t footprint() const;

  // It will be unpacked soon: has the processor fetch it meanwhile.
  void prefetch() const;

  // Without its position. The payload can be taken once.
  [[nodiscard]] Message unpack();

 private:
  // Behind it lie the payload, if it is large as a std::string, the topic as it is packed, and the
  // headers if there are some.
  struct alignas(std::string) Head {
    std::uint32_t payload_bytes;
    std::uint16_t topic_bytes;   // as it is packed; and whether there are headers
    std::uint16_t topic_weight;  // of its elements together

    [[nodiscard]] bool large() const;
    [[nodiscard]] bool has_headers() const;
    [[nodiscard]] std::size_t topic_room() const;
    [[nodiscard]] std::size_t payload_room() const;
    [[nodiscard]] char* content() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] char* headers() { return content() + payload_room() + topic_room(); }
    [[nodiscard]] std::string& large_payload();
  };
  struct Destroy {
    void operator()(Head* head) const;
  };

  std::unique_ptr<Head, Destroy> head_;
};

}  // namespace tidegate::message
