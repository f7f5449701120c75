// A roster under test, in virtual time, that says in one line of text what each event brings about.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/mesh/roster.hpp"
#include "tests/lib/node/effect_text.hpp"
#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

namespace tidegate::testing {

inline constexpr Instant start = Instant(std::chrono::hours(5));

// The others: peer b lives at host b, c at host c.
inline const Origin b = origin(2);
inline const Origin c = origin(3);

inline mesh::PeerInfo info(const Origin& of, std::string name, std::uint16_t direct_port = 20) {
  return {of, "default", std::move(name), static_cast<std::uint16_t>(direct_port - 10),
          direct_port};
}

// Peer a, seen from inside: says what each event brings about. Its next message has sequence 5.
class RosterHarness {
 public:
  explicit RosterHarness(std::vector<base::Endpoint> seeds = {})
      : roster_(info(origin(1), "a"), std::move(seeds),
                {std::chrono::seconds(2), std::chrono::seconds(6)}, base::Random(1)) {
    now_ = start;
  }

  std::string heard(const Origin& of, const std::string& host, std::uint16_t port = 20,
                    mesh::KeyId key = 0) {
    return heard_again(of, host, ++announced_, port, key);
  }
  // With the counter of an earlier one.
  std::string heard_again(const Origin& of, const std::string& host, std::uint64_t counter,
                          std::uint16_t port = 20, mesh::KeyId key = 0) {
    mesh::Announcement announcement{"default", of, static_cast<std::uint16_t>(port - 10), port};
    announcement.counter = counter;
    announcement.key = key;
    return run([&](mesh::Effects& e) { (void)roster_.heard(announcement, host, now_, e); });
  }
  std::string hello(const mesh::PeerInfo& from, const std::string& host) {
    return run([&](mesh::Effects& e) { (void)roster_.hello(from, "r", host, own, now_, e); });
  }
  std::string welcome(mesh::LinkId link, const mesh::PeerInfo& from) {
    return run([&](mesh::Effects& e) { expected_ = roster_.welcome(link, from, now_, e); });
  }
  std::string ready(const Origin& from, const Origin& to = origin(1)) {
    return run([&](mesh::Effects& e) {
      expected_ = roster_.ready({from, to, 1, 1}, now_, e) != nullptr;
    });
  }
  std::string resolved(const std::string& host, const std::vector<std::string>& addresses,
                       const std::string& trouble = {}) {
    return run([&](mesh::Effects& e) { roster_.resolved(host, addresses, trouble, now_, e); });
  }
  std::string listening(const Origin& from, const Origin& to = origin(1)) {
    return run([&](mesh::Effects& e) { expected_ = roster_.listening({from, to}, now_, e); });
  }
  std::string rekeyed(mesh::KeyId key, const std::vector<mesh::LinkId>& ended = {}) {
    return run([&](mesh::Effects& e) { roster_.rekeyed(key, ended, own, now_, e); });
  }
  std::string refused(mesh::LinkId link) {
    return run([&](mesh::Effects& e) { expected_ = roster_.refused(link, "not here", now_, e); });
  }
  std::string reader(const Origin& of, bool present = true) {
    return run([&](mesh::Effects& e) { roster_.reader(of.peer, present, own, now_, e); });
  }
  std::string stream(const Origin& of) {
    return run([&](mesh::Effects& e) { expected_ = roster_.publisher(of, now_, e) != nullptr; });
  }
  std::string probe(const Origin& from, const Origin& target) {
    return run([&](mesh::Effects& e) { expected_ = roster_.probe({from, target}, "r", now_, e); });
  }
  std::string vouched(mesh::LinkId link, const Origin& target) {
    return run([&](mesh::Effects&) { expected_ = roster_.vouched(link, target, now_); });
  }
  std::string left(const Origin& of) {
    return run([&](mesh::Effects& e) { roster_.left(*roster_.find(of), now_, e); });
  }

  // Lets time jump from deadline to deadline.
  std::string wait(Duration duration) {
    return run([&](mesh::Effects& e) {
      const auto until = now_ + duration;
      roster_.advance(own, now_, e);
      while (roster_.deadline() <= until) {
        now_ = std::max(now_, roster_.deadline());
        roster_.advance(own, now_, e);
        REQUIRE(roster_.deadline() > now_);
      }
      now_ = until;
    });
  }

  // The whole handshake with a peer that a beacon names.
  void befriend(const Origin& peer, const std::string& name) {
    heard(peer, name);
    welcome(last_link(), info(peer, name));
    reader(peer);
    ready(peer);
    CHECK(listening(peer) == name + " is ready");
  }

  [[nodiscard]] std::string state(const Origin& of) {
    const auto* member = roster_.find(of);
    return member == nullptr ? "unknown" : std::string(to_string(member->state));
  }
  // Its state, the step that it lacks, and for how many seconds: "heard, no answer, 4 s".
  [[nodiscard]] std::string unready(const Origin& of) {
    const auto* member = roster_.find(of);
    REQUIRE(member != nullptr);
    auto text = state(of) + ", no " + std::string(to_string(roster_.lacks(*member)));
    if (member->unready_since == never) return text;
    const auto unready = now_ - member->unready_since;
    return text + ", " + std::to_string(unready / std::chrono::seconds(1)) + " s";
  }
  [[nodiscard]] bool expected() const { return expected_; }
  [[nodiscard]] mesh::LinkId last_link() const { return last_link_; }
  [[nodiscard]] mesh::KeyId last_key() const { return last_key_; }
  mesh::Roster& roster() { return roster_; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  template <typename Event>
  std::string run(Event event) {
    mesh::Effects effects;
    event(effects);
    for (const auto& effect : effects) {
      const auto* dial = std::get_if<mesh::effect::Dial>(&effect);
      if (dial == nullptr) continue;
      last_link_ = dial->link;
      last_key_ = dial->key;
    }
    return text(effects);
  }

  static constexpr mesh::Extent own{1, 5};

  mesh::Roster roster_;
  Instant now_;
  bool expected_ = true;
  mesh::LinkId last_link_ = 0;
  mesh::KeyId last_key_ = 0;
  std::uint64_t announced_ = 0;
};

}  // namespace tidegate::testing
