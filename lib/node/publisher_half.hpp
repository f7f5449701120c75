// The publishing half of a node: messages go from the commit queue through the own stream to the
// mesh, and are kept a while for those who have missed them.
//
// When a message is sent. One that announces nothing and is wanted apart goes at once. Any other
// leaves the commit queue in the step in which its position is known and flushed, and nothing here
// waits for more to come. Messages that leave in the same turn of the
// loop share a frame, up to limits::batch_bytes, because the loop carries the effects out only
// after the last of the turn's inputs: that, and `append_to_frame`, is the only packing. So
// whoever feeds the node decides how many inputs make a turn: a thread's loop takes all that its
// mailbox holds, and a driven peer (peer/peer.cpp) hands on the first message since its last turn
// at once and collects those behind it. The carrier neither delays nor packs.
#pragma once

#include <cstddef>
#include <optional>
#include <set>

#include "lib/gate/commit_queue.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/outbound_stream.hpp"
#include "lib/mesh/resend_window.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/receipts.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class PublisherHalf {
 public:
  // `stream` is this peer's own; the receiving half raises it to what the application was given.
  PublisherHalf(const Options& options, const Origin& self, const mesh::Roster& roster,
                mesh::OutboundStream& stream, Counters& counters, Instant now);

  void accept(input::Publish& published, Instant now, Effects& effects);
  void commit_position_read(const gate::CommitPosition& reading, Instant now);
  void primary_up(const PrimaryUp& primary);
  void primary_met(const PrimaryUp& primary) {
    unsent_.primary_met(primary.incarnation, primary.history);
  }
  void primary_down() { unsent_.primary_down(); }
  void primary_denied(const ServerIncarnation& primary) { unsent_.primary_denied(primary); }
  void no_primary() {
    if (!unsent_.met_primary()) unsent_.no_primary();
  }
  // run_timers() will ask for a position.
  [[nodiscard]] bool query_due(Instant now) const { return unsent_.deadline() <= now; }

  void server_up(const ServerIncarnation& server) { unsent_.server_up(server); }
  // A reading of the server that this peer reads, asked for then: it decides the fate of its own
  // changes, too.
  void server_shows(const Tide& tide, Instant asked_at);
  // How far that server may come towards the position, by its last reading, however long ago.
  [[nodiscard]] std::uint64_t reach_towards(const Position& position) const;
  // For messages that follow from what the application has read: a reading that is asked for then,
  // or later.
  [[nodiscard]] std::optional<Instant> reading_wanted() const { return unsent_.reading_wanted(); }

  // Reports what a new history has undone. Everything that may be sent, at the end of the effects.
  void send_unsent(Instant now, Effects& effects);

  // As much as fits one answer; a member that misses more asks again.
  void answer(const mesh::RetransmitRequest& request, const mesh::RoutingId& route,
              mesh::Member& member, Instant now, Effects& effects);

  // A member says what it has of the stream.
  void received(const mesh::Receipt& receipt, Instant now) {
    receipts_.answered(receipt, stream_.last(), now);
  }
  // Not within a step that publishes, since the messages of one turn share a frame as long as it
  // stands at the end of the effects.
  void ask_for_receipts(Instant now, Effects& effects) {
    receipts_.ask(self_, roster_, now, effects);
  }

  [[nodiscard]] mesh::Heartbeat heartbeat() const {
    return {self_, window_.first(), stream_.last(), stream_.position()};
  }
  // The same without its position, which says something only in its order among others.
  [[nodiscard]] mesh::Heartbeat reminder() const {
    return {self_, window_.first(), stream_.last(), std::nullopt};
  }
  // The query of the commit position, and the heartbeat.
  void run_timers(Instant now, Effects& effects);
  // Over the connection, to one reader.
  void send_again(PeerId reader, std::uint64_t first, std::uint64_t last, Effects& effects) const;
  // Messages that have not been sent come back, and no further acknowledgement is waited for; then
  // the farewell.
  void leave(Effects& effects);

  // Every call may change it.
  [[nodiscard]] Instant deadline() const {
    return std::min({heartbeat_at_, unsent_.deadline(), receipts_.deadline()});
  }

  [[nodiscard]] mesh::Extent extent() const { return {window_.first(), stream_.last() + 1}; }
  [[nodiscard]] const mesh::ResendWindow& window() const { return window_; }
  // The ticket of the last message that was accepted.
  [[nodiscard]] Ticket accepted() const { return accepted_; }
  [[nodiscard]] const gate::CommitQueue& unsent() const { return unsent_; }
  [[nodiscard]] std::size_t unacknowledged() const {
    return to_acknowledge_.size() + receipts_.size();
  }
  void describe(Status& status) const;

 private:
  [[nodiscard]] Unpublished::Why why_lost(gate::CommitQueue::Fate fate) const;
  bool judge_by(const Tide& tide, History& last);
  void report_undone(const Tide& tide, Effects& effects);
  void broadcast(Message&& message, Ticket ticket, Instant now, Effects& effects);
  void append_to_frame(std::uint64_t sequence, Message&& message, Effects& effects);
  void unpublished(Message message, Ticket ticket, Unpublished::Why why, Effects& effects);

  Origin self_;
  const mesh::Roster& roster_;
  bool report_sent_;
  Duration heartbeat_pause_;
  Instant heartbeat_at_;
  gate::CommitQueue unsent_;
  Ticket accepted_ = 0;
  std::set<Ticket> to_acknowledge_;  // of messages that are not sent yet
  Receipts receipts_;                // of those that are
  mesh::OutboundStream& stream_;
  mesh::ResendWindow window_;
  // Of the primary and of the server that is read, as the retained messages were last judged by
  // them; and by which they are to be judged now.
  History primary_history_;
  History server_history_;
  std::optional<Tide> judge_;
  std::optional<Tide> shown_;  // the last reading of the server that is read
  // Of the Data at the end of the effects, if there is one.
  std::size_t frame_bytes_ = 0;
  std::size_t frame_branches_ = 0;  // branch_table.hpp
  Counters& counters_;
};

}  // namespace tidegate::node
