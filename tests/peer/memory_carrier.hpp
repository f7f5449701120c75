// A carrier of bytes between loops of one thread, without a socket: the seam of carrier.hpp filled
// in by hand, so that whole peers talk in a test.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/mesh/stream_part.hpp"
#include "peer/carriers/carrier.hpp"

namespace tidegate::testing {

class MemoryCarrier;

// The carriers that can reach each other, by their ports.
using MemoryNetwork = std::map<std::uint16_t, MemoryCarrier*>;

class MemoryCarrier final : public carriers::Carrier {
 public:
  // Takes the port and the next one.
  MemoryCarrier(MemoryNetwork& network, PeerId self, std::uint16_t port)
      : network_(network), self_(self), ports_{port, static_cast<std::uint16_t>(port + 1)} {
    network_[ports_.publish] = network_[ports_.direct] = this;
  }
  ~MemoryCarrier() override { leave(); }

  [[nodiscard]] carriers::Ports ports() const override { return ports_; }
  [[nodiscard]] mesh::StreamKey stream_key() const override { return {}; }
  void attach(io::Reactor& reactor) override { reactor_ = &reactor; }

  std::vector<std::string> listen_on(const std::vector<std::string>&) override { return {}; }

  [[nodiscard]] std::vector<mesh::LinkId> use_keys(const keys::Keyring&) override { return {}; }

  [[nodiscard]] bool dial(mesh::LinkId link, const base::Endpoint& endpoint, mesh::KeyId) override {
    links_[link] = endpoint.port;
    return true;
  }
  void undial(mesh::LinkId link) override { links_.erase(link); }

  [[nodiscard]] bool follow(const Origin& publisher, const base::Endpoint& endpoint,
                            const mesh::StreamKey&) override {
    follows_[publisher] = endpoint.port;
    if (auto* other = at(endpoint.port)) other->follower(*this, publisher, true);
    return true;
  }
  void unfollow(const Origin& publisher) override {
    if (auto* other = at(follows_[publisher])) other->follower(*this, publisher, false);
    follows_.erase(publisher);
  }
  void subscribe_shared(const Origin&, bool) override {}

  // A route is the port and the link of the one who has dialled.
  void to_link(mesh::LinkId link, std::string_view bytes) override {
    const auto route = std::to_string(ports_.direct) + ":" + std::to_string(link);
    if (auto* other = at(links_[link])) {
      other->arrive({carriers::RouteBytes{route, "127.0.0.1", {}}, std::string(bytes)});
    }
  }
  void to_route(const mesh::RoutingId& route, std::string_view bytes) override {
    const auto colon = route.find(':');
    const auto link = static_cast<mesh::LinkId>(std::stoul(route.substr(colon + 1)));
    if (auto* other = at(static_cast<std::uint16_t>(std::stoul(route.substr(0, colon))))) {
      other->arrive({carriers::LinkBytes{link, {}}, std::string(bytes)});
    }
  }
  void broadcast(std::string bytes) override {
    for (const auto& [follower, publisher] : followers_) {
      if (auto* other = at(follower)) other->arrive({carriers::StreamBytes{publisher, {}}, bytes});
    }
  }

  [[nodiscard]] std::size_t outgoing_bytes() const override { return 0; }
  [[nodiscard]] std::uint64_t suppressed() const override { return 0; }
  [[nodiscard]] bool congested(const mesh::RoutingId&) const override { return false; }
  [[nodiscard]] std::uint64_t strangers() const override { return 0; }
  [[nodiscard]] carriers::Floods floods() const override { return {}; }

  [[nodiscard]] bool greets(std::string_view) const override { return true; }

  [[nodiscard]] std::optional<carriers::Arrival> receive() override {
    if (arrived_.empty()) return std::nullopt;
    last_ = std::move(arrived_.front());
    arrived_.pop_front();
    if (auto* link = std::get_if<carriers::LinkBytes>(&last_.arrival)) link->bytes = last_.bytes;
    if (auto* route = std::get_if<carriers::RouteBytes>(&last_.arrival)) route->bytes = last_.bytes;
    if (auto* stream = std::get_if<carriers::StreamBytes>(&last_.arrival)) {
      stream->bytes = mesh::stream_part::frame_in(last_.bytes).value();
    }
    return last_.arrival;
  }
  [[nodiscard]] bool pending() const override { return !arrived_.empty(); }

  void close(Duration) override { leave(); }

 private:
  struct Arrived {
    carriers::Arrival arrival;
    std::string bytes;
  };

  [[nodiscard]] MemoryCarrier* at(std::uint16_t port) const {
    const auto found = network_.find(port);
    return found == network_.end() ? nullptr : found->second;
  }

  void follower(const MemoryCarrier& follower, const Origin& publisher, bool present) {
    if (present) {
      followers_.insert({follower.ports_.publish, publisher});
    } else {
      followers_.erase({follower.ports_.publish, publisher});
    }
    arrive({carriers::SubscriptionChange{follower.self_, present}, {}});
  }

  void arrive(Arrived arrived) {
    arrived_.push_back(std::move(arrived));
    reactor_->wake();
  }

  void leave() {
    network_.erase(ports_.publish);
    network_.erase(ports_.direct);
  }

  MemoryNetwork& network_;
  PeerId self_;
  carriers::Ports ports_;
  io::Reactor* reactor_ = nullptr;
  std::map<mesh::LinkId, std::uint16_t> links_;
  std::map<Origin, std::uint16_t> follows_;
  std::set<std::pair<std::uint16_t, Origin>> followers_;  // as they call this publisher
  std::deque<Arrived> arrived_;
  Arrived last_;
};

}  // namespace tidegate::testing
