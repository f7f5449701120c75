// Stands between the primary's answers and the publishing half: an answer is used only if nothing
// speaks against its server (lib/gate/primary_check.hpp).
//
// For that, the server that is read is asked on which history it is: when the primary comes up, and
// at most once a second while positions are asked for. An answer waits for that reading when the
// last one is older. While nothing is published nobody is asked.
//
// A position that the application was told by a primary of a later timeline (commit.hpp) speaks
// against this one, too, as far as to connect once more.
//
// A server with an objection is left, and the application is told once why; the reader connects
// again, perhaps elsewhere. Messages wait meanwhile.
#pragma once

#include <optional>
#include <string>

#include "lib/gate/commit_position.hpp"
#include "lib/gate/primary_check.hpp"
#include "lib/mesh/outbound_stream.hpp"
#include "lib/node/event.hpp"
#include "lib/node/publisher_half.hpp"
#include "lib/node/receiver_half.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class PrimaryWatch {
 public:
  PrimaryWatch(PublisherHalf& publisher, ReceiverHalf& receiver, mesh::OutboundStream& stream)
      : publisher_(publisher), receiver_(receiver), stream_(stream) {}

  void up(PrimaryUp& primary, Instant now, Effects& effects);
  void down(PrimaryDown& down, Effects& effects);
  void position_read(const gate::CommitPosition& reading, Instant now, Effects& effects);

  // The receiving half has a new reading, or its server is down.
  void server_changed(Instant now, Effects& effects);
  // In the heartbeat of some member.
  void seen(const Position& position, Effects& effects);
  void trust(Effects& effects);

  // Before the query that is due.
  void run_timers(Instant now, Effects& effects);

 private:
  void use(const gate::CommitPosition& reading, Instant now, Effects& effects);
  // For one that may have been promoted since, to which the application's connection leads already.
  void leave_for_later(Effects& effects);
  // False: something speaks against it, and it was left.
  bool may_be_used(Effects& effects);
  void tell_given_up(Effects& effects);

  PublisherHalf& publisher_;
  ReceiverHalf& receiver_;
  mesh::OutboundStream& stream_;
  gate::PrimaryCheck check_;
  std::optional<Branch> primary_;                  // of the server that positions are asked of
  ServerIncarnation incarnation_;                  // of the same
  std::optional<Branch> left_;                     // of the one that was left last, until one is up
  std::string description_;                        // of the one or the other
  std::string reason_;                             // why it was left
  std::optional<gate::CommitPosition> unchecked_;  // waits for a reading of the server that is read
  bool known_good_ = false;  // nothing spoke against it when it was checked with this:
  History checked_with_;     // of the last reading of the server that is read
};

}  // namespace tidegate::node
