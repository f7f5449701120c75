#include "command/health/doctor_pairs.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "command/health/mesh_map.hpp"
#include "command/units.hpp"
#include "lib/base/endpoint.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::health {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A large frame that has not come so long after the small one does not come.
constexpr Duration prompt = milliseconds(1500);
constexpr Duration noticeable_skew = seconds(2);
constexpr std::size_t most_named = 3;

// The troubles of a way. One of them with all others is told once.
enum class Way : std::uint8_t { direct, publish, unready, large, beacon, unknown, dead, slow };

struct WayFinding {
  Way way;
  Verdict verdict;
  Origin from;
  Origin to;
  std::string what;
  std::string cure;
};

struct Words {
  std::string what;
  std::string cure;
};

std::string heard_words(const PairSeen& pair) {
  return pair.beacon_came ? ", although its beacon is heard (UDP)" : "";
}

std::string direct_port(const PairSeen& pair) {
  return fmt::format("TCP port {} (direct)", pair.direct_port);
}
std::string publish_port(const PairSeen& pair) {
  return fmt::format("TCP port {} (publish)", pair.publish_port);
}

// A TCP port of a peer that did not do what it should.
Words port_words(const PairSeen& pair, PortAnswer answer, const std::string& name) {
  switch (answer) {
    case PortAnswer::refused:
      return {name + " is refused: nothing listens there" + heard_words(pair),
              "look whether its process runs, and listens on that network (--interfaces)"};
    case PortAnswer::silent:
      return {name + " takes connections, and nobody speaks" + heard_words(pair),
              "look at its process: is it stopped or overloaded?"};
    case PortAnswer::other:
      return {name + " belongs to another program",
              "look which program has that port there, and restart the peer"};
    case PortAnswer::unreachable:
      return {name + ": no way leads to its host" + heard_words(pair),
              "look at the routes and cables between the two hosts"};
    case PortAnswer::speaks:
    case PortAnswer::untested:
      return {name + " takes connections, but no frame comes through" + heard_words(pair),
              "look whether both have the same keys (`tidegate keys reload`), and whether it is "
              "overloaded"};
    case PortAnswer::no_answer:
      break;
  }
  return {name + ": no answer" + heard_words(pair),
          "let firewalls pass TCP to that port, and look whether that host is up"};
}

// There may be more peers than it has tested.
bool crowded(const MappedPeer& peer) {
  return peer.seen->pairs.size() >= base::limits::survey_members;
}

// Of one peer, by another that has told: what is wrong with the ways between the two.
class WayJudge {
 public:
  WayJudge(const MeshMap& map, std::uint16_t beacon_port, std::vector<WayFinding>& findings)
      : map_(map), beacon_port_(beacon_port), findings_(findings) {}

  void judge() {
    for (const auto& [origin, by] : map_.peers()) {
      if (by.seen == nullptr) continue;
      for (const auto& pair : by.seen->pairs) judge(by, map_.at(pair.origin), pair);
      for (const auto& [other, of] : map_.peers()) {
        if (other != origin && of.seen != nullptr) judge_unknown(by, of);
      }
    }
  }

 private:
  void add(Way way, Verdict verdict, const MappedPeer& from, const MappedPeer& to, Words words) {
    findings_.push_back(
        {way, verdict, from.origin, to.origin, std::move(words.what), std::move(words.cure)});
  }

  void judge(const MappedPeer& by, const MappedPeer& of, const PairSeen& pair) {
    if (!of.alive) return judge_dead(by, of, pair);
    // A peer of an earlier release answers nobody's questions, and is met all the same.
    const bool older = of.seen == nullptr && !of.answers_paths && pair.state == PeerState::ready;
    const bool direct = pair.round_trip || older;
    const bool publish = pair.stream_came || pair.publish == PortAnswer::speaks ||
                         pair.publish == PortAnswer::untested;
    const bool both = !direct && !publish && pair.direct == pair.publish;
    if (!direct) {
      const auto name = direct_port(pair) + (both ? " and " + publish_port(pair) : "");
      add(Way::direct, Verdict::problem, by, of, port_words(pair, pair.direct, name));
    }
    if (!publish && !both) {
      add(Way::publish, Verdict::problem, by, of,
          port_words(pair, pair.publish, publish_port(pair)));
    }
    if (!direct || !publish) return;
    if (pair.state != PeerState::ready) judge_unready(by, of, pair);
    if (!older && !pair.large_came && *pair.round_trip < prompt) {
      add(Way::large, Verdict::problem, of, by,
          {"small frames come through (TCP), large ones do not",
           "look at the MTU of every link between the two: packets that are too large are dropped, "
           "and the ICMP that says so does not come back; let it pass, or make the MTU of the "
           "interfaces smaller"});
    }
    judge_beacon(by, of, pair);
  }

  // Both ports answer, and the two have not met.
  void judge_unready(const MappedPeer& by, const MappedPeer& of, const PairSeen& pair) {
    const auto* back = MeshMap::view(of, by.origin);
    if (back != nullptr && (!back->round_trip || !back->stream_came)) return;  // told from there
    const auto step = pair.lacks == Handshake::done
                          ? std::string()
                          : fmt::format(", no {} yet", to_string(pair.lacks));
    add(Way::unready, Verdict::warning, by, of,
        {fmt::format("both ports answer, but it is not ready{}", step),
         "ask again in some seconds; if it stays so, look at its log"});
  }

  void judge_beacon(const MappedPeer& by, const MappedPeer& of, const PairSeen& pair) {
    if (pair.beacon_came || of.seen == nullptr) return;
    if (by.seen->has_seeds || of.seen->has_seeds) return;
    const auto* back = MeshMap::view(of, by.origin);
    const bool one_way = back != nullptr && back->beacon_came;
    const auto since = pair.last_beacon ? fmt::format("no beacon for {}",
                                                      command::rough_duration(*pair.last_beacon))
                                        : std::string("no beacon has ever come");
    add(Way::beacon, one_way ? Verdict::warning : Verdict::problem, of, by,
        {fmt::format("UDP port {}: {}, although TCP works", beacon_port_, since),
         std::string("let firewalls pass UDP to that port, by multicast or broadcast, or name one "
                     "of the two as --seeds of the other") +
             (one_way ? "; the two meet all the same, since the other direction works" : "")});
  }

  void judge_unknown(const MappedPeer& by, const MappedPeer& of) {
    if (MeshMap::view(by, of.origin) != nullptr || crowded(by)) return;
    add(Way::unknown, Verdict::problem, of, by,
        {fmt::format("it is not known there: no beacon (UDP port {}), no seed and no call",
                     beacon_port_),
         "let firewalls pass UDP and TCP between the two, or name one as --seeds of the other"});
  }

  void judge_dead(const MappedPeer& by, const MappedPeer& of, const PairSeen& pair) {
    // A later life of it, or another peer at its address, is there.
    for (const auto& [origin, other] : map_.peers()) {
      if (!other.alive) continue;
      if (origin.peer == of.origin.peer || (!of.name.empty() && other.name == of.name)) return;
    }
    if (map_.living_at(pair.host, pair.direct_port) != nullptr) return;
    const auto silent = command::rough_duration(pair.silent);
    if (pair.direct == PortAnswer::refused) {
      return add(Way::dead, Verdict::warning, by, of,
                 {fmt::format("it was silent for {}, and nothing listens there", silent),
                  "its process has ended without a farewell: start it again, if it should run"});
    }
    auto words = port_words(pair, pair.direct, direct_port(pair));
    add(Way::dead, Verdict::problem, by, of,
        {fmt::format("it was silent for {}; {}", silent, words.what), std::move(words.cure)});
  }

  const MeshMap& map_;
  std::uint16_t beacon_port_;
  std::vector<WayFinding>& findings_;
};

// Those who might have told the same of this peer.
std::size_t tellers_but(const MeshMap& map, const Origin& one) {
  return static_cast<std::size_t>(std::count_if(
      map.peers().begin(), map.peers().end(),
      [&](const auto& peer) { return peer.second.seen != nullptr && peer.first != one; }));
}

// Takes out what all others tell of one peer: that is one finding.
void take_common(const MeshMap& map, std::vector<WayFinding>& findings, Origin WayFinding::*end,
                 std::vector<PairFinding>& out) {
  constexpr std::size_t least = 3;
  const auto group = [end](const WayFinding& one) { return std::pair(one.way, one.*end); };
  std::map<std::pair<Way, Origin>, std::size_t> told;
  for (const auto& one : findings) ++told[group(one)];
  std::erase_if(told, [&](const auto& one) {
    return one.second < std::max(least, tellers_but(map, one.first.second));
  });
  std::set<std::pair<Way, Origin>> done;
  const bool to_it = end == &WayFinding::to;
  for (const auto& one : findings) {
    if (!told.contains(group(one)) || !done.insert(group(one)).second) continue;
    const auto label = map.at(one.*end).label();
    out.push_back({one.verdict, to_it ? "every other peer" : label,
                   to_it ? label : "every other peer", one.what, one.cure});
  }
  std::erase_if(findings, [&](const auto& one) { return told.contains(group(one)); });
}

void judge_ways(const MeshMap& map, std::uint16_t beacon_port, std::vector<PairFinding>& out) {
  std::vector<WayFinding> findings;
  WayJudge(map, beacon_port, findings).judge();
  for (const auto end : {&WayFinding::to, &WayFinding::from}) {
    take_common(map, findings, end, out);
  }
  for (auto& one : findings) {
    out.push_back({one.verdict, map.at(one.from).label(), map.at(one.to).label(),
                   std::move(one.what), std::move(one.cure)});
  }
}

// --- members that say nothing -------------------------------------------------------------------

void judge_unanswered(const Survey& survey, const MeshMap& map, std::vector<PairFinding>& out) {
  const auto& asking = map.at(survey.members.front().origin);
  for (const auto& member : survey.members) {
    const auto& peer = map.at(member.origin);
    const auto* pair = MeshMap::view(asking, member.origin);
    if (member.answered || !peer.alive || pair == nullptr) continue;
    if (!pair->round_trip && pair->state != PeerState::ready) continue;  // told as a way
    const Words words =
        peer.answers_paths
            ? Words{"it does not tell what it sees within the time",
                    "look whether it is overloaded, and ask again"}
            : Words{"it does not tell what it sees: an earlier release, which can't, or overloaded",
                    "nothing, or upgrade it; what others see of it is told"};
    out.push_back({Verdict::warning, asking.label(), peer.label(), words.what, words.cure});
  }
}

// --- what all should have in common -------------------------------------------------------------

// The members, by what they have.
template <typename Value>
using Groups = std::map<Value, std::vector<const MappedPeer*>>;

template <typename Value>
const Value& usual(const Groups<Value>& groups) {
  return std::max_element(
             groups.begin(), groups.end(),
             [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
      ->first;
}

std::string the_others(std::size_t count) {
  return count == 1 ? "the other one" : fmt::format("{} other members", count);
}

void judge_clusters(const MeshMap& map, std::vector<PairFinding>& out) {
  Groups<ClusterId> groups;
  for (const auto& [origin, peer] : map.peers()) {
    if (peer.seen == nullptr) continue;
    const auto cluster = peer.seen->reads != 0 ? peer.seen->reads : peer.seen->announces;
    if (cluster != 0) groups[cluster].push_back(&peer);
  }
  if (groups.size() < 2) return;
  const auto most = usual(groups);
  for (const auto& [cluster, peers] : groups) {
    if (cluster == most) continue;
    for (const auto* peer : peers) {
      out.push_back({Verdict::problem, peer->label(), the_others(groups[most].size()),
                     fmt::format("its database is of another cluster (system identifier {}) than "
                                 "theirs ({}): what they announce is foreign there, and the other "
                                 "way round",
                                 cluster, most),
                     "let --database and --primary of all lead to one primary and its physical "
                     "standbys, or give it another --mesh"});
    }
  }
}

void judge_versions(const MeshMap& map, std::vector<PairFinding>& out) {
  Groups<std::string> groups;
  for (const auto& [origin, peer] : map.peers()) {
    if (peer.seen != nullptr) groups[peer.seen->version].push_back(&peer);
  }
  if (groups.size() < 2) return;
  const auto most = usual(groups);
  for (const auto& [version, peers] : groups) {
    if (version == most) continue;
    std::string named;
    for (std::size_t i = 0; i < std::min(peers.size(), most_named); ++i) {
      named += (named.empty() ? "" : ", ") + peers[i]->label();
    }
    if (peers.size() > most_named) named += fmt::format(" and {} more", peers.size() - most_named);
    out.push_back({Verdict::warning, named, the_others(groups[most].size()),
                   fmt::format("tidegate {}, the others have {}", version, most),
                   "upgrade the older ones, unless you are doing that now"});
  }
}

// By the asking peer's clock, which may be the wrong one.
void judge_clocks(const Survey& survey, const MeshMap& map, std::vector<PairFinding>& out) {
  const auto& asking = map.at(survey.members.front().origin);
  std::vector<std::pair<Duration, const MappedPeer*>> clocks = {{Duration::zero(), &asking}};
  for (const auto& pair : survey.members.front().pairs) {
    if (pair.clock_ahead) clocks.emplace_back(*pair.clock_ahead, &map.at(pair.origin));
  }
  std::sort(clocks.begin(), clocks.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto middle = clocks[clocks.size() / 2].first;
  for (const auto& [ahead, peer] : clocks) {
    const auto skew = ahead - middle;
    if (std::chrono::abs(skew) < noticeable_skew) continue;
    out.push_back({Verdict::warning, peer->label(), the_others(clocks.size() - 1),
                   fmt::format("its clock is {} {} of theirs",
                               command::rough_duration(std::chrono::abs(skew)),
                               skew > Duration::zero() ? "ahead" : "behind"),
                   "let NTP set the clocks: a peer that is restarted with an earlier time is taken "
                   "for an old life of itself, and logs can't be compared"});
  }
}

// --- strangers and seeds ------------------------------------------------------------------------

Words refused_words(const RefusedSeen& refused, const std::string& mesh) {
  using Why = RefusedSeen::Why;
  switch (refused.why) {
    case Why::other_mesh:
      return {fmt::format("it is of the mesh '{}', and this one is '{}'", refused.detail, mesh),
              "nothing, if it belongs there; otherwise correct its --mesh"};
    case Why::no_key:
      return {"it calls itself one of this mesh, and has no key",
              "give it the key of the mesh with --key-file"};
    case Why::other_key:
      return {"it calls itself one of this mesh, and has a key that this peer does not have",
              "give both the same --key-file; `tidegate status` names the keys of a peer"};
    case Why::forged:
      return {"it names a key of this mesh, and its beacon was not made with it",
              "look who sends this: a wrong key file, or somebody who pretends"};
    case Why::other_version:
      break;
  }
  return {"it speaks another version of the protocol" +
              (refused.detail.empty() ? "" : " (" + refused.detail + ")"),
          "upgrade the older one"};
}

void judge_refused(const MeshMap& map, const std::string& mesh, std::vector<PairFinding>& out) {
  struct Refused {
    RefusedSeen refused;
    std::vector<const MappedPeer*> by;
  };
  std::map<std::pair<std::string, int>, Refused> all;
  for (const auto& [origin, peer] : map.peers()) {
    if (peer.seen == nullptr) continue;
    for (const auto& refused : peer.seen->refused) {
      // It has been let in since.
      const auto* living = map.living_at(refused.host, refused.direct_port);
      const auto* pair = living == nullptr ? nullptr : MeshMap::view(peer, living->origin);
      if (pair != nullptr && pair->state == PeerState::ready) continue;
      auto& one = all[{refused.host, refused.direct_port}];
      one.refused = refused;
      one.by.push_back(&peer);
    }
  }
  for (const auto& [address, one] : all) {
    const auto& refused = one.refused;
    const auto from = refused.direct_port == 0
                          ? refused.host
                          : to_string(base::Endpoint{refused.host, refused.direct_port});
    auto words = refused_words(refused, mesh);
    const bool other_mesh = refused.why == RefusedSeen::Why::other_mesh;
    out.push_back({other_mesh ? Verdict::warning : Verdict::problem, from,
                   one.by.size() == 1 ? one.by.front()->label() : "every peer that hears it",
                   std::move(words.what), std::move(words.cure)});
  }
}

// The peer that was perhaps meant.
std::string meant(const MeshMap& map, const std::vector<std::string>& tested) {
  for (const auto& address : tested) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    if (const auto* peer = map.living_on(host)) {
      return fmt::format("; the direct port of {} there is {}", peer->label(), peer->direct_port);
    }
  }
  return "";
}

Words seed_words(const MeshMap& map, const SeedSeen& seed) {
  const auto hint = meant(map, seed.tested);
  if (seed.tested.empty()) {
    return {seed.reason.empty() ? "no name server has answered for its name yet"
                                : "its name is not found: " + seed.reason,
            "look at the name servers of that host (/etc/resolv.conf), or name the seed by its "
            "address"};
  }
  const auto& address = seed.tested.front();
  const auto it = address == seed.seed ? std::string("its port") : address;
  switch (seed.answer) {
    case PortAnswer::refused:
      return {it + " is refused: nothing listens there" + hint,
              "start that peer, or correct the port of the seed: it is the direct one, the higher "
              "of its two"};
    case PortAnswer::speaks:
      if (!seed.reason.empty()) return {"it refuses: " + seed.reason, "correct the seed"};
      return {
          it + " speaks, but not to this peer: a publish port, another key or another mesh" + hint,
          "name the direct port, the higher of its two, and look at its key"};
    case PortAnswer::silent:
      return {it + " takes connections, and nobody speaks",
              "look at its process: is it stopped or overloaded?"};
    case PortAnswer::other:
      return {it + " belongs to another program" + hint, "correct the port of the seed"};
    case PortAnswer::unreachable:
      return {it + ": no way leads to its host", "correct the address, or look at the routes"};
    case PortAnswer::no_answer:
    case PortAnswer::untested:
      break;
  }
  return {it + " does not answer",
          "look whether that host is up, and let firewalls pass TCP to that port"};
}

void judge_seeds(const MeshMap& map, std::vector<PairFinding>& out) {
  for (const auto& [origin, peer] : map.peers()) {
    if (peer.seen == nullptr) continue;
    for (const auto& seed : peer.seen->seeds) {
      if (seed.unanswered < seconds(1)) continue;
      auto words = seed_words(map, seed);
      out.push_back({Verdict::problem, peer.label(), "seed " + seed.seed, std::move(words.what),
                     std::move(words.cure)});
    }
  }
}

}  // namespace

std::size_t answered(const Survey& survey) {
  return static_cast<std::size_t>(
      std::count_if(survey.members.begin(), survey.members.end(),
                    [](const MemberSeen& member) { return member.answered; }));
}

std::vector<PairFinding> judge_pairs(const Survey& survey, const std::string& mesh,
                                     std::uint16_t beacon_port) {
  std::vector<PairFinding> findings;
  if (survey.members.empty()) return findings;
  const MeshMap map(survey);
  judge_ways(map, beacon_port, findings);
  judge_unanswered(survey, map, findings);
  judge_clusters(map, findings);
  judge_versions(map, findings);
  judge_clocks(survey, map, findings);
  judge_refused(map, mesh, findings);
  judge_seeds(map, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const auto& a, const auto& b) { return a.verdict > b.verdict; });
  return findings;
}

}  // namespace tidegate::health
