// Asks the other members whether the servers that they read show a position, until all do, one
// never will, or the time is over.
//
// 1. Asked are all members that are here or come meanwhile. One that leaves is asked no more; one
//    that falls silent has not answered.
// 2. A member answers from what it knows, and remembers nothing of a question: it is asked again,
//    at first soon, then once a second. So questions need no room where they are answered.
// 3. Members that read no server, or one of another cluster, are named, and keep nobody waiting.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "lib/mesh/frame.hpp"
#include "lib/mesh/roster.hpp"
#include "lib/node/event.hpp"
#include "lib/node/receiver_half.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Everywhere {
 public:
  // `self` is this peer, which answers by own().
  Everywhere(const Origin& self, std::string name, mesh::Roster& roster)
      : self_(self), name_(std::move(name)), roster_(roster) {}

  void ask(Ticket ticket, const Position& position, Instant until);

  // The answer of this peer, again when it changes; nullopt: it reads no server. False: it is to no
  // question here.
  bool own(Ticket ticket, std::optional<Covered> covered);
  // Of a member that the roster has let in.
  void answered(const mesh::Member& member, const mesh::CoverageAnswer& answer);

  // Asks those that are due, and tells the application of the questions that are answered. The
  // receiver waits for this peer's answer to those no longer.
  void advance(Instant now, ReceiverHalf& receiver, Effects& effects) {
    if (now >= deadline()) advance_due(now, receiver, effects);
  }
  // Tells of all what is known.
  void give_up(Effects& effects);

  // When advance() may next have something to do. Every call may change it.
  [[nodiscard]] Instant deadline() const { return news_ ? Instant::min() : wake_at_; }

 private:
  struct Asked {
    MemberCovered member;
    Instant ask_at = Instant::min();
    Duration pause{};

    // It may answer otherwise later.
    [[nodiscard]] bool open() const {
      return !member.answered || (member.reads && (member.covered == Covered::pending ||
                                                   member.covered == Covered::unknown));
    }
  };
  struct Question {
    Position position;
    Instant until;
    std::map<Origin, Asked> asked;  // this peer too
  };

  void advance_due(Instant now, ReceiverHalf& receiver, Effects& effects);
  void look_around(Question& question);
  void ask_members(Ticket ticket, Question& question, Instant now, Effects& effects);
  static Coverage coverage(Ticket ticket, const Question& question);
  static bool done(const Question& question);

  Origin self_;
  std::string name_;
  mesh::Roster& roster_;
  std::map<Ticket, Question> questions_;
  Instant wake_at_ = never;
  bool news_ = false;
};

}  // namespace tidegate::node
