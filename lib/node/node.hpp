// The whole peer as one machine without hands: inputs in, effects out.
//
// It joins the parts of lib/: a publishing half and a receiving half, which don't know each other,
// the roster, and the beacon's pace. Only what lies between them is here: which of them an input
// concerns, and in which order they act.
//
// `step` is all there is; everything that time brings about happens in the step that follows
// `deadline()`. So a simulator can run a mesh of the very object files that ship.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/mesh/beacon_pace.hpp"
#include "lib/mesh/datagram_receiver.hpp"
#include "lib/mesh/datagram_sender.hpp"
#include "lib/mesh/outbound_stream.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/everywhere.hpp"
#include "lib/node/message_traces.hpp"
#include "lib/node/message_watch.hpp"
#include "lib/node/primary_watch.hpp"
#include "lib/node/publisher_half.hpp"
#include "lib/node/receiver_half.hpp"
#include "lib/node/surveyor.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Node {
 public:
  // `options` must be valid (options.hpp); `self` names the ports that are bound already.
  // `last_sequence` is what an earlier life has sent of the same stream (PeerInfo::epoch).
  Node(const Options& options, mesh::PeerInfo self, std::vector<base::Endpoint> seeds,
       std::uint64_t random_seed, Instant now, std::uint64_t last_sequence = 0);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Takes one input and appends what follows from it. `now` never goes back.
  void step(Input input, Instant now, Effects& effects);

  // When a TimePassed is due. Every step may change it. Stepping early is harmless; stepping late
  // only delays.
  [[nodiscard]] Instant deadline() const;

  // How messages of the own stream up to `last` go out, in a frame of so many bytes. Of each frame
  // in its order; valid until the next call.
  [[nodiscard]] const mesh::SendPlan& send_plan(std::uint64_t last, std::size_t bytes, Instant now);

  // Frames and datagrams that could not be read, or have no place on their channel, never become
  // inputs; they are counted here.
  void count_malformed() { ++counters_.malformed; }
  void count_misplaced() { ++counters_.unexpected; }
  // Somebody who calls himself one of this mesh has no key of it; where, and why not.
  void count_stranger(std::string who) {
    ++counters_.strangers;
    stranger_ = std::move(who);
  }
  // Somebody whose words were refused, for those who survey the mesh.
  void note_refused(std::string host, std::uint16_t direct_port, RefusedSeen::Why why,
                    std::string detail, Instant now) {
    surveyor_.refused(std::move(host), direct_port, why, std::move(detail), now);
  }
  void note_refused(const mesh::Announcement& heard, const std::string& host, RefusedSeen::Why why,
                    std::string detail, Instant now) {
    if (heard.leaving) return surveyor_.refused_left(host, heard.direct_port);
    note_refused(host, heard.direct_port, why, std::move(detail), now);
  }
  // The time of day at the instant 0; the others are told how much theirs differs.
  void set_clock(Duration of_zero) { surveyor_.set_clock(of_zero); }

  [[nodiscard]] const std::string& mesh() const { return self_.mesh; }
  [[nodiscard]] std::size_t ready_count() const { return roster_.ready_count(); }
  [[nodiscard]] std::size_t held_size() const { return receiver_.held_size(); }
  [[nodiscard]] std::size_t unsent_bytes() const { return publisher_.unsent().bytes(); }
  [[nodiscard]] std::size_t unsent() const { return publisher_.unsent().size(); }
  // Messages that are to be acknowledged and are not answered yet, and the bytes that they count
  // for, each with the longest answer that it may get.
  [[nodiscard]] std::size_t unacknowledged() const { return publisher_.unacknowledged(); }
  [[nodiscard]] std::size_t unacknowledged_bytes() const {
    return publisher_.unacknowledged() * receipt_bytes(roster_.members().size());
  }
  // To be kept, for a later life, before the effects that have raised it are carried out.
  [[nodiscard]] std::uint64_t last_sequence() const { return stream_.last(); }
  [[nodiscard]] Status status(Instant now) const;
  // All before has left for the application, or did not match.
  [[nodiscard]] std::vector<Cursor> cursors() const { return receiver_.cursors(); }

 private:
  void handle(input::Heard& in, Instant now, Effects& effects);
  void handle(input::FromLink& in, Instant now, Effects& effects);
  void handle(input::FromRoute& in, Instant now, Effects& effects);
  void handle(input::FromStream& in, Instant now, Effects& effects);
  void handle(input::Probed& in, Instant now, Effects& effects);
  void handle(input::Acknowledged& in, Instant now, Effects& effects);
  void handle(input::PathBroken& in, Instant now, Effects& effects);
  void handle(input::PathOpened& in, Instant now, Effects& effects);
  void handle(input::Reader& in, Instant now, Effects& effects);
  void handle(input::Resolved& in, Instant now, Effects& effects);
  void handle(input::InterfacesChanged& in, Instant now, Effects& effects);
  void handle(input::Rekeyed& in, Instant now, Effects& effects);
  void handle(input::Publish& in, Instant now, Effects& effects);
  void handle(input::Subscribe& in, Instant now, Effects& effects);
  void handle(input::Unsubscribe& in, Instant now, Effects& effects);
  void handle(input::Demand& in, Instant now, Effects& effects);
  void handle(input::NoPrimary& in, Instant now, Effects& effects);
  void handle(input::TrustPrimary& in, Instant now, Effects& effects);
  void handle(input::Ask& in, Instant now, Effects& effects);
  void handle(input::PortTested& in, Instant now, Effects& effects);
  void handle(input::SurveyMesh& in, Instant now, Effects& effects);
  void handle(input::Trace& in, Instant now, Effects& effects);
  void handle(input::Leave& in, Instant now, Effects& effects);
  void handle(input::ReplayPositionRead& in, Instant now, Effects& effects);
  void handle(input::CommitPositionRead& in, Instant now, Effects& effects);
  void handle(input::TimePassed& in, Instant now, Effects& effects);
  void handle(ServerUp& in, Instant now, Effects& effects);
  void handle(input::TideForgotten& in, Instant now, Effects& effects);
  void handle(ServerDown& in, Instant now, Effects& effects);
  void handle(PrimaryUp& in, Instant now, Effects& effects);
  void handle(PrimaryDown& in, Instant now, Effects& effects);
  void handle(Warning& in, Instant now, Effects& effects);

  // One for each frame of a channel. False: it was not expected, or not from there.
  bool answered(mesh::LinkId link, mesh::Welcome& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::Refusal& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::Data& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::Retained& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::Vouch& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::Receipt& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::CoverageAnswer& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::SurveyAnswer& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::PathAnswer& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::TraceReport& frame, Instant now, Effects& effects);
  bool answered(mesh::LinkId link, mesh::OtherVersion& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::Hello& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::Ready& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::Listening& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::RetransmitRequest& frame, Instant now,
              Effects& effects);
  bool called(input::FromRoute& from, mesh::Probe& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::ReceiptRequest& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::CoverageQuestion& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::SurveyQuestion& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::PathQuestion& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::TraceRequest& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::DatagramOffer& frame, Instant now, Effects& effects);
  bool called(input::FromRoute& from, mesh::OtherVersion& frame, Instant now, Effects& effects);
  mesh::Member* speaker(const input::FromStream& in, Instant now, Effects& effects);
  void close_streams_of_departed(Instant now, Effects& effects);
  void published(mesh::Member& member, mesh::Data& frame, Instant now, Effects& effects);
  void published(mesh::Member& member, mesh::Heartbeat& frame, Instant now, Effects& effects);
  void published(mesh::Member& member, mesh::Farewell& frame, Instant now, Effects& effects);

  [[nodiscard]] Instant plain_deadline() const {
    const auto since = publisher_.reading_wanted();
    const auto reading = since ? receiver_.deadline_since(*since) : never;
    return std::min({reading, publisher_.deadline(), receiver_.deadline(), roster_.deadline(),
                     pace_.deadline(), everywhere_.deadline(), surveyor_.deadline(),
                     sender_.deadline(), paths_.deadline()});
  }
  [[nodiscard]] Instant watched_deadline() const;
  void step_watched(Input& input, Instant now, Effects& effects);
  void advance_traces(Instant now, Effects& effects);
  void tell_coverage(Effects& effects);
  void run_timers(Instant now, Effects& effects);
  mesh::Announcement announcement(bool leaving, bool reply_wanted);

  mesh::PeerInfo self_;
  std::vector<std::string> interfaces_;
  std::uint16_t beacon_port_;
  std::string other_mesh_;  // that was heard last
  std::string stranger_;
  std::uint64_t announced_ = 0;  // the counter of the last announcement
  bool datagrams_;               // are wanted
  Instant started_;
  base::Random random_;
  Counters counters_;
  mesh::BeaconPace pace_;
  mesh::Roster roster_;
  mesh::OutboundStream stream_;
  ReceiverHalf receiver_;
  PublisherHalf publisher_;
  PrimaryWatch primary_watch_;
  Everywhere everywhere_;
  Surveyor surveyor_;
  MessageWatch watch_;
  MessageTraces traces_;
  mesh::DatagramSender sender_;
  mesh::DatagramReceiver paths_;
  Instant announced_deadline_ = never;  // the deadline that the last step left
  bool left_ = false;
  bool plain_ = true;  // it has not left, and takes part in no trace
};

}  // namespace tidegate::node
