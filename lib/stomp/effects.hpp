// Effects of a session, in their order, for the door that owns it.
#pragma once

#include <string>
#include <variant>

#include "lib/stomp/message_id.hpp"
#include "lib/stomp/publication.hpp"
#include "lib/stomp/question.hpp"
#include "lib/stomp/subscription_queue.hpp"
#include "lib/stomp/unanswered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/options.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::stomp {

// To be published, and answered to the session by its tag: sent(), received(), unpublished() or
// refused().
struct PublishEffect {
  Tag tag = 0;
  Publication publication;
};

// To be asked of the peer, and answered by its tag: covered() or refused().
struct AskEffect {
  Tag tag = 0;
  Question question;
};

// The session wants what matches, from now on; no longer. Patterns may repeat, and each is given up
// as often as it was wanted.
struct WantEffect {
  Pattern pattern;
};
struct UnwantEffect {
  Pattern pattern;
};

// The client has taken a message, or has said that it could not (NACK).
struct AcknowledgedEffect {
  std::string subscription;  // its id, or in 1.0 perhaps its destination
  MessageId id;
  bool taken = true;
};

// Another connection of the door has lost its durable subscription, by its name (SessionOptions).
struct EvictEffect {
  std::string connection;
  std::string why;
};

// Of subscriptions to the outbox, by their names. The door has them; its sessions have their
// queues.
//
// To be opened, whichever connection has it, and answered by its tag once it has begun: answered()
// or refused().
struct OutboxOpen {
  Tag tag = 0;
  std::string name;
  Pattern pattern;
  From from = From::latest;  // where the name is new
};
// Its client has acknowledged the row or the loss with that ticket.
struct OutboxTaken {
  std::string name;
  Ticket ticket = 0;
};
// Its client has gone; the name stays. Nothing, if another connection has it.
struct OutboxClose {
  std::string name;
};
// To be closed and forgotten for good, whichever connection has it, and answered by its tag.
struct OutboxRemove {
  Tag tag = 0;
  std::string name;
};
using OutboxEffect = std::variant<OutboxOpen, OutboxTaken, OutboxClose, OutboxRemove>;

using Effect = std::variant<PublishEffect, AskEffect, WantEffect, UnwantEffect, AcknowledgedEffect,
                            EvictEffect, OutboxEffect>;

}  // namespace tidegate::stomp
