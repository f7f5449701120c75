// The frames that a client of the door gets: each delivery as a MESSAGE, and each notice as one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/stomp/destination.hpp"
#include "lib/stomp/frame.hpp"
#include "lib/stomp/subscription_queue.hpp"
#include "tidegate/message.hpp"

namespace tidegate::stomp {

// A subscription as its messages name it.
struct Addressee {
  Version version = Version::v1_0;
  const std::string* subscription = nullptr;  // its id; nullptr: it has none (1.0)
  Form form = Form::plain;
};

// Appends it. `ack`: the number under which it is acknowledged in 1.2; 0: it is not.
//
// Besides the headers of the protocol: publisher (its name), sequence (in its stream), position (of
// the change that it announces, if any), held-ms (how long it was held here), late; of a row of
// an outbox row-transaction and announced-us; and those of the user, but for names that are none of
// the user's here.
// `redelivered`: an earlier frame had it, which its client may have read.
void write_message(std::string& to, const Addressee& addressee, const Delivery& delivery,
                   std::uint64_t ack, bool redelivered = false);

// A word of the door itself, at the destination `notices`. The body is a line of docs/json.md.
struct NoticeFrame {
  std::string_view kind;     // the `type` of that line
  std::string_view receipt;  // of the message that it is about; empty: none
  std::string_view json;
};
void write_notice(std::string& to, const Addressee& addressee, const NoticeFrame& notice,
                  std::uint64_t number);

// The same in the place of messages of a durable subscription, or of rows of an outbox; its
// message-id is that of the first.
void write_loss(std::string& to, const Addressee& addressee, const Loss& loss,
                std::string_view json, std::uint64_t ack);

}  // namespace tidegate::stomp
