// Which readers get this peer's stream in datagrams, and what goes to the others how.
//
// A stream has parts, to which readers subscribe over their connections (stream_part.hpp):
//
//     everyone     heartbeats, bursts, what is large
//     shared       what others get as a datagram
//     alone        one part for each reader: the same, to that reader alone
//
// A reader begins with all of them, offers a path, and leaves `shared` when datagrams come. So each
// message comes once, but for the moment in which that changes: there the sequences tell what has
// come twice, and what not at all.
//
// 1. A path is tried first, by probes of several sizes. It is open once one was acknowledged, for
//    what that size can carry.
// 2. A datagram goes only while the unacknowledged ones are below half of what the reader's buffer
//    holds: so none is lost there, however slow the reader is. And only if all that went over the
//    connection before has come, as it would overtake a burst and make it look lost.
// 3. Readers for which that does not hold get the frame alone; where they are more than a few,
//    everyone gets it over the connections: a burst is packed and needs no datagrams.
// 4. The last datagram may be lost, and nothing behind it shows that. So while something is not
//    acknowledged, and no more comes, the reader is reminded of how far the stream is, which it
//    acknowledges: soon by datagram, then also over the connection, then ever more rarely.
// 5. Behind the farewell nothing is asked for. So a peer that leaves sends over the connection, in
//    front of it, all that is not acknowledged (Node).
// 6. A path on which nothing is acknowledged any more, or most is lost, is left at once: its reader
//    gets everything alone, and is probed ever more rarely, until that works again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "lib/mesh/datagram.hpp"
#include "lib/mesh/effects.hpp"
#include "lib/mesh/frame.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

// How one frame of the stream goes out: to everyone, or else to `shared` and to these.
struct SendPlan {
  bool everyone = true;
  std::vector<PeerId> alone;
  std::vector<PathNumber> datagrams;
};

class DatagramSender {
 public:
  // A reader wants datagrams at this address. One that it has offered before goes on. `last`: the
  // last sequence that was sent.
  void offered(const DatagramOffer& offer, const std::string& host, std::uint64_t last, Instant now,
               Effects& effects);
  // The reader is no member any more.
  void forget(const Origin& reader, Effects& effects);

  void acknowledged(PathId path, const DatagramAck& ack, Instant now);
  // The system can't send there.
  void broken(PathId path, Instant now);
  // The keys of the mesh have changed, and with them the one by which the carrier seals. A reader
  // whose key counts no more must not learn it: each has to offer another path, over a connection
  // that it has by then.
  void renew(Effects& effects);

  // Of a frame with messages up to `last`, encoded in so many bytes; valid until the next call.
  [[nodiscard]] const SendPlan& plan(std::uint64_t last, std::size_t bytes, Instant now);

  // Messages that went to a reader in datagrams alone, and that it has not acknowledged.
  struct Unconfirmed {
    PeerId reader;
    std::uint64_t first = 1;
    std::uint64_t last = 1;  // both included
  };
  [[nodiscard]] std::vector<Unconfirmed> unconfirmed() const;

  // Probes, and what tells a lost tail: `heartbeat` is made when it is needed.
  template <typename MakeHeartbeat>
  void advance(Instant now, MakeHeartbeat&& heartbeat, Effects& effects) {
    if (now < deadline_) return;
    look(now, effects);
    if (reminded_.datagrams.empty() && reminded_.alone.empty()) return;
    reminded_.frame = heartbeat();
    effects.push_back(std::exchange(reminded_, {}));
  }
  // Every call may change it.
  [[nodiscard]] Instant deadline() const { return deadline_; }

  [[nodiscard]] DatagramState state(const Origin& reader) const;

 private:
  struct Path {
    Origin reader;
    std::uint64_t budget = 0;    // of unacknowledged datagrams
    bool leaves_shared = false;  // it takes its frames alone while the path does not work
    bool admitted = true;        // else it waits for another offer
    bool open = false;
    bool worked = false;      // it was open once
    std::size_t largest = 0;  // frame that is let through
    std::uint64_t sent = 0;   // the number of the last datagram
    std::uint64_t acked = 0;
    std::uint64_t probed = 0;   // the number of the first probe of the last round
    bool lost = false;          // something may be, and the reader does not know
    std::uint64_t needs = 0;    // the last sequence that went over the connection
    std::uint64_t next = 0;     // as it has acknowledged
    std::uint64_t last = 0;     // sequence that went in a datagram
    std::uint64_t judged = 0;   // the number up to which losses were judged, and
    std::uint64_t arrived = 0;  // how many had come then
    Instant sent_at{};          // the last message, or it was opened
    Instant progress{};         // of acknowledgements, or all was acknowledged before
    Instant act_at = never;     // probes again, or reminds
    Duration pause{};           // after that

    [[nodiscard]] bool settled() const { return acked == sent && next > needs; }
  };
  using Paths = std::map<PathId, Path>;

  void look(Instant now, Effects& effects);
  void remind(PathId id, Path& path, Instant now);
  void probe(PathId id, Path& path, Instant now, Effects& effects);
  void leave(Path& path, Instant now, Duration pause);
  void judge(Path& path, const DatagramAck& ack, Instant now);
  void watch(Path& path, Instant now);
  void wake_at(Instant when) { deadline_ = std::min(deadline_, when); }

  Paths paths_;
  SendPlan plan_;
  effect::Remind reminded_;  // by the call under way
  Instant deadline_ = never;
};

}  // namespace tidegate::mesh
