// Asks all members to follow the next message on some topics, and makes one account of what they
// tell: how long it took from step to step, at its publisher and at each receiver.
//
// 1. Each member may publish the message. Followed is the first one that somebody says to have
//    sent; those who may get it are told then which one it is.
// 2. Members are asked again each second, which keeps them at it, tells how far the message is
//    there, and compares their clocks with ours.
// 3. The clock of a member is ahead of ours by what it told, less the middle of the round trip of
//    the question: half of that trip is the error. Where the same clock would explain it, it is the
//    same: a process of this host.
// 4. A member that does not know the question, as it is of an older version, is never asked, but
//    named.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/message_watch.hpp"
#include "tidegate/time.hpp"
#include "tidegate/traced.hpp"

namespace tidegate::node {

class MessageTraces {
 public:
  MessageTraces(const Origin& self, std::string name, const mesh::Roster& roster)
      : self_(self), name_(std::move(name)), roster_(roster) {}

  void ask(Ticket ticket, Pattern pattern, Instant now, Instant until);

  // Of a member that the roster has let in, or of this peer.
  void reported(const Origin& origin, const mesh::TraceReport& report, Instant now);

  // Asks those that are due, and tells the application of the traces that are over. `watch` is this
  // peer's own part in them, and its reports are sent, or taken here.
  void advance(MessageWatch& watch, Instant now, Effects& effects);
  // Tells of all what is known.
  void give_up(Instant now, Effects& effects);

  [[nodiscard]] bool idle() const { return traces_.empty(); }
  // When advance() may next have something to do. Every call may change it.
  [[nodiscard]] Instant deadline() const { return due_; }

 private:
  struct Asked {
    std::string name;
    std::string address;
    Instant ask_at = Instant::min();
    bool answered = false;
    bool refused = false;
    Duration round_trip = Duration::max();  // the shortest
    Duration ahead{};                       // its clock, before ours
    std::optional<mesh::SendingSteps> sending;
    std::optional<mesh::ReceivingSteps> receiving;

    [[nodiscard]] Instant here(Instant theirs) const { return theirs - ahead; }
    [[nodiscard]] Duration clock_error() const;
  };
  struct Trace {
    Pattern pattern;
    Instant since;
    Instant until;
    std::map<Origin, Asked> asked;  // this peer too
    std::optional<Origin> publisher;
    std::optional<mesh::PublishedMessage> message;
  };

  void look_around(Trace& trace) const;
  void ask_members(Ticket ticket, Trace& trace, MessageWatch& watch, Instant now, Effects& effects);
  void pass_on_reports(MessageWatch& watch, Instant now, Effects& effects);
  static void choose(Trace& trace);
  [[nodiscard]] Instant next_look() const;
  [[nodiscard]] static bool done(const Trace& trace, Instant now);
  [[nodiscard]] Traced account(Ticket ticket, const Trace& trace, Instant now) const;
  [[nodiscard]] TracedReceiver account(const Origin& origin, const Trace& trace,
                                       const std::vector<TracedTime>& sending, Instant sent,
                                       Instant now) const;

  Origin self_;
  std::string name_;
  const mesh::Roster& roster_;
  std::map<Ticket, Trace> traces_;
  // When a trace has something to do. Most steps of the node are messages, and have nothing for it.
  Instant due_ = never;
};

}  // namespace tidegate::node
