// The receiving half of a node: messages go from their publisher's stream into the gate, and from
// there to the application, if it has subscribed to their topic. Missing ones are asked for again;
// those that will not be delivered are reported.
//
// Members come from the roster, which has let in the frames that are handled here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/gate/gate.hpp"
#include "lib/gate/waiters.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/gap_repair.hpp"
#include "lib/mesh/inbound_stream.hpp"
#include "lib/mesh/outbound_stream.hpp"
#include "lib/mesh/resend_window.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/message/packed_message.hpp"
#include "lib/node/event.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class ReceiverHalf {
 public:
  // `own_stream` is raised to the position of every delivery, so that an answer never overtakes
  // what it answers.
  ReceiverHalf(const Options& options, const mesh::PeerInfo& self, mesh::Roster& roster,
               mesh::OutboundStream& own_stream, Counters& counters, base::Random random,
               Instant now);

  // --- frames ---

  void ready(mesh::Member& member, const mesh::Ready& ready, Instant now, Effects& effects);
  void arrived(mesh::Member& member, mesh::Data& data, Instant now, Effects& effects);
  void heartbeat(mesh::Member& member, const mesh::Heartbeat& heartbeat, Instant now,
                 Effects& effects);
  // The answer to a RetransmitRequest: messages, and the end of it.
  void resent(mesh::Member& member, mesh::Data& data, Instant now, Effects& effects);
  void retained(mesh::Member& member, const mesh::Retained& retained, Instant now,
                Effects& effects);

  // The member wants to know when all of its stream up to a place is here. Nothing that was refused
  // for want of room is.
  void receipt_wanted(mesh::Member& member, const mesh::ReceiptRequest& request,
                      const mesh::RoutingId& route);
  void give_receipts(Effects& effects) {
    if (!receipts_wanted_.empty()) give_receipts_due(effects);
  }

  // Nothing that is missing of publishers that are gone will come.
  void close_streams_of(const std::vector<Origin>& departed, Instant now, Effects& effects);

  // Own messages up to `last`, if the application wants them: from the window in which they are
  // retained for others, so that one that finds no room now can be had later.
  void take_own(const mesh::ResendWindow& window, std::uint64_t last, Instant now,
                Effects& effects) {
    if (own_ && own_->stream.next() <= last) take_next_own(window, last, now, effects);
  }

  // --- the server that is read ---

  void server_up() { gate_.server_up(); }
  void replay_position_read(std::optional<Tide> tide, Instant now);
  void forget_tide() { gate_.forget_tide(); }
  void server_down();
  [[nodiscard]] const std::optional<Tide>& tide() const { return gate_.tide(); }
  [[nodiscard]] bool tide_is_stale(Instant now) const { return gate_.stale(now); }
  // Reads the replay position if the last reading is older than that, and none is under way.
  void refresh_tide(Instant now, Effects& effects, Duration age = gate::TidePoll::longest_unasked);

  // Reads it for somebody who wants a reading that is asked for then, or later.
  void read_since(Instant since, Instant now, Effects& effects);
  [[nodiscard]] Instant deadline_since(Instant since) const { return gate_.deadline_since(since); }

  // --- who wants to know whether the server shows a position ---

  // Without a server: unknown.
  void ask(const input::Ask& ask, Instant until, Instant now);
  // Nobody waits for that answer any more.
  void forget(Ticket ticket, const Position& position) { waiters_.forget(ticket, position); }
  // Answers all that are open.
  void answer_all();
  [[nodiscard]] bool has_answers() const { return waiters_.has_answers() || !ungated_.empty(); }
  [[nodiscard]] std::vector<gate::Waiters::Answer> take_answers();
  // By what is known now; if that is not enough, a reading follows. nullopt: no server is read.
  [[nodiscard]] std::optional<Covered> covered(const Position& position, Instant now,
                                               Effects& effects);
  [[nodiscard]] bool gated() const { return gate_.gated(); }

  // --- the application ---

  void subscribe(Pattern pattern) { patterns_.push_back(std::move(pattern)); }
  void unsubscribe(const Pattern& pattern);
  void demand(bool open, Instant now);

  // --- time ---

  // The releases of the gate, and the read of the replay position if one is due.
  void release(Instant now, Effects& effects);
  // The requests for missing messages.
  void run_timers(Instant now, Effects& effects);

  // Every call may change it.
  [[nodiscard]] Instant deadline() const;

  // --- how far a message has come, for those who follow it ---

  enum class Place : std::uint8_t { absent, here, left };  // here: in the gate
  [[nodiscard]] static Place place_of(const mesh::Member& member, std::uint64_t sequence) {
    if (sequence >= member.stream.next()) return Place::absent;
    return member.held == 0 || sequence <= member.released ? Place::left : Place::here;
  }
  [[nodiscard]] bool takes_own() const { return own_.has_value(); }
  [[nodiscard]] Place place_of_own(std::uint64_t sequence) const {
    return own_ ? place_of(*own_, sequence) : Place::absent;
  }
  // By the last reading of the server, and when that was asked for.
  [[nodiscard]] bool decides(const std::optional<Position>& own,
                             const std::optional<Position>& inherited) const {
    return gate_.visibility(own, inherited) != Visibility::pending;
  }
  [[nodiscard]] Instant known_at() const { return gate_.poll().known_at(); }

  [[nodiscard]] std::size_t held_size() const { return gate_.held().size(); }
  void describe(Status& status, Instant now) const;
  // Of each stream the place before which nothing is missing or held.
  [[nodiscard]] std::vector<Cursor> cursors() const;

 private:
  void read_tide(Effects& effects);
  void give_receipts_due(Effects& effects);
  void take_next_own(const mesh::ResendWindow& window, std::uint64_t last, Instant now,
                     Effects& effects);
  [[nodiscard]] bool is_own(const mesh::Member& member) const { return own_ && &member == &*own_; }
  [[nodiscard]] bool own_may_go_on() const;
  [[nodiscard]] mesh::Member& publisher_of(const Origin& source);
  [[nodiscard]] std::uint64_t beginning(const mesh::Member& member, const mesh::Ready& ready,
                                        Effects& effects);
  void progress(mesh::Member& member, mesh::InboundStream::Progress progress, Instant now,
                Effects& effects);
  void pass_on(mesh::Member& member, mesh::InboundStream::Progress& progress, Instant now,
               Effects& effects);
  void skip(mesh::Member& member, std::uint64_t sequence, Undelivered::Why why, Instant now,
            Effects& effects);
  void watch_gap(const mesh::Member& member, Instant now);
  [[nodiscard]] bool may_release() const;
  void count_released(const Message& message);
  bool deliver_wanted(const Message& message, bool late);
  [[nodiscard]] bool has_room(const Origin& origin) const;
  void undelivered(const mesh::Member& member, mesh::InboundStream::Range range,
                   Undelivered::Why why, Message* message, Effects& effects);

  Origin self_;
  From from_;
  std::vector<Cursor> resume_;  // of streams that have not begun here
  Overdue overdue_;
  mesh::Roster& roster_;
  mesh::OutboundStream& own_stream_;
  // This peer as a publisher among the others, if its application wants its messages.
  std::optional<mesh::Member> own_;
  bool own_gated_;
  mesh::GapRepair gap_repair_;
  std::vector<Origin> receipts_wanted_;  // by members
  gate::Gate<Origin, message::PackedMessage> gate_;
  gate::Waiters waiters_;
  std::vector<gate::Waiters::Answer> ungated_;  // to those who ask without a server
  std::vector<Pattern> patterns_;
  bool demand_ = true;
  Instant demand_since_;  // it is as it is
  Instant tide_since_;
  // The last reading before which all that was decided had left was asked for then.
  Instant unshown_at_ = Instant::min();
  std::size_t released_ = 0;  // messages in this step
  std::size_t released_bytes_ = 0;
  bool more_ = false;  // release() stopped at its limit
  Counters& counters_;
  Timings timings_;
};

}  // namespace tidegate::node
