#include "command/doors/http/metrics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <utility>

#include "command/doors/http/exposition.hpp"
#include "command/readiness.hpp"
#include "command/status_text.hpp"
#include "lib/node/names.hpp"

namespace tidegate::http_door {
namespace {

// A count and its family. Counts of one family follow each other, and tell themselves apart by a
// label; the help is that of the first.
template <typename Counts>
struct CountMetric {
  std::uint64_t Counts::*count;
  const char* name;
  const char* help;
  const char* label = nullptr;
  const char* value = nullptr;
};

constexpr const char* undelivered = "tidegate_messages_undelivered_total";
constexpr const char* undelivered_help = "Messages that were reported as undelivered, by reason.";

using C = Counters;
constexpr std::array counters{
    CountMetric<C>{&C::published, "tidegate_messages_published_total",
                   "Messages sent to the mesh."},
    CountMetric<C>{&C::received, "tidegate_messages_received_total",
                   "Messages of others that arrived for the first time."},
    CountMetric<C>{&C::delivered, "tidegate_messages_delivered_total",
                   "Messages given to the application."},
    CountMetric<C>{&C::late, "tidegate_messages_late_total",
                   "Messages delivered before their change was visible, as the settings wish."},
    CountMetric<C>{&C::unmatched, "tidegate_messages_unmatched_total",
                   "Released messages that no subscription asked for."},
    CountMetric<C>{&C::duplicate, "tidegate_messages_duplicate_total",
                   "Messages dropped because they had arrived before."},
    CountMetric<C>{&C::missing, undelivered, undelivered_help, "reason", "missing"},
    CountMetric<C>{&C::orphaned, undelivered, undelivered_help, "reason", "orphaned"},
    CountMetric<C>{&C::in_doubt, undelivered, undelivered_help, "reason", "in_doubt"},
    CountMetric<C>{&C::foreign, undelivered, undelivered_help, "reason", "foreign"},
    CountMetric<C>{&C::expired, undelivered, undelivered_help, "reason", "expired"},
    CountMetric<C>{&C::overdue, undelivered, undelivered_help, "reason", "overdue"},
    CountMetric<C>{&C::unpublished, "tidegate_messages_unpublished_total",
                   "Messages that came back to this application because they could not be sent."},
    CountMetric<C>{&C::undone, "tidegate_messages_undone_total",
                   "Own messages whose change a failover has undone."},
    CountMetric<C>{&C::malformed, "tidegate_frames_malformed_total",
                   "Frames and datagrams that could not be read."},
    CountMetric<C>{&C::unexpected, "tidegate_frames_unexpected_total",
                   "Frames that could be read, but had no place there or then."},
    CountMetric<C>{&C::suppressed, "tidegate_frames_suppressed_total",
                   "Frames that were too much for the queues of slow readers."},
    CountMetric<C>{&C::refused, "tidegate_peers_refused_total",
                   "Peers of another mesh or version of the protocol that were turned away."},
    CountMetric<C>{&C::strangers, "tidegate_strangers_total",
                   "Beacons without a key of the mesh, and connections of no member."},
    CountMetric<C>{&C::floods, "tidegate_floods_total",
                   "Connections that were ended because too much came over them."},
    CountMetric<C>{&C::refused_full, "tidegate_messages_refused_full_total",
                   "Arrivals beyond held-bytes, which are fetched again later."},
    CountMetric<C>{&C::requests, "tidegate_retransmit_requests_total",
                   "Requests to others for messages that were missed."},
    CountMetric<C>{&C::recovered, "tidegate_messages_recovered_total",
                   "Missed messages that came again."},
    CountMetric<C>{&C::answers, "tidegate_retransmit_answers_total",
                   "Answers to such requests of others."},
    CountMetric<C>{&C::resent, "tidegate_messages_resent_total",
                   "Messages sent again in those answers."},
    CountMetric<C>{&C::datagrams_sent, "tidegate_datagrams_sent_total",
                   "Datagrams with messages that were sent, one for each reader."},
    CountMetric<C>{&C::datagrams_received, "tidegate_datagrams_received_total",
                   "Datagrams with messages that came."},
    CountMetric<C>{&C::replay_reads, "tidegate_replay_reads_total",
                   "Questions to the server that is read: how far it is."},
    CountMetric<C>{&C::position_queries, "tidegate_position_queries_total",
                   "Questions to the primary for a position."},
    CountMetric<C>{&C::nudges, "tidegate_nudges_total",
                   "Small writes on the primary that flush the tail of another session."},
};
static_assert(counters.size() == counter_names.size(), "every counter is a metric");

constexpr const char* cut = "tidegate_door_clients_cut_total";
constexpr const char* cut_help = "STOMP clients whose connection the door has ended, by reason.";

using D = stomp_door::DoorCounters;
constexpr std::array door_counters{
    CountMetric<D>{&D::connected, "tidegate_door_clients_connected_total",
                   "STOMP clients that have connected."},
    CountMetric<D>{&D::turned_away, "tidegate_door_clients_turned_away_total",
                   "STOMP clients turned away because there were too many."},
    CountMetric<D>{&D::published, "tidegate_door_messages_published_total",
                   "Messages that STOMP clients have published."},
    CountMetric<D>{&D::unpublished, "tidegate_door_messages_unpublished_total",
                   "Messages of STOMP clients that could not be sent."},
    CountMetric<D>{&D::acknowledged, "tidegate_door_messages_acknowledged_total",
                   "Messages that STOMP clients have acknowledged."},
    CountMetric<D>{&D::refused_by_client, "tidegate_door_messages_refused_total",
                   "Messages that STOMP clients have refused (NACK)."},
    CountMetric<D>{&D::malformed, cut, cut_help, "reason", "malformed"},
    CountMetric<D>{&D::refused, cut, cut_help, "reason", "refused"},
    CountMetric<D>{&D::login, cut, cut_help, "reason", "login"},
    CountMetric<D>{&D::silent, cut, cut_help, "reason", "silent"},
    CountMetric<D>{&D::slow, cut, cut_help, "reason", "slow"},
    CountMetric<D>{&D::left_unpublished, cut, cut_help, "reason", "unpublished"},
    CountMetric<D>{&D::evicted, cut, cut_help, "reason", "evicted"},
};
static_assert(door_counters.size() + 1 == stomp_door::door_counter_names.size(),
              "every count is a metric; the clients of now are a gauge");

template <typename Counts, std::size_t size>
void put(Exposition& out, const Counts& counts,
         const std::array<CountMetric<Counts>, size>& metrics) {
  std::string_view family;
  for (const auto& metric : metrics) {
    if (metric.name != family) out.counter(metric.name, metric.help);
    family = metric.name;
    Labels labels;
    if (metric.label != nullptr) labels.push_back({metric.label, metric.value});
    out.sample(counts.*metric.count, labels);
  }
}

void put(Exposition& out, const char* name, const char* help, std::uint64_t value) {
  out.gauge(name, help);
  out.sample(value);
}

void put(Exposition& out, const char* name, const char* help, Duration value) {
  out.gauge(name, help);
  out.sample(value);
}

void put_gate(Exposition& out, const Status& status) {
  put(out, "tidegate_gated", "1 if a server is read, so that messages wait for their change.",
      std::uint64_t{status.gated});
  if (status.tide) {
    put(out, "tidegate_replay_position_bytes",
        "The place in the WAL up to which the server that is read shows changes.",
        status.tide->replayed);
    put(out, "tidegate_replay_still_seconds",
        "Time since the last reading of that place has changed.", status.tide_still);
  }
  if (const auto lag = command::lag(status)) {
    put(out, "tidegate_replay_lag_seconds",
        "Time since the oldest announced change that is not shown yet arrived; 0: all are shown.",
        *lag);
  }
  if (const auto missing = command::bytes_behind(status)) {
    put(out, "tidegate_replay_missing_bytes",
        "WAL that must still be replayed before the next held message leaves.", *missing);
  }
  put(out, "tidegate_held_messages", "Messages that wait for their change.", status.held);
  put(out, "tidegate_held_bytes", "Bytes of messages that wait for their change.",
      status.held_bytes);
  put(out, "tidegate_held_oldest_seconds",
      "Time for which the message that leaves next has waited.", status.held_longest);
  put(out, "tidegate_untaken_seconds",
      "Time for which the application has taken no deliveries; 0 while it does.", status.untaken);
}

void put_publishing(Exposition& out, const Status& status) {
  put(out, "tidegate_primary_known", "1 if positions can be asked for now.",
      std::uint64_t{status.primary_known});
  put(out, "tidegate_unsent_messages", "Published messages that are not sent yet.", status.unsent);
  put(out, "tidegate_unsent_bytes", "Bytes of published messages that are not sent yet.",
      status.unsent_bytes);
  put(out, "tidegate_outgoing_bytes", "Bytes that were sent and that some peer has not taken yet.",
      status.outgoing_bytes);
  put(out, "tidegate_retained_messages", "Own messages that are retained for others.",
      status.retained);
  put(out, "tidegate_retained_bytes", "Bytes of own messages that are retained for others.",
      status.retain_bytes);
}

void put_servers(Exposition& out, const Status& status) {
  const std::array servers{std::pair("database", &status.database),
                           std::pair("primary", &status.primary)};
  const auto each = [&](const char* name, const char* help, auto value) {
    out.gauge(name, help);
    for (const auto& [role, server] : servers) {
      if (server->asked) out.sample(value(*server), {{"server", role}});
    }
  };
  each("tidegate_server_up", "1 if the server answers, by the use that is made of it.",
       [](const auto& server) { return std::uint64_t{server.up}; });
  each("tidegate_server_primary", "1 if the server takes changes now.",
       [](const auto& server) { return std::uint64_t{server.primary}; });
  each("tidegate_server_degraded", "1 if a right is missing on the server, so that a guarantee is.",
       [](const auto& server) { return std::uint64_t{!server.degraded.empty()}; });
  each("tidegate_server_since_seconds", "Time for which the server has been up, or down.",
       [](const auto& server) { return server.since; });
}

void put_troubles(Exposition& out, const Status& status) {
  out.gauge("tidegate_troubles", "Troubles that last, by kind.");
  for (const auto& kind : node::trouble_names) {
    out.sample(static_cast<std::uint64_t>(
                   std::count_if(status.troubles.begin(), status.troubles.end(),
                                 [&](const auto& trouble) { return trouble.kind == kind.value; })),
               {{"kind", kind.name}});
  }
}

// Those that are there, each series once: of two lives at one address the later one.
std::map<std::pair<std::string, std::string>, const PeerStatus*> living(const Status& status) {
  std::map<std::pair<std::string, std::string>, const PeerStatus*> all;
  for (const auto& peer : status.peers) {
    if (peer.state == PeerState::left || peer.state == PeerState::gone) continue;
    auto& known = all[{peer.name, peer.host + ":" + std::to_string(peer.direct_port)}];
    if (known == nullptr || known->origin.incarnation < peer.origin.incarnation) known = &peer;
  }
  return all;
}

void put_peers(Exposition& out, const Status& status) {
  out.gauge("tidegate_peers", "Other peers of the mesh that are known, by state.");
  for (const auto& state : node::peer_state_names) {
    out.sample(static_cast<std::uint64_t>(
                   std::count_if(status.peers.begin(), status.peers.end(),
                                 [&](const auto& peer) { return peer.state == state.value; })),
               {{"state", state.name}});
  }
  const auto peers = living(status);
  const auto each = [&](const char* name, const char* help, auto value) {
    out.gauge(name, help);
    for (const auto& [key, peer] : peers) {
      out.sample(value(*peer), {{"peer", key.first}, {"address", key.second}});
    }
  };
  each("tidegate_peer_ready", "1 if messages flow to and from that peer.",
       [](const auto& peer) { return std::uint64_t{peer.state == PeerState::ready}; });
  each("tidegate_peer_silent_seconds", "Time since the last sign of life of that peer.",
       [](const auto& peer) { return peer.silent; });
  each("tidegate_peer_lag_messages",
       "Messages of this peer that the other one was behind by when it last asked for missed ones.",
       [](const auto& peer) { return peer.lag; });
  each("tidegate_peer_slow", "1 if that peer keeps asking for what it has missed of this one.",
       [](const auto& peer) { return std::uint64_t{peer.slow}; });
  each("tidegate_peer_datagrams_to", "1 if messages to that peer go in datagrams.",
       [](const auto& peer) { return std::uint64_t{peer.datagrams_to == DatagramState::open}; });
  each("tidegate_peer_datagrams_from", "1 if messages of that peer come in datagrams.",
       [](const auto& peer) { return std::uint64_t{peer.datagrams_from == DatagramState::open}; });
  each("tidegate_peer_held_messages", "Messages of that peer that wait here for their change.",
       [](const auto& peer) { return peer.held; });
  each("tidegate_peer_missing_messages", "Messages of that peer that are known and not here yet.",
       [](const auto& peer) { return peer.missing; });
}

void put_seeds(Exposition& out, const Status& status) {
  if (status.seeds.empty()) return;
  std::map<std::string, Duration> seeds;
  for (const auto& seed : status.seeds) seeds[seed.seed] = seed.unanswered;
  out.gauge("tidegate_seed_unanswered_seconds",
            "Time for which no peer has answered at the seed; 0 while one does.");
  for (const auto& [seed, unanswered] : seeds) out.sample(unanswered, {{"seed", seed}});
}

void put_timings(Exposition& out, const Timings& timings) {
  out.histogram("tidegate_held_seconds",
                "Time for which delivered messages waited for their change, if they had to.",
                timings.held);
  out.histogram("tidegate_release_delay_seconds",
                "Time between the replay of a change and the delivery of its message, at the most.",
                timings.release);
  out.histogram("tidegate_replay_read_seconds",
                "Time that the server that is read takes to say how far it is.",
                timings.replay_read);
}

void put_removal(Exposition& out, const command::OutboxRemoval& removal) {
  out.counter("tidegate_outbox_removed_rows_total", "Old rows of the outbox that were removed.");
  out.sample(removal.rows);
  out.counter("tidegate_outbox_removal_slices_total",
              "Transactions that have removed rows of the outbox.");
  out.sample(removal.slices);
  put(out, "tidegate_outbox_removal_longest_seconds", "The longest of those transactions.",
      removal.longest);
  put(out, "tidegate_outbox_removal_failing", "1 if old rows of the outbox can't be removed.",
      std::uint64_t{!removal.trouble.empty()});
}

}  // namespace

std::string metrics_text(const json_lines::PeerReport& report, std::string_view version) {
  Exposition out;
  out.gauge("tidegate_peer_info", "Always 1; the labels say which peer this is.");
  out.sample(1, {{"version", version}, {"mesh", report.mesh}, {"peer", report.name}});
  put(out, "tidegate_uptime_seconds", "Time since the peer started.", report.up);
  put_troubles(out, report);
  put_gate(out, report);
  put_timings(out, report.timings);
  put_servers(out, report);
  put_publishing(out, report);
  put_peers(out, report);
  put_seeds(out, report);
  put(out, report.counters, counters);
  if (report.door) {
    put(out, "tidegate_door_clients", "STOMP clients that are connected.", report.door->clients);
    put(out, *report.door, door_counters);
  }
  if (report.removal) put_removal(out, *report.removal);
  return std::move(out).text();
}

}  // namespace tidegate::http_door
