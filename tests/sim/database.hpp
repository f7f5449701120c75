// PostgreSQL, as far as tidegate can tell: clusters of a primary and streaming replicas that
// commit, flush, ship, replay, pause, crash, rewind and are promoted.
//
// It is hostile by the facts that lib/ has to stand: unflushed WAL is lost with the primary, and
// its LSNs then mean other changes; WAL is flushed by pages too, and so up to the middle of a
// record; a replica gets flushed WAL only, and replays whole records; one that crashed may show
// less than before; a promotion begins a timeline and strands every standby that is past its start.
//
// Page headers are left out: peer/ has subtracted them before lib/ sees an LSN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/random.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/trace.hpp"
#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::sim {

using ServerId = std::size_t;

class Database {
 public:
  struct Server {
    std::string name;
    std::uint64_t system = 0;
    bool up = true;
    bool primary = false;
    bool stranded = false;     // past a switch, or an old primary: comes back as a copy
    bool deposed = false;      // stranded as a primary
    std::int64_t started = 0;  // the two together name its life; neither of them rises
    std::int64_t counted_since = 0;

    // Primary: how far it has written. Replica: how far it has replayed.
    std::uint32_t timeline = 1;
    std::uint64_t lsn = 0;
    std::uint64_t flushed = 0;  // of a primary
    std::uint32_t received_timeline = 1;
    std::uint64_t received = 0;  // of a replica

    bool paused = false;    // replay
    bool detached = false;  // no WAL receiver
    bool fixed = false;     // takes what there is in one go, after exactly its lags
    Duration ship_lag{};
    Duration replay_lag{};
    bool shipping = false;  // planned
    bool replaying = false;
    std::uint32_t life = 0;  // plans of an earlier one are void

    [[nodiscard]] Place place() const { return {system, timeline, lsn}; }
    [[nodiscard]] ServerIncarnation incarnation() const {
      return {system, started, ServerKind::postgres, counted_since};
    }
  };

  Database(EventQueue& events, base::Random random, History& history, Trace& trace)
      : events_(events), random_(random), history_(history), trace_(trace) {}

  // Told when a server's connections break.
  std::function<void(ServerId)> on_lost;

  // A new cluster; its primary is named "<prefix>p", its replicas "<prefix>r1" and so on. The id of
  // the primary, the others follow.
  ServerId add_cluster(const std::string& prefix, std::uint64_t system, std::size_t replicas);

  [[nodiscard]] Server& server(ServerId id) { return servers_[id]; }
  [[nodiscard]] const Server& server(ServerId id) const { return servers_[id]; }
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  // The history that the server tells.
  [[nodiscard]] tidegate::History history_of(ServerId id) const;
  // The position of a place, as a server that is there would tell it.
  [[nodiscard]] Position position_of(const Place& place) const;
  // The same as this primary tells it to everybody: with the number of its timeline and its start.
  [[nodiscard]] Position by_number(const Position& position, ServerId primary) const;
  // The second one has come through the timeline of the first one and left it.
  [[nodiscard]] bool is_past(const Server& old, const Server& later) const {
    return history_.next_towards(old.system, old.timeline, later.timeline) != 0;
  }
  // The newest, if several are up.
  [[nodiscard]] std::optional<ServerId> primary_of(std::uint64_t system) const;
  [[nodiscard]] std::vector<ServerId> primaries_of(std::uint64_t system) const;  // that are up
  [[nodiscard]] bool has_two_primaries(std::uint64_t system) const;              // up or down

  // --- what clients do; the server is a primary and up ----------------------------------------
  // `sync`: flushed when this returns. Else it is flushed after `flush_after`, unless it is lost.
  ChangeId commit(ServerId id, bool sync, Duration flush_after = {});
  // Another session's WAL that nobody flushes for so long.
  void tail(ServerId id, Duration flush_after);
  // A small durable write.
  void nudge(ServerId id);

  // --- what happens to servers -----------------------------------------------------------------
  void crash(ServerId id);
  // Comes back; a replica with less than it had shown, if `rewound`.
  void restart(ServerId id, bool rewound);
  // A replica that is up; no primary of the cluster is.
  void promote(ServerId id);
  // The same where primaries may be up, which know nothing of it.
  void promote_apart(ServerId id);
  // A server that is down comes back as it was, though a replica was promoted meanwhile: as the
  // primary that it was, or as a standby of what it has.
  void come_back(ServerId id, bool as_primary);
  // All other primaries of its cluster end and become copies.
  void strand_others(ServerId id);
  void pause(ServerId id, bool paused);
  void detach(ServerId id, bool detached);

  // Every server is up and caught up, and each cluster has a primary.
  [[nodiscard]] bool settled() const;
  // Ends all trouble; what still takes time is then on its way.
  void heal();

 private:
  std::uint64_t write(Server& server, bool is_change, ChangeId& change);
  void flush(ServerId id, std::uint64_t lsn);
  // Of a primary: what its replicas can replay.
  [[nodiscard]] std::uint64_t replayable(const Server& primary) const {
    return history_.whole(primary.system, primary.timeline, primary.flushed);
  }
  void flush_later(ServerId id, std::uint64_t lsn, Duration delay);
  void feed_replicas(std::uint64_t system);
  void ship(ServerId id);
  void shipped(ServerId id);
  void replay(ServerId id);
  void replayed(ServerId id);
  void copy_primary(ServerId id);
  void strand(ServerId id);
  void come_up(ServerId id, bool may_recover);
  void begin_life(Server& server, bool may_recover);
  void say(const Server& server, const std::string& what);
  // Of the record: an event of a server that is at a place now.
  void tell(std::string_view event, const Server& server, std::string_view from = "") const;
  [[nodiscard]] bool lag(const Server& server) const;
  [[nodiscard]] std::uint64_t somewhere(const Server& server, std::uint32_t timeline,
                                        std::uint64_t from, std::uint64_t to);
  Duration lag(const Server& server, Duration about);

  EventQueue& events_;
  base::Random random_;
  History& history_;
  Trace& trace_;
  std::vector<Server> servers_;
  std::int64_t starts_ = 0;
};

// "2:0/3000060"
[[nodiscard]] std::string text_of(const Place& place);

}  // namespace tidegate::sim
