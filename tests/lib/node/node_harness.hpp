// A node under test, in virtual time, that says in one line of text what each input brings about.
// Heartbeats and announcements are left out of that line, as time alone brings them, and so are the
// sockets for datagrams, of which each publisher that is ready gets one.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "lib/node/node.hpp"
#include "tests/lib/node/effect_text.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::testing {

inline constexpr Instant start = Instant(std::chrono::hours(5));

inline constexpr ServerIncarnation server_life{home, 1};
inline constexpr ServerIncarnation primary_life{home, 2};

// The answer of a server that has replayed up to `lsn` of timeline 2, which left timeline 1 at 100.
inline Tide replayed(std::uint64_t lsn) { return {server_life, history("1 2@100"), lsn}; }

inline Position at(std::uint64_t lsn, TimelineId timeline = 2) { return place(timeline, lsn); }

inline Message message_at(std::string_view topic, std::optional<Position> position,
                          std::size_t payload_bytes = 0,
                          std::optional<Position> inherited = std::nullopt) {
  return {Topic::parse(topic).value(), std::string(payload_bytes, 'x'), std::move(position),
          std::move(inherited)};
}

inline Options gated() {
  Options options;
  options.database = "host=replica";
  return options;
}

class NodeHarness {
 public:
  explicit NodeHarness(const Options& options = gated())
      : node_(std::make_unique<node::Node>(options,
                                           mesh::PeerInfo{origin(1), "default", "a", 10, 20},
                                           std::vector<base::Endpoint>{}, 1, start)) {}

  std::string step(node::Input input) {
    effects_.clear();
    node_->step(std::move(input), now_, effects_);
    return line();
  }

  // Several inputs of one turn of the loop, which carries out the effects afterwards.
  std::string turn(std::vector<node::Input> inputs) {
    effects_.clear();
    for (auto& input : inputs) node_->step(std::move(input), now_, effects_);
    return line();
  }

  // Lets time jump from deadline to deadline.
  std::string wait(Duration duration) {
    effects_.clear();
    const auto until = now_ + duration;
    while (node_->deadline() <= until) {
      now_ = std::max(now_, node_->deadline());
      node_->step(node::input::TimePassed{}, now_, effects_);
    }
    now_ = until;
    return line();
  }
  // Time goes by, but nobody runs the node.
  void stop_for(Duration duration) { now_ += duration; }

  // The whole handshake with another peer; its messages count from `next` on, and it keeps those
  // from `first` on. `epoch`: it goes on with the stream of an earlier life.
  void befriend(const Origin& peer, const std::string& name, std::uint64_t next = 1,
                std::uint64_t first = 1, std::uint64_t epoch = 0) {
    befriend({peer, "default", name, 10, 20, epoch}, next, first);
  }
  void befriend(const mesh::PeerInfo& info, std::uint64_t next = 1, std::uint64_t first = 1) {
    const auto& peer = info.origin;
    const auto& name = info.name;
    step(node::input::Heard{{"default", peer, 10, 20, false, false, ++announced_}, name});
    const auto dial = all<node::effect::Dial>().at(0);
    step(node::input::FromLink{dial.link, mesh::Welcome{info}});
    step(node::input::Reader{peer.peer, true});
    step(node::input::FromRoute{"r", name, mesh::Ready{peer, origin(1), first, next}});
    CHECK(step(node::input::FromRoute{"r", name, mesh::Listening{peer, origin(1)}}) ==
          name + " is ready");
  }

  std::string data(const Origin& from, std::uint64_t first, std::vector<Message> messages) {
    return step(node::input::FromStream{from, mesh::Data{from, first, std::move(messages)}});
  }
  std::string publish(std::string_view topic, const Dependency& dependency = NoChange{},
                      std::size_t payload_bytes = 0) {
    return step(node::input::Publish{message_at(topic, std::nullopt, payload_bytes), dependency});
  }

  std::string publish_acknowledged(std::string_view topic) {
    return step(node::input::Publish{message_at(topic, std::nullopt), NoChange{}, true});
  }

  template <typename Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const auto& effect : effects_) {
      if (const auto* one = std::get_if<Kind>(&effect)) found.push_back(*one);
    }
    return found;
  }
  // The messages that the last step has sent to the mesh.
  [[nodiscard]] std::vector<Message> sent() const {
    std::vector<Message> found;
    for (const auto& broadcast : all<node::effect::Broadcast>()) {
      if (const auto* data = std::get_if<mesh::Data>(&broadcast.frame)) {
        found.insert(found.end(), data->messages.begin(), data->messages.end());
      }
    }
    return found;
  }
  template <typename Kind>
  [[nodiscard]] std::vector<Kind> notices() const {
    std::vector<Kind> found;
    for (const auto& notify : all<node::effect::Notify>()) {
      if (const auto* one = std::get_if<Kind>(&notify.notice)) found.push_back(*one);
    }
    return found;
  }

  [[nodiscard]] Status status() const { return node_->status(now_); }
  [[nodiscard]] Counters counters() const { return status().counters; }
  [[nodiscard]] std::vector<Cursor> cursors() const { return node_->cursors(); }
  node::Node& node() { return *node_; }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const node::Effects& effects() const { return effects_; }

 private:
  [[nodiscard]] std::string line() const {
    node::Effects told;
    for (const auto& effect : effects_) {
      const auto* broadcast = std::get_if<node::effect::Broadcast>(&effect);
      const bool heartbeat =
          broadcast != nullptr && std::holds_alternative<mesh::Heartbeat>(broadcast->frame);
      const bool unasked = std::holds_alternative<node::effect::Announce>(effect) ||
                           std::holds_alternative<node::effect::OpenPath>(effect) ||
                           std::holds_alternative<node::effect::ClosePath>(effect);
      if (!heartbeat && !unasked) told.push_back(effect);
    }
    return text(told);
  }

  std::unique_ptr<node::Node> node_;  // so that a test can hand the whole on
  Instant now_ = start;
  node::Effects effects_;
  std::uint64_t announced_ = 0;
};

}  // namespace tidegate::testing
