// The whole peer as one machine without hands: inputs in, effects out.
//
// It joins the parts of lib/ and adds only what lies between them: published messages go from the
// commit queue through the stream to the mesh; arriving ones from their origin's stream into the
// gate, and from there to the application.
//
// `step` is all there is; everything that time brings about happens in the step that follows
// `deadline()`. So a simulator can run a mesh of the very object files that ship.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/gate/commit_queue.hpp"
#include "lib/gate/gate.hpp"
#include "lib/mesh/beacon_pace.hpp"
#include "lib/mesh/gap_repair.hpp"
#include "lib/mesh/outbound_stream.hpp"
#include "lib/mesh/resend_window.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/message/packed_message.hpp"
#include "lib/node/event.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Node {
 public:
  // `options` must be valid (options.hpp); `self` names the ports that are bound already.
  Node(const Options& options, mesh::PeerInfo self, std::vector<base::Endpoint> seeds,
       std::uint64_t random_seed, Instant now);

  // Takes one input and appends what follows from it. `now` never goes back.
  void step(Input input, Instant now, Effects& effects);

  // When a TimePassed is due. Every step may change it. Stepping early or late is harmless, except
  // that what is late happens late.
  [[nodiscard]] Instant deadline() const;

  // Frames and datagrams that could not be read never become inputs; they are counted here.
  void count_malformed() { ++counters_.malformed; }

  [[nodiscard]] std::size_t ready_count() const { return roster_.ready_count(); }
  [[nodiscard]] std::size_t outbox_bytes() const { return outbox_.bytes(); }
  [[nodiscard]] std::size_t outbox_size() const { return outbox_.size(); }
  [[nodiscard]] Status status(Instant now) const;

 private:
  void take(input::Heard& in, Instant now, Effects& effects);
  void take(input::FromLink& in, Instant now, Effects& effects);
  void take(input::FromRoute& in, Instant now, Effects& effects);
  void take(input::FromStream& in, Instant now, Effects& effects);
  void take(input::Reader& in, Instant now, Effects& effects);
  void take(input::Publish& in, Instant now, Effects& effects);
  void take(input::Subscribe& in, Instant now, Effects& effects);
  void take(input::Unsubscribe& in, Instant now, Effects& effects);
  void take(input::Demand& in, Instant now, Effects& effects);
  void take(input::Leave& in, Instant now, Effects& effects);
  void take(input::ReplayPositionRead& in, Instant now, Effects& effects);
  void take(input::CommitPositionRead& in, Instant now, Effects& effects);
  void take(input::TimePassed& in, Instant now, Effects& effects);
  void take(ServerUp& in, Instant now, Effects& effects);
  void take(ServerDown& in, Instant now, Effects& effects);
  void take(PrimaryUp& in, Instant now, Effects& effects);
  void take(PrimaryDown& in, Instant now, Effects& effects);
  void take(Warning& in, Instant now, Effects& effects);

  void answer(const mesh::RetransmitRequest& request, const mesh::RoutingId& route,
              mesh::Member& member, Instant now, Effects& effects);
  void arrived(mesh::Member& member, mesh::InboundStream::Progress progress, Instant now,
               Effects& effects);
  void pass_on(mesh::Member& member, mesh::InboundStream::Progress& progress, Instant now,
               Effects& effects);
  void skip(mesh::Member& member, std::uint64_t sequence, Undelivered::Why why, Instant now,
            Effects& effects);
  void watch_gap(const mesh::Member& member, Instant now);
  void close_streams_of_departed(Instant now, Effects& effects);
  void request_gaps(Instant now, Effects& effects);
  void undelivered(const mesh::Member& member, std::uint64_t first, std::uint64_t last,
                   Undelivered::Why why, const std::optional<Position>& position, Effects& effects);
  void send_outbox(Instant now, Effects& effects);
  void unpublished(Message message, Effects& effects);
  void broadcast(Message message, Instant now, Effects& effects);
  [[nodiscard]] bool may_release() const;
  void count_released(const Message& message);
  void release(Instant now, Effects& effects);
  void deliver(Delivery delivery, Effects& effects);
  void run_timers(Instant now, Effects& effects);
  [[nodiscard]] mesh::Announcement announcement(bool leaving, bool reply_wanted) const;
  [[nodiscard]] mesh::Extent own() const { return {window_.first(), stream_.last() + 1}; }

  mesh::PeerInfo self_;
  Duration heartbeat_;
  From from_;
  Overdue overdue_;
  Instant started_;
  base::Random random_;
  mesh::BeaconPace pace_;
  mesh::Roster roster_;
  gate::CommitQueue outbox_;
  mesh::OutboundStream stream_;
  mesh::ResendWindow window_;
  mesh::GapRepair gap_repair_;
  gate::Gate<Origin, message::PackedMessage> gate_;
  std::vector<Pattern> patterns_;
  Counters counters_;

  std::size_t batch_bytes_ = 0;  // of the Data at the end of the effects, if there is one
  Instant heartbeat_at_;
  Instant announced_deadline_ = never;  // the deadline that the last step left
  bool demand_ = true;
  Instant demand_since_;  // it is as it is
  Instant tide_since_;
  std::size_t released_ = 0;  // messages in this step
  std::size_t released_bytes_ = 0;
  bool more_ = false;  // release() stopped at its limit
  bool left_ = false;
};

}  // namespace tidegate::node
