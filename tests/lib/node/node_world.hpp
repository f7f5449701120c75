// A small mesh of real nodes on a virtual network, in virtual time, from a seed.
//
// Connections behave as those of TCP: each keeps its order, finds its way again to whoever listens
// at its end, and repeats a subscription until it arrives. What the network swallows is frames and
// datagrams. The database is one primary whose commits are flushed at once, and a replica for each
// peer that replays with a lag of its own.
//
// Every delivery is checked on the spot: its change is visible there (S1), and it is the next one
// of its origin, or one behind (S3, S4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "lib/node/node.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::testing {

class World {
 public:
  using Id = std::size_t;  // of a peer in one life

  struct Peer {
    mesh::PeerInfo info;
    std::string host;
    std::unique_ptr<node::Node> node;
    bool alive = true;
    Duration replica_lag{};
    std::map<mesh::LinkId, base::Endpoint> links;
    std::set<std::string> follows;         // hosts: each has one publisher
    std::vector<std::uint64_t> published;  // the LSN of each change, by sequence from 1
    std::map<std::pair<Origin, std::uint64_t>, int> delivered;
    std::map<std::pair<Origin, std::uint64_t>, int> reported;
    std::map<Origin, std::uint64_t> last_delivered;
    std::map<Origin, PeerGone::Why> gone;
  };

  explicit World(std::uint64_t seed) : random_(seed) {}

  // --- the peers --------------------------------------------------------------------------------

  Id start(const std::string& host, std::vector<base::Endpoint> seeds = {}) {
    const auto id = peers_.size();
    Peer peer;
    peer.host = host;
    peer.info = {origin(static_cast<std::uint8_t>(id + 1)), "default",
                 host + "." + std::to_string(id), publish_port, direct_port};
    peer.replica_lag = random_.between(Duration(0), std::chrono::milliseconds(50));
    Options options;
    options.database = "host=replica";
    peer.node =
        std::make_unique<node::Node>(options, peer.info, std::move(seeds), random_.next(), now_);
    peers_.push_back(std::move(peer));
    step(id, node::input::Subscribe{Pattern::all()});
    step(id, ServerUp{{home, static_cast<std::int64_t>(id)}});
    step(id, PrimaryUp{{home, 99}});
    return id;
  }

  void crash(Id id) {
    peers_[id].alive = false;
    subscribers_.erase(id);
    for (const auto& host : peers_[id].follows) disconnect(id, host);
    for (Id other = 0; other < peers_.size(); ++other) connect(other, peers_[id].host);
  }

  void leave(Id id) {
    step(id, node::input::Leave{});
    crash(id);
  }

  // Commits a change and announces it.
  void publish(Id id) {
    lsn_ += 1 + random_.below(100);
    commits_.emplace_back(now_, lsn_);
    peers_[id].published.push_back(lsn_);
    step(id, node::input::Publish{a_message("x", std::to_string(lsn_)), AfterCommit{}});
  }

  // --- the network ------------------------------------------------------------------------------

  // Of a thousand direct frames, stream frames and datagrams, so many are lost.
  std::uint64_t lost_direct = 0;
  std::uint64_t lost_stream = 0;
  std::uint64_t lost_beacons = 0;
  // This one of all direct frames is lost, counted from 0.
  std::uint64_t lost_frame = ~std::uint64_t{0};

  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  void heal() { cuts_.clear(); }

  // --- time -------------------------------------------------------------------------------------

  void run_for(Duration duration) {
    const auto until = now_ + duration;
    while (true) {
      auto next = events_.empty() ? never : events_.begin()->first.first;
      Id due = peers_.size();
      for (Id id = 0; id < peers_.size(); ++id) {
        if (peers_[id].alive && peers_[id].node->deadline() < next) {
          next = peers_[id].node->deadline();
          due = id;
        }
      }
      if (next > until) break;
      now_ = std::max(now_, next);
      if (due < peers_.size()) {
        step(due, node::input::TimePassed{});
      } else {
        const auto happen = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        happen();
      }
    }
    now_ = until;
  }

  // --- questions --------------------------------------------------------------------------------

  [[nodiscard]] Peer& peer(Id id) { return peers_[id]; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  [[nodiscard]] base::Random& random() { return random_; }

  [[nodiscard]] bool sees_ready(Id id, Id other) const {
    for (const auto& one : peers_[id].node->status(now_).peers) {
      if (one.origin == peers_[other].info.origin) return one.state == PeerState::ready;
    }
    return false;
  }
  [[nodiscard]] bool all_ready() const {
    for (Id id = 0; id < peers_.size(); ++id) {
      for (Id other = 0; other < peers_.size(); ++other) {
        if (id != other && peers_[id].alive && peers_[other].alive && !sees_ready(id, other)) {
          return false;
        }
      }
    }
    return true;
  }
  [[nodiscard]] int delivered(Id to, Id from, std::uint64_t sequence) const {
    return count(peers_[to].delivered, {peers_[from].info.origin, sequence});
  }
  [[nodiscard]] int reported(Id to, Id from, std::uint64_t sequence) const {
    return count(peers_[to].reported, {peers_[from].info.origin, sequence});
  }

 private:
  using Fates = std::map<std::pair<Origin, std::uint64_t>, int>;

  static constexpr std::uint16_t publish_port = 10;
  static constexpr std::uint16_t direct_port = 20;

  static int count(const Fates& fates, const std::pair<Origin, std::uint64_t>& which) {
    const auto found = fates.find(which);
    return found == fates.end() ? 0 : found->second;
  }

  bool lost(std::uint64_t per_mille) { return random_.below(1000) < per_mille; }

  [[nodiscard]] Peer* listener(const std::string& host) {
    for (auto& peer : peers_) {
      if (peer.alive && peer.host == host) return &peer;
    }
    return nullptr;
  }
  [[nodiscard]] Id id_of(const Peer& peer) const { return static_cast<Id>(&peer - peers_.data()); }
  [[nodiscard]] bool is_cut(const std::string& from, const std::string& to) const {
    return cuts_.contains({from, to});
  }

  void at(Instant when, std::function<void()> happen) {
    events_.emplace(std::pair(when, ++order_), std::move(happen));
  }
  // What travels on the same connection arrives in its order.
  void travel(const std::string& connection, std::function<void()> arrive) {
    auto& last = last_arrival_[connection];
    last = std::max(last + Duration(1), now_ + random_.between(std::chrono::microseconds(50),
                                                               std::chrono::milliseconds(3)));
    at(last, std::move(arrive));
  }

  void step(Id id, node::Input input) {
    if (!peers_[id].alive) return;
    node::Effects effects;
    peers_[id].node->step(std::move(input), now_, effects);
    for (auto& effect : effects) {
      std::visit([&](auto& e) { act(id, e); }, effect);
    }
  }

  void act(Id id, node::effect::Dial& e) { peers_[id].links[e.link] = e.endpoint; }
  void act(Id id, node::effect::Undial& e) { peers_[id].links.erase(e.link); }

  void act(Id id, node::effect::ToLink& e) {
    if (direct_frames_++ == lost_frame || lost(lost_direct)) return;
    const auto link = peers_[id].links.at(e.link);
    CHECK(link.port == direct_port);
    const auto route = std::to_string(id) + "/" + std::to_string(e.link);
    travel("link " + route, [this, id, link, route, frame = std::move(e.frame)] {
      auto* to = listener(link.host);
      if (to == nullptr || is_cut(peers_[id].host, to->host)) return;
      step(id_of(*to), node::input::FromRoute{route, peers_[id].host, frame});
    });
  }

  void act(Id id, node::effect::ToRoute& e) {
    if (direct_frames_++ == lost_frame || lost(lost_direct)) return;
    const auto slash = e.route.find('/');
    const Id to = std::stoul(e.route.substr(0, slash));
    const auto link = static_cast<mesh::LinkId>(std::stoul(e.route.substr(slash + 1)));
    travel("route " + e.route, [this, id, to, link, frame = std::move(e.frame)] {
      if (!peers_[to].links.contains(link) || is_cut(peers_[id].host, peers_[to].host)) return;
      step(to, node::input::FromLink{link, frame});
    });
  }

  void act(Id id, node::effect::Follow& e) {
    CHECK(e.endpoint.port == publish_port);
    CHECK(peers_[id].follows.insert(e.endpoint.host).second);
    connect(id, e.endpoint.host);
  }
  void act(Id id, node::effect::Unfollow& e) {
    CHECK(peers_[id].follows.erase(e.endpoint.host) == 1);
    disconnect(id, e.endpoint.host);
  }

  void connect(Id id, const std::string& host) {
    travel("subscription " + std::to_string(id) + host, [this, id, host] {
      if (!peers_[id].alive || !peers_[id].follows.contains(host)) return;
      auto* to = listener(host);
      if (to == nullptr || is_cut(peers_[id].host, host)) {
        at(now_ + std::chrono::milliseconds(200), [this, id, host] { connect(id, host); });
      } else if (subscribers_[id_of(*to)].insert(id).second) {
        step(id_of(*to), node::input::Reader{peers_[id].info.origin.peer, true});
      }
    });
  }
  void disconnect(Id id, const std::string& host) {
    travel("subscription " + std::to_string(id) + host, [this, id, host] {
      auto* to = listener(host);
      if (to == nullptr) return;
      if (is_cut(peers_[id].host, host)) {
        at(now_ + std::chrono::milliseconds(200), [this, id, host] { disconnect(id, host); });
        return;
      }
      if (subscribers_[id_of(*to)].erase(id) == 0) return;
      step(id_of(*to), node::input::Reader{peers_[id].info.origin.peer, false});
      connect(id, host);  // if it follows again meanwhile
    });
  }

  void act(Id id, node::effect::Broadcast& e) {
    for (const auto to : subscribers_[id]) {
      if (lost(lost_stream)) continue;
      travel("stream " + std::to_string(id) + ">" + std::to_string(to),
             [this, id, to, frame = e.frame] {
               const auto& from = peers_[id].host;
               if (!peers_[to].follows.contains(from) || is_cut(from, peers_[to].host)) return;
               step(to, node::input::FromStream{frame});
             });
    }
  }

  void act(Id id, node::effect::Announce& e) {
    for (Id to = 0; to < peers_.size(); ++to) {
      if (to == id || lost(lost_beacons)) continue;
      travel("beacon " + std::to_string(to), [this, id, to, announcement = e.announcement] {
        if (is_cut(peers_[id].host, peers_[to].host)) return;
        step(to, node::input::Heard{announcement, peers_[id].host});
      });
    }
  }

  [[nodiscard]] std::uint64_t replayed(Id id) const {
    const auto last = std::find_if(commits_.rbegin(), commits_.rend(), [&](const auto& commit) {
      return commit.first + peers_[id].replica_lag <= now_;
    });
    return last == commits_.rend() ? 1 : last->second;
  }

  void act(Id id, node::effect::Poll&) {
    at(now_ + std::chrono::microseconds(30), [this, id] {
      step(id, node::input::ReplayPositionRead{
                   Tide{{home, static_cast<std::int64_t>(id)}, 1, Lsn{replayed(id)}, {}}});
    });
  }
  void act(Id id, node::effect::QueryCommitPosition&) {
    at(now_ + std::chrono::microseconds(30), [this, id] {
      step(id, node::input::CommitPositionRead{{{home, 99}, 1, Lsn{lsn_}, Lsn{lsn_}}});
    });
  }
  void act(Id, node::effect::Nudge&) { FAIL_CHECK("a nudge, though all is flushed"); }

  void act(Id id, node::effect::Deliver& e) {
    auto& to = peers_[id];
    const auto& [content, from, name, sequence, held, late] = e.delivery;
    CHECK_FALSE(late);
    CHECK(++to.delivered[{from, sequence}] == 1);
    CHECK(count(to.reported, {from, sequence}) == 0);
    CHECK(sequence > std::exchange(to.last_delivered[from], sequence));
    CHECK(std::stoull(content.payload) <= replayed(id));
    for (const auto& publisher : peers_) {
      if (publisher.info.origin == from) {
        CHECK(std::to_string(publisher.published.at(sequence - 1)) == content.payload);
      }
    }
  }

  void act(Id id, node::effect::Notify& e) {
    auto& to = peers_[id];
    if (const auto* undelivered = std::get_if<Undelivered>(&e.notice)) {
      for (auto i = undelivered->first; i <= undelivered->last; ++i) {
        CHECK(++to.reported[{undelivered->origin, i}] == 1);
        CHECK(count(to.delivered, {undelivered->origin, i}) == 0);
      }
    } else if (const auto* gone = std::get_if<PeerGone>(&e.notice)) {
      to.gone[gone->origin] = gone->why;
    }
  }

  base::Random random_;
  Instant now_ = Instant(std::chrono::hours(5));
  std::vector<Peer> peers_;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t order_ = 0;
  std::map<std::string, Instant> last_arrival_;
  std::map<Id, std::set<Id>> subscribers_;  // of a publisher: whose subscription has arrived
  std::set<std::pair<std::string, std::string>> cuts_;
  std::uint64_t direct_frames_ = 0;
  std::vector<std::pair<Instant, std::uint64_t>> commits_;
  std::uint64_t lsn_ = 1;
};

}  // namespace tidegate::testing
