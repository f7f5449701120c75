#include "tests/sim/simulation.hpp"

#include <algorithm>

#include "lib/base/must.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tests/sim/draws.hpp"
#include "tidegate/token.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::hours;

constexpr std::size_t queue_limit = 5000;  // inputs of a stalled peer; beyond it streams lose
constexpr int most_spins = 20'000;         // steps of a peer at one instant
constexpr std::uint64_t look_every = 64;   // steps

Pattern pattern_of(std::size_t topic) {
  return topic == topics ? Pattern::all() : Pattern::parse("t/" + std::to_string(topic)).value();
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Trace& the_trace)
    : events(Instant(hours(5))),
      random(seed),
      trace(the_trace),
      database(events, base::Random(random.next()), history, trace),
      network(events, base::Random(random.next()), trace),
      oracle(history),
      sessions(
          events, base::Random(random.next()), database,
          [this](LifeId life, node::Input input, std::optional<Truth> truth) {
            give(life, {std::move(input), truth});
          },
          [this](LifeId life) { return !peers_[life].stalled; }) {
  database.on_lost = [this](ServerId server) { sessions.lost(server); };
  sessions.on_reading = [this](LifeId life, ServerId server, Sessions::Reads what) {
    tell_reading(life, server, what);
  };
  network.give = [this](LifeId life, node::Input input) { give(life, {std::move(input)}); };
}

void Simulation::say(LifeId life, const std::string& what) {
  if (trace.on()) trace.line(events.elapsed(), peers_[life].info.name + "  " + what);
}

template <typename Event>
void Simulation::record(LifeId life, const Event& event) {
  if (!trace.records()) return;
  std::string lines;
  records_[life].record.add(event, events.now(), lines);
  trace.record(lines);
}

// --- lives --------------------------------------------------------------------------------------

LifeId Simulation::start(const PeerPlan& plan) {
  const auto life = peers_.size();
  Peer peer;
  peer.plan = plan;
  // An id that is used again comes with a later incarnation. New ones may come with any: here with
  // an earlier one each time, as where the clock of a host was set back.
  peer.info.origin.incarnation = 1'000'000 + life;
  if (plan.id) {
    peer.info.origin.peer = *plan.id;
  } else {
    for (auto& byte : peer.info.origin.peer.bytes) byte = static_cast<std::uint8_t>(random.next());
    if (!plan.continues) peer.info.origin.incarnation = 1'000'000 - life;
  }
  peer.info.mesh = "default";
  peer.info.name = plan.name;
  peer.info.publish_port = plan.port;
  peer.info.direct_port = static_cast<std::uint16_t>(plan.port + 1);
  std::uint64_t last = 0;
  if (plan.continues) {
    const auto& earlier = peers_[*plan.continues];
    const auto publisher = mesh::publisher_of(earlier.info);
    peer.info.origin.peer = publisher.peer;
    peer.info.epoch = publisher.incarnation;
    last = earlier.last_sequence;
  }
  auto options = plan.options;
  if (plan.reads) options.database = "host=server";
  options.report_sent = life % 2 == 0 || trace.records();
  peer.node = std::make_unique<node::Node>(options, peer.info, plan.seeds, random.next(),
                                           events.now(), last);
  peer.alive = true;
  peers_.push_back(std::move(peer));
  waiting_.emplace_back();
  living_.push_back(life);
  if (trace.records()) {
    std::string lines;
    records_.push_back({node::Record(plan.name, events.now() - events.elapsed())});
    records_.back().record.begin(peers_[life].info, options, last, events.now(), lines);
    trace.record(lines);
  }

  const auto system = plan.reads ? database.server(*plan.reads).system : 0;
  oracle.born(life, {peers_[life].info.origin, plan.name, plan.reads.has_value(), system, options,
                     events.now(), plan.continues});
  network.start(life, plan.host, peers_[life].info);
  sessions.open(life, plan.reads, plan.primary);
  say(life, "starts on " + network.host_name(plan.host));
  rest(life);
  return life;
}

void Simulation::kill(LifeId life) {
  auto& it = peers_[life];
  if (!it.alive) return;
  say(life, "is gone");
  trace.record(events.elapsed(), "stop",
               [&](base::JsonLine& line) { line.add("peer", it.info.name); });
  it.alive = false;
  it.last_sequence = it.node->last_sequence();
  it.node.reset();
  waiting_[life].clear();
  std::erase(living_, life);
  network.end(life);
  sessions.close(life);
  oracle.died(life);
}

void Simulation::leave(LifeId life) {
  oracle.leaves(life);
  give(life, {node::input::Leave{}});
  // The last frames still go out.
  events.after(std::chrono::milliseconds(50), [this, life] { kill(life); });
}

void Simulation::stall(LifeId life, bool stalled) {
  auto& it = peers_[life];
  if (!it.alive || it.stalled == stalled) return;
  it.stalled = stalled;
  say(life, stalled ? "stalls" : "runs again");
  if (stalled) return;
  for (auto& given : std::exchange(waiting_[life], {})) give(life, std::move(given));
  rest(life);
}

// --- inputs -------------------------------------------------------------------------------------

void Simulation::give(LifeId life, Given given) {
  auto& it = peers_[life];
  if (!it.alive) return;
  if (it.stalled) {
    const bool full = waiting_[life].size() >= queue_limit;
    if (!full || !std::holds_alternative<node::input::FromStream>(given.input)) {
      waiting_[life].push_back(std::move(given));
    }
    return;
  }
  node::Effects effects;
  take(life, given, effects);
  run_effects(life, effects);
  rest(life);
}

void Simulation::publish(LifeId life, std::vector<Publication> batch) {
  auto& it = peers_[life];
  if (!it.alive) return;
  node::Effects effects;
  for (auto& publication : batch) {
    Message message{Topic::parse("t/" + std::to_string(publication.note.topic)).value(), "", {}};
    Given given{node::input::Publish{std::move(message), publication.dependency,
                                     publication.note.acknowledged},
                {},
                publication.note,
                publication.padding};
    if (it.stalled) {
      waiting_[life].push_back(std::move(given));
    } else {
      take(life, given, effects);
    }
  }
  run_effects(life, effects);
  if (!it.stalled) rest(life);
}

void Simulation::subscribe(LifeId life, std::size_t topic, bool wanted) {
  Given given{wanted ? node::Input(node::input::Subscribe{pattern_of(topic)})
                     : node::Input(node::input::Unsubscribe{pattern_of(topic)})};
  given.topic = topic;
  give(life, std::move(given));
}

// As a token brings the position.
void Simulation::ask(LifeId life, const Position& position, Duration timeout, Where where) {
  const auto ticket = ++peers_[life].questions;
  oracle.asked(life, ticket, position, timeout, where, events.now());
  give(life, {node::input::Ask{ticket, *parse_token(to_token(position)), timeout, where}});
}

void Simulation::demand(LifeId life, bool open) {
  peers_[life].demand = open;
  give(life, {node::input::Demand{open}});
}

void Simulation::trust_primary(LifeId life) {
  oracle.primary_trusted(life);
  give(life, {node::input::TrustPrimary{}});
}

// Tells the oracle of an input before the node has it. False: the input is not for the node.
bool Simulation::prepare(LifeId life, Given& given) {
  auto& it = peers_[life];
  if (given.note) {
    if (it.node->unsent_bytes() >= it.plan.options.unsent_bytes) {
      ++refused;
      return false;
    }
    auto& payload = std::get<node::input::Publish>(given.input).message.payload;
    payload = oracle.payload_for(life);
    if (payload.size() < given.padding) payload.resize(given.padding, ' ');
    given.note->at = events.now();
    oracle.published(life, *given.note);
    tell_note(life, *given.note);
  } else if (given.topic) {
    auto& count = it.subscriptions[*given.topic];
    const bool comes = std::holds_alternative<node::input::Subscribe>(given.input);
    count = std::max(0, count + (comes ? 1 : -1));
    for (std::size_t topic = 0; topic < topics; ++topic) {
      const bool wanted = it.subscriptions[topic] + it.subscriptions[topics] > 0;
      oracle.subscribed(life, topic, wanted, events.now());
    }
  } else if (given.truth) {
    oracle.read(life, *given.truth);
  }
  if (const auto* server = std::get_if<ServerUp>(&given.input)) {
    oracle.server_known(life, server->incarnation);
    it.server_up = true;
  } else if (std::holds_alternative<ServerDown>(given.input)) {
    it.server_up = false;
    oracle.server_down(life);
  } else if (std::holds_alternative<node::input::TideForgotten>(given.input)) {
    oracle.server_down(life);
  } else if (const auto* up = std::get_if<PrimaryUp>(&given.input)) {
    it.primary_up = true;
    it.primary = up->incarnation;
    oracle.primary_met(life, up->incarnation);
  } else if (std::holds_alternative<PrimaryDown>(given.input)) {
    it.primary_up = it.asking = false;
  } else if (const auto* asked = std::get_if<node::input::CommitPositionRead>(&given.input)) {
    it.asking = false;
    it.primary = asked->reading.incarnation;
    oracle.primary_known(life, asked->reading.incarnation);
  }
  return true;
}

void Simulation::take(LifeId life, Given& given, node::Effects& effects) {
  TIDEGATE_MUST(!stepping_);
  if (!prepare(life, given)) return;
  record(life, given.input);
  stepping_ = true;
  ++steps;
  peers_[life].node->step(std::move(given.input), events.now(), effects);
  stepping_ = false;
}

// After a turn: when it wants to be woken.
void Simulation::rest(LifeId life) {
  auto& it = peers_[life];
  if (!it.alive) return;
  const auto deadline = it.node->deadline();
  it.wake_at = std::max(deadline, events.now());
  if (deadline != never && deadline > events.now() && lateness > Duration(0)) {
    it.wake_at += up_to(random, lateness);
  }
  if (++it.steps % look_every == 0) oracle.seen(life, it.node->status(events.now()));
}

void Simulation::run_until(Instant until) {
  while (!broken()) {
    auto next = events.next();
    auto due = peers_.size();
    for (const auto life : living_) {
      if (!peers_[life].stalled && peers_[life].wake_at < next) {
        next = peers_[life].wake_at;
        due = life;
      }
    }
    if (next > until) break;
    if (due == peers_.size()) {
      events.run_next();
      continue;
    }
    events.pass_to(next);
    auto& it = peers_[due];
    it.spins = it.spun_at == events.now() ? it.spins + 1 : 0;
    it.spun_at = events.now();
    if (it.spins > most_spins) oracle.fail("contract", it.info.name + " does not come to rest");
    give(due, {node::input::TimePassed{}});
  }
  if (!broken()) events.pass_to(until);
}

std::string Simulation::unsettled() const {
  for (const auto life : living_) {
    const auto status = peers_[life].node->status(events.now());
    const auto& name = peers_[life].info.name;
    if (!sessions.connected(life)) return name + " has not found its servers again";
    for (const auto other : living_) {
      if (other == life) continue;
      const auto found = std::find_if(
          status.peers.begin(), status.peers.end(),
          [&](const PeerStatus& peer) { return peer.origin == peers_[other].info.origin; });
      if (found == status.peers.end()) return name + " does not know " + peers_[other].info.name;
      if (found->state != PeerState::ready) {
        return name + " sees " + peers_[other].info.name + " as " +
               std::string(to_string(found->state));
      }
    }
    if (status.held > 0) return name + " holds " + std::to_string(status.held) + " messages";
    if (status.unsent > 0) return name + " has not sent " + std::to_string(status.unsent);
    const auto unacknowledged = peers_[life].node->unacknowledged();
    if (unacknowledged > 0)
      return name + " waits for " + std::to_string(unacknowledged) + " receipts";
  }
  return "";
}

std::string Simulation::needless_connection() const {
  for (const auto life : living_) {
    const auto status = peers_[life].node->status(events.now());
    const auto& seeds = peers_[life].plan.seeds;
    for (const bool streams : {false, true}) {
      const auto all = network.connections(life, streams);
      for (const auto& endpoint : all) {
        // Of two lives that were at an address one after the other the first may not be given up.
        const auto members =
            std::count_if(status.peers.begin(), status.peers.end(), [&](const PeerStatus& member) {
              const auto port = member.direct_port - (streams ? 1 : 0);
              return member.host == endpoint.host && port == endpoint.port &&
                     member.state != PeerState::left && member.state != PeerState::gone;
            });
        // A seed's name may have led there.
        const auto dialled =
            streams ? 0 : std::count_if(seeds.begin(), seeds.end(), [&](auto& seed) {
              return seed.port == endpoint.port;
            });
        if (std::count(all.begin(), all.end(), endpoint) > members + dialled) {
          return peers_[life].info.name + " keeps a needless connection to " + endpoint.host + ":" +
                 std::to_string(endpoint.port);
        }
      }
    }
  }
  return "";
}

// --- effects ------------------------------------------------------------------------------------

void Simulation::run_effects(LifeId life, node::Effects& effects) {
  for (auto& effect : effects) {
    record(life, effect);
    std::visit([&](auto& e) { act(life, e); }, effect);
  }
}

// Hosts are their own addresses; a name may lead to others as well.
void Simulation::act(LifeId life, node::effect::Resolve& e) {
  const bool silent = happens(random, silent_names);
  node::input::Resolved answer{e.host, {}, "silent"};
  if (!silent) {
    answer = {e.host, {e.host}, ""};
    if (one_in(random, 3)) {
      answer.addresses.push_back(network.host_name(random.below(network.hosts())));
      if (answer.addresses.back() == e.host) answer.addresses.pop_back();
      if (one_in(random, 2)) std::reverse(answer.addresses.begin(), answer.addresses.end());
    }
  }
  events.after(std::chrono::milliseconds(silent ? 10'000 : 1 + random.below(20)),
               [this, life, answer] { give(life, {answer}); });
}

std::vector<LifeId> Simulation::ready_with(LifeId life) const {
  std::vector<LifeId> ready;
  for (const auto& peer : peers_[life].node->status(events.now()).peers) {
    const auto other = oracle.life_of(peer.origin);
    if (other && peer.state == PeerState::ready) ready.push_back(*other);
  }
  return ready;
}

void Simulation::act(LifeId life, node::effect::Broadcast& e) {
  if (const auto* data = std::get_if<mesh::Data>(&e.frame)) {
    oracle.sent(life, *data, events.now());
    if (peers_[life].node->unacknowledged() > 0) {
      oracle.awaits(life, data->messages.size(), ready_with(life));
    }
    if (trace.on()) say(life, text_of(e.frame));
  } else if (std::holds_alternative<mesh::Farewell>(e.frame)) {
    oracle.farewell(life);
  }
  if (const auto* data = std::get_if<mesh::Data>(&e.frame)) {
    const auto last = data->first + data->messages.size() - 1;
    network.broadcast(life, e.frame,
                      peers_[life].node->send_plan(last, encode(e.frame).size(), events.now()));
  } else {
    network.broadcast(life, e.frame, {});
  }
}

void Simulation::act(LifeId life, node::effect::ReadReplayPosition&) {
  if (!peers_[life].server_up) {
    return oracle.fail("contract", peers_[life].info.name + " polls a server that is down");
  }
  sessions.poll(life);
}

void Simulation::ask(LifeId life, bool nudge) {
  auto& it = peers_[life];
  say(life, nudge ? "nudges the primary" : "asks the primary");
  if (!it.primary_up || std::exchange(it.asking, true)) {
    oracle.fail("contract", it.info.name + (it.primary_up ? " asks before it was answered"
                                                          : " asks while the primary is down"));
  }
  sessions.ask(life, nudge);
}

void Simulation::act(LifeId life, node::effect::LeavePrimary&) {
  auto& it = peers_[life];
  it.primary_up = it.asking = false;
  say(life, "leaves the primary");
  oracle.primary_left(life);
  sessions.leave_primary(life);
}

// Nobody surveys a simulated mesh.
void Simulation::act(LifeId, node::effect::TestPort&) {}
void Simulation::act(LifeId, node::effect::Surveyed&) {}

void Simulation::act(LifeId life, node::effect::Deliver& e) {
  const auto& delivery = e.delivery;
  if (trace.on()) {
    const auto& position = delivery.message.position;
    say(life, "delivers " + delivery.origin_name + "/" + std::to_string(delivery.sequence) +
                  (position ? " at " + to_string(*position) : "") + " held " +
                  text_of(delivery.held) + (delivery.late ? " late" : ""));
  }
  oracle.delivered(life, delivery, events.now());
  if (on_delivery && !broken()) on_delivery(life, delivery);
}

void Simulation::act(LifeId life, node::effect::Notify& e) {
  const auto& notice = e.notice;
  std::string what;
  if (const auto* undelivered = std::get_if<Undelivered>(&notice)) {
    what =
        "reports " + undelivered->name + "/" + std::to_string(undelivered->first) +
        (undelivered->last > undelivered->first ? ".." + std::to_string(undelivered->last) : "") +
        " " + std::string(to_string(undelivered->why));
    oracle.undelivered(life, *undelivered, events.now());
  } else if (const auto* sent = std::get_if<Sent>(&notice)) {
    oracle.told_sent(life, *sent);  // the frame that follows says the same
  } else if (const auto* received = std::get_if<Received>(&notice)) {
    what = "hears that ticket " + std::to_string(received->ticket) + " is received" +
           (received->without.empty()
                ? ""
                : ", but " + std::to_string(received->without.size()) + " may lack it");
    oracle.received(life, *received);
    if (on_received) on_received(life);
  } else if (const auto* unpublished = std::get_if<Unpublished>(&notice)) {
    what = "gives back what it did not send: " + unpublished->payload;
    oracle.unpublished(life, *unpublished);
  } else if (const auto* undone = std::get_if<Undone>(&notice)) {
    what = "hears that its message " + std::to_string(undone->sequence) + " is " +
           std::string(to_string(undone->why));
    oracle.undone(life, *undone);
  } else if (const auto* coverage = std::get_if<Coverage>(&notice)) {
    what = "is told of its question " + std::to_string(coverage->ticket) + ": " +
           std::string(to_string(coverage->covered));
    oracle.covered(life, *coverage);
  } else if (const auto* ready = std::get_if<PeerReady>(&notice)) {
    what = "is ready with " + ready->name;
    oracle.ready(life, ready->origin);
  } else if (const auto* gone = std::get_if<PeerGone>(&notice)) {
    what = "loses " + gone->name + ": " + std::string(to_string(gone->why));
    oracle.gone(life, gone->origin);
  } else if (std::holds_alternative<ServerUp>(notice)) {
    what = "reads " + std::get<ServerUp>(notice).description;
  } else if (std::holds_alternative<ServerDown>(notice)) {
    what = "has lost its server";
  } else if (std::holds_alternative<PrimaryUp>(notice)) {
    what = "asks at " + std::get<PrimaryUp>(notice).description;
    oracle.primary_known(life, std::get<PrimaryUp>(notice).incarnation);
  } else if (std::holds_alternative<PrimaryDown>(notice)) {
    what = "has lost the primary";
  } else if (std::holds_alternative<Warning>(notice)) {
    what = "warns: " + std::get<Warning>(notice).text;
  } else {
    what = "gives another notice";
  }
  if (trace.on() && !what.empty()) say(life, what);
}

}  // namespace tidegate::sim
