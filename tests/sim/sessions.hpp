// The database connections of the peers, as peer/replay_watch and peer/commit_tag behave: each
// peer watches the server that it reads, and asks the primary, which it finds again wherever it is
// after a failover.
//
// 1. A question is answered once, or its connection breaks; never both.
// 2. A watch that comes up takes a reading unasked. A Poll while one is under way adds nothing.
// 3. A watch reads the LSN first and the timeline later; much may happen in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/node/event.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/event_queue.hpp"

namespace tidegate::sim {

using LifeId = std::size_t;  // of a peer, in one life

// Where a server really was when a reading of it was taken.
struct Truth {
  Place lsn;       // when the LSN was read
  Place timeline;  // when the timeline was, later
};

class Sessions {
 public:
  // Hands an input to a peer; with the truth behind a Polled.
  using Give = std::function<void(LifeId, node::Input, std::optional<Truth>)>;
  // Whether the peer's process runs: nobody else connects for it.
  using Runs = std::function<bool(LifeId)>;

  Sessions(EventQueue& events, base::Random random, Database& database, Give give, Runs runs)
      : events_(events),
        random_(random),
        database_(database),
        give_(std::move(give)),
        runs_(std::move(runs)) {}

  // Told what a peer's question reads of a server, in the moment in which it does.
  enum class Reads : std::uint8_t { lsn, history, commit_position };
  std::function<void(LifeId, ServerId, Reads)> on_reading = [](auto...) {};

  void open(LifeId life, std::optional<ServerId> reads, std::optional<std::uint64_t> primary);
  void close(LifeId life);

  void poll(LifeId life);
  void ask(LifeId life, bool nudge);
  // The peer does not want the primary that it is connected to.
  void leave_primary(LifeId life);

  // Everybody's connections to this server break.
  void lost(ServerId server);
  // One peer's connections break, the servers live.
  void drop(LifeId life);
  // The session with the server that is read ends, and the next one begins at once.
  void renew(LifeId life);
  // Behind the connection is another server now, if that one runs and is of the same cluster; from
  // now on the peer reads there.
  void switch_server(LifeId life, ServerId to);

  // Answers take at least so long, and so much more at random.
  Duration delay = std::chrono::microseconds(30);
  Duration jitter = std::chrono::microseconds(100);
  // The server can't tell, so often of a million polls.
  std::uint32_t no_reading = 0;
  // Before a lost connection is tried again, from half to one and a half of it.
  Duration retry = std::chrono::milliseconds(100);

  [[nodiscard]] bool connected(LifeId life) const;

  // Where the application of this peer commits: on the primary that the peer is connected to, or,
  // where the server that it reads follows a later one, on that one. Once the peer knows that it is
  // connected to none, on the cluster's only one, which it will connect to; if there are two,
  // nowhere: it could not tell its peer where.
  [[nodiscard]] std::optional<ServerId> primary_of(LifeId life) const;
  // The server that the peer reads just now.
  [[nodiscard]] std::optional<ServerId> reads(LifeId life) const {
    return peers_[life].watch.server;
  }
  [[nodiscard]] std::optional<ServerId> asks(LifeId life) const {
    return peers_[life].dependency.server;
  }

 private:
  struct Session {
    std::optional<ServerId> server;  // connected to
    bool told_down = false;
    bool busy = false;        // a question is under way
    Instant asked;            // of a watch: it was put then
    std::uint32_t epoch = 0;  // of the connection; what belongs to an earlier one is void
  };
  struct Peer {
    bool open = false;
    std::optional<ServerId> reads;
    std::optional<std::uint64_t> system;  // of the primary
    Session watch;
    Session dependency;
  };

  void connect_watch(LifeId life);
  void connect_tag(LifeId life);
  [[nodiscard]] std::optional<ServerId> nearest_primary(LifeId life) const;
  [[nodiscard]] std::optional<ServerId> later_primary(LifeId life) const;
  void watch_broken(LifeId life);
  void tag_broken(LifeId life);
  void introduce_watched(LifeId life);
  void read_tide(LifeId life);
  void finish_tide(LifeId life, Tide tide, Place place);
  Duration answer_time();
  Duration pause();

  EventQueue& events_;
  base::Random random_;
  Database& database_;
  Give give_;
  Runs runs_;
  std::vector<Peer> peers_;
};

}  // namespace tidegate::sim
