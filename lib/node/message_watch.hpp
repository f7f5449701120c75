// The part of a peer in traces: notes the steps of a message here, as the one that publishes it and
// as one that gets it, for a member that wants to know why it takes its time.
//
// It looks at what goes into a node and what comes out of it, so that nothing is noted, nor asked
// for, on the way of messages while no trace is wanted (Node::step_watched).
//
// 1. A trace follows the first message on its topics that this peer is given to publish.
// 2. Which message the others have published is told later, when it may have come and gone. So the
//    latest arrivals on the topics are noted until then.
// 3. A trace lasts while it is asked for: nobody has to end it.
// 4. All is bounded: traces, those of one member, arrivals, and how often one is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/publisher_half.hpp"
#include "lib/node/receiver_half.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class MessageWatch {
 public:
  struct Report {
    Origin asker;
    mesh::RoutingId route;
    mesh::TraceReport report;
  };

  // They are looked at, never changed.
  MessageWatch(const Origin& self, const mesh::Roster& roster, const PublisherHalf& publisher,
               const ReceiverHalf& receiver)
      : self_(self), roster_(roster), publisher_(publisher), receiver_(receiver) {}

  // A member asks, or this peer itself; the answers go over that route.
  void wanted(mesh::TraceRequest request, const mesh::RoutingId& route, Instant now);

  // Around a step: its input, and its effects from `first` on.
  void before(const Input& input, Instant now);
  void after(const Effects& effects, std::size_t first, Instant now);

  // To be sent.
  [[nodiscard]] std::vector<Report> take_reports() { return std::exchange(reports_, {}); }

  // No trace is under way.
  [[nodiscard]] bool idle() const { return watched_.empty(); }
  // When the next one is over.
  [[nodiscard]] Instant deadline() const;

 private:
  struct Arrival {
    mesh::PublishedMessage message;
    std::optional<Position> own;
    std::optional<Position> inherited;
    mesh::ReceivingSteps steps;
  };
  // A trace, of its asker and number.
  struct Watched {
    Origin asker;
    std::uint64_t number = 0;
    Pattern pattern;
    mesh::RoutingId route;
    Instant until;                         // unless it is asked for again
    Instant quiet_until = Instant::min();  // it was answered just now
    std::optional<mesh::SendingSteps> sending;
    Ticket ticket = 0;  // of the message that is sent
    bool asks = false;  // it waits for the primary's answer
    bool told_sending = false;
    std::optional<mesh::PublishedMessage> message;
    bool told_receiving = false;
    std::deque<Arrival> arrivals;  // that one alone, once it is known
  };

  [[nodiscard]] Watched* find(const Origin& asker, std::uint64_t number);
  [[nodiscard]] bool has_room_for(const Origin& asker) const;
  [[nodiscard]] static bool finished(const Watched& watched);
  void forget_finished(const Origin& asker);
  void name_message(Watched& watched, const mesh::PublishedMessage& message, Instant now) const;
  void report(Watched& watched, Instant asked, Instant now);
  void published(const input::Publish& publish, Instant now);
  void arrived(const mesh::Data& data, Instant now);
  void primary_answered(Instant now);
  void primary_lost();
  void look_at(const Effect& effect, Instant now);
  void look_at(const Delivery& delivery, Instant now);
  void look_at(const Undelivered& loss, Instant now);
  void look_for_sent(Watched& watched, Instant now);
  void look_at(Arrival& arrival, Instant now) const;
  [[nodiscard]] ReceiverHalf::Place place_of(const mesh::PublishedMessage& message) const;

  Origin self_;
  const mesh::Roster& roster_;
  const PublisherHalf& publisher_;
  const ReceiverHalf& receiver_;
  std::vector<Watched> watched_;
  std::vector<Report> reports_;
  std::uint64_t last_before_ = 0;  // of this peer's stream, before the step
};

}  // namespace tidegate::node
