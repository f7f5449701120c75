// A mesh of real nodes, with all that is around them, in virtual time from a seed.
//
// It does for a node what peer/loop does: hands it one input at a time, steps it at its deadline,
// carries out the effects in their order. It decides when things happen and never what a node
// does. Everything that a node is told or does goes past the oracle.
//
// A peer may be stalled, as by SIGSTOP: it gets no steps, its inputs wait and then come all at
// once. It may be killed, with all that it held, and a new life of it may be started.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/node/node.hpp"
#include "lib/node/record.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/sessions.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

struct PeerPlan {
  std::string name;
  HostId host = 0;
  std::uint16_t port = 100;                   // of its publisher; the direct one is the next
  std::optional<ServerId> reads;              // none: not gated
  std::optional<std::uint64_t> primary = {};  // the cluster; none: asks nobody
  std::vector<base::Endpoint> seeds = {};
  Options options = {};                  // but for the database, see `reads`
  std::optional<PeerId> id = {};         // of an earlier life
  std::optional<LifeId> continues = {};  // with the identity and the stream of this one
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Trace& trace);

  EventQueue events;
  base::Random random;
  Trace& trace;
  History history;
  Database database;
  Network network;
  Oracle oracle;
  Sessions sessions;

  // The application of a peer was given something.
  std::function<void(LifeId, const Delivery&)> on_delivery;
  // A message of this life was acknowledged.
  std::function<void(LifeId)> on_received;
  // The most that the tuning of peers' loops may add to a deadline.
  Duration lateness{};
  // A lookup of a name is not answered in time, so often of a million.
  std::uint32_t silent_names = 0;

  struct Peer {
    PeerPlan plan;
    mesh::PeerInfo info;
    std::unique_ptr<node::Node> node;
    bool alive = false;
    bool stalled = false;
    std::uint64_t last_sequence = 0;  // of the stream, once it is gone
    bool demand = true;
    std::array<int, topics + 1> subscriptions{};  // by topic, the last: to all
    std::optional<ServerIncarnation> primary;     // that it was told of last
    bool server_up = false;                       // as far as it was told
    bool primary_up = false;
    bool asking = false;  // the primary
    Instant wake_at = never;
    Instant spun_at;
    int spins = 0;
    std::uint64_t steps = 0;
    Ticket questions = 0;
  };

  LifeId start(const PeerPlan& plan);
  void kill(LifeId life);
  void leave(LifeId life);
  void stall(LifeId life, bool stalled);

  // Actions of applications. `topic` == topics: all of them.
  struct Publication {
    Note note;
    Dependency dependency;
    std::size_t padding = 0;  // bytes of payload
  };
  void publish(LifeId life, std::vector<Publication> batch);
  void subscribe(LifeId life, std::size_t topic, bool wanted);
  void demand(LifeId life, bool open);
  void trust_primary(LifeId life);
  void ask(LifeId life, const Position& position, Duration timeout, Where where);

  // Until then, or until a promise is broken.
  void run_until(Instant until);
  void run_for(Duration duration) { run_until(events.now() + duration); }
  [[nodiscard]] bool broken() const { return oracle.violation().has_value(); }

  [[nodiscard]] const std::vector<LifeId>& living() const { return living_; }
  [[nodiscard]] Peer& peer(LifeId life) { return peers_[life]; }
  [[nodiscard]] std::size_t lives() const { return peers_.size(); }

  // Empty, or who is not ready with whom, or still holds something.
  [[nodiscard]] std::string unsettled() const;

  // Empty, or a connection that leads to no member of the roster and to no seed.
  [[nodiscard]] std::string needless_connection() const;

  std::uint64_t steps = 0;
  std::uint64_t refused = 0;  // publications, since the outbox was full

 private:
  // An input on its way, with what the oracle has to know when it is taken.
  struct Given {
    node::Input input;
    std::optional<Truth> truth = {};
    std::optional<Note> note = {};
    std::size_t padding = 0;
    std::optional<std::size_t> topic = {};
  };

  void give(LifeId life, Given given);
  void take(LifeId life, Given& given, node::Effects& effects);
  bool prepare(LifeId life, Given& given);
  void rest(LifeId life);
  void run_effects(LifeId life, node::Effects& effects);
  [[nodiscard]] std::vector<LifeId> ready_with(LifeId life) const;
  void say(LifeId life, const std::string& what);
  void tell_note(LifeId life, const Note& note);
  void tell_reading(LifeId life, ServerId id, Sessions::Reads what);
  template <typename Event>
  void record(LifeId life, const Event& event);
  void ask(LifeId life, bool nudge);

  void act(LifeId life, node::effect::Dial& e) { network.dial(life, e.link, e.endpoint); }
  void act(LifeId life, node::effect::Undial& e) { network.undial(life, e.link); }
  void act(LifeId life, node::effect::Resolve& e);
  void act(LifeId life, node::effect::Follow& e) { network.follow(life, e); }
  void act(LifeId life, node::effect::Unfollow& e) { network.unfollow(life, e.publisher); }
  void act(LifeId life, node::effect::OpenPath& e) { network.open_path(life, e); }
  void act(LifeId life, node::effect::ClosePath& e) { network.close_path(life, e.publisher); }
  void act(LifeId life, node::effect::SubscribeShared& e) {
    network.subscribe_shared(life, e.publisher, e.wanted);
  }
  void act(LifeId life, node::effect::Acknowledge& e) {
    network.acknowledge(life, e.publisher, e.ack);
  }
  void act(LifeId life, node::effect::AdmitPath& e) { network.admit_path(life, e.path); }
  void act(LifeId life, node::effect::DropPath& e) { network.drop_path(life, e.path); }
  void act(LifeId life, node::effect::ProbePath& e) { network.probe_path(life, e.number, e.size); }
  void act(LifeId life, node::effect::Remind& e) { network.remind(life, e); }
  void act(LifeId life, node::effect::ToLink& e) { network.to_link(life, e.link, e.frame); }
  void act(LifeId life, node::effect::ToRoute& e) { network.to_route(life, e.route, e.frame); }
  void act(LifeId life, node::effect::Broadcast& e);
  void act(LifeId life, node::effect::Announce& e) { network.announce(life, e.announcement); }
  void act(LifeId life, node::effect::ReadReplayPosition& e);
  void act(LifeId life, node::effect::QueryCommitPosition&) { ask(life, false); }
  void act(LifeId life, node::effect::Nudge&) { ask(life, true); }
  void act(LifeId life, node::effect::LeavePrimary& e);
  void act(LifeId life, node::effect::TestPort& e);
  void act(LifeId life, node::effect::Surveyed& e);
  void act(LifeId life, node::effect::Deliver& e);
  void act(LifeId life, node::effect::Notify& e);

  std::vector<Peer> peers_;
  std::vector<std::deque<Given>> waiting_;  // of the stalled
  struct Recorded {
    node::Record record;
    std::array<std::string, 2> told = {};  // last, of what was read: an LSN, a history
  };
  std::vector<Recorded> records_;  // by life, if there is a record
  std::vector<LifeId> living_;
  bool stepping_ = false;
};

}  // namespace tidegate::sim
