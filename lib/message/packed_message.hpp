// What a held message says, in one piece of memory.
//
// A Message is made to be handled: its parts have memory of their own, 200 bytes around a small
// payload. Those that are held for a paused replica are many and only wait, so their
// content is copied into one piece, 32 bytes and the topic around the payload, and unpacked on the
// way out. A payload that would take long to copy stays where it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tidegate/lsn.hpp"
#include "tidegate/message.hpp"
#include "tidegate/time.hpp"

namespace tidegate::message {

class PackedMessage {
 public:
  // Of the position only the LSN is kept: the rest is shared by many.
  PackedMessage(Message message, std::uint64_t sequence, Instant since);

  [[nodiscard]] Lsn lsn() const { return head_->lsn; }
  [[nodiscard]] std::uint64_t sequence() const { return head_->sequence; }
  [[nodiscard]] Instant since() const { return head_->since; }

  // It will be unpacked soon: has the processor fetch it meanwhile.
  void prefetch() const;

  // Without its position. The payload can be taken once.
  [[nodiscard]] Message unpack();

 private:
  // Behind it lie the payload, if it is large as a std::string, and the topic as it is packed.
  struct Head {
    Lsn lsn;
    std::uint64_t sequence;
    Instant since;
    std::uint32_t payload_bytes;
    std::uint16_t topic_bytes;

    [[nodiscard]] bool large() const;
    [[nodiscard]] char* content() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] std::string& large_payload();
  };
  struct Destroy {
    void operator()(Head* head) const;
  };

  std::unique_ptr<Head, Destroy> head_;
};

}  // namespace tidegate::message
