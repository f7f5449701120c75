// A peer's own messages as one stream: numbered densely from 1, each with what it inherits.
//
// A message inherits the furthest position that this peer has published or delivered to its
// application, so that one without a change of its own still comes after what its publisher had
// seen. Own and inherited position stay apart: a failover may undo the inherited one without
// touching the message's own change. Anything that the own position implies is not said again.
//
// One position is enough for each cluster. Two that lie on one way have a further one. Of two on
// diverged histories the one that was heard of last replaces the other, whose history the cluster
// has left. But in a split cluster a peer may read one side and publish changes of the other: what
// its own server excludes does not replace what that shows or may show, nor what is excluded only
// behind a later fork, as all before that fork counts. The peer has published it itself, as it
// delivers only what that server shows; so it precedes the later messages in their stream, and
// whoever is given those has been given that, or told that it is lost.
//
// Positions of two clusters can't be compared: a message inherits within the cluster of its own
// position, and without one within the cluster that was heard of last. (A peer that is not gated
// delivers messages of all clusters of its mesh.)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tidegate/message.hpp"

namespace tidegate::mesh {

class OutboundStream {
 public:
  // By the last reading of the server that the peer reads: how far it may come towards a position.
  using ReachTowards = std::function<std::uint64_t(const Position&)>;

  // `last`: what an earlier life of this peer has sent of the stream.
  explicit OutboundStream(std::uint64_t last = 0, ReachTowards reach_towards = {})
      : last_(last), reach_towards_(std::move(reach_towards)) {}

  // Says what the message inherits, and returns its sequence.
  std::uint64_t append(Message& message);

  // The application was given a message with this position.
  void delivered(const Position& position);

  // The history of `branch` is the present one, though positions beyond it were heard of: a
  // failover was taken back. From now on messages inherit only what lies before the place where the
  // two part.
  void fall_back_to(const Branch& branch);
  // The peer's own server is on this history: what was left of it counts again, unless the server
  // may still come to that which counts now. (One that was rewound to a place before a fork may.)
  void return_to(const Branch& branch);

  // 0: nothing published yet.
  [[nodiscard]] std::uint64_t last() const { return last_; }
  // The furthest of the cluster that was heard of last, also where that is excluded.
  [[nodiscard]] std::optional<Position> position() const;

 private:
  void hear_of(const Position& heard);
  // Hears again of all on the way to the branch that was left, and counts.
  template <typename Counts>
  void recall(const Branch& branch, Counts counts);
  [[nodiscard]] bool replaces(const Position& heard, const Position& other) const;
  void leave(const Position& position);

  std::uint64_t last_;
  ReachTowards reach_towards_;
  std::vector<Position> furthest_;  // one for each cluster, the one heard of last at the back
  std::optional<Position> aside_;   // what was heard of last, if it is excluded and did not count
  std::vector<Position> left_;      // what was heard of histories that do not count
};

}  // namespace tidegate::mesh
