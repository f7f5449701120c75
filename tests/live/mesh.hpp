// Shared by the live tests of whole peers: a mesh that nobody else hears, peers beside servers, and
// bounded waits for their deliveries and notices.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <doctest/doctest.h>

#include "support/eventually.hpp"
#include "support/port.hpp"
#include "support/server.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::testing {

// Marks a test that waits for many seconds: those run beside the others.
inline const doctest::test_suite long_test{"long"};

// Options for one mesh that no other test hears.
inline Options private_mesh() {
  static int count = 0;
  Options options;
  options.mesh = "test-" + std::to_string(++count);
  options.beacon_port = support::unused_port();
  return options;
}

// A peer that listens to everything.
template <typename SomePeer = Peer>
std::unique_ptr<SomePeer> start(Options options, const std::string& name) {
  options.name = name;
  auto peer = SomePeer::start(std::move(options));
  if (!peer) FAIL(peer.error().message);
  (*peer)->subscribe(Pattern::all());
  return std::move(peer).value();
}

// The peer of an application that reads `server`; if that is a primary, it takes positions there
// too. Returns when the peer knows it.
inline std::unique_ptr<Peer> start_on(const support::Server& server, Options options,
                                      const std::string& name) {
  options.database = server.connection_string();
  auto peer = start(std::move(options), name);
  const bool primary = server.connect().value("SELECT pg_is_in_recovery()") == "f";
  REQUIRE(support::eventually(std::chrono::seconds(10), [&] {
    const auto status = peer->status();
    return status.tide && (!primary || status.primary_known);
  }));
  return peer;
}

// Returns when each of them is ready for each other.
inline void join(std::initializer_list<Peer*> peers) {
  for (auto* peer : peers) REQUIRE(peer->wait_ready(peers.size() - 1, std::chrono::seconds(10)));
}

inline Topic topic(const char* text) { return Topic::parse(text).value(); }

// The next delivery, notices skipped.
inline std::optional<Delivery> next_delivery(
    Peer& peer, std::chrono::milliseconds bound = std::chrono::seconds(10)) {
  while (auto incoming = peer.next(bound)) {
    if (auto* delivery = std::get_if<Delivery>(&*incoming)) return std::move(*delivery);
  }
  return std::nullopt;
}

// Its payload; a text that no test sends when nothing came.
inline std::string next_payload(Peer& peer,
                                std::chrono::milliseconds bound = std::chrono::seconds(10)) {
  auto delivery = next_delivery(peer, bound);
  return delivery ? std::move(delivery->message.payload) : "(nothing came)";
}

// The next notice of one kind, deliveries and other notices skipped.
template <typename Kind>
std::optional<Kind> next_notice(Peer& peer,
                                std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  while (auto incoming = peer.next(bound)) {
    auto* notice = std::get_if<Notice>(&*incoming);
    if (notice == nullptr) continue;
    if (auto* found = std::get_if<Kind>(notice)) return std::move(*found);
  }
  return std::nullopt;
}

// Waits until the peer holds so many messages.
inline bool holds(Peer& peer, std::size_t count) {
  return support::eventually(std::chrono::seconds(10), [&] { return peer.status().held == count; });
}

// Waits until the peer has asked its server often enough to have seen what it shows now, and still
// holds so many messages.
inline bool still_holds(Peer& peer, std::size_t count) {
  const auto before = peer.status().counters.replay_reads;
  return support::eventually(std::chrono::seconds(10),
                             [&] { return peer.status().counters.replay_reads >= before + 3; }) &&
         peer.status().held == count;
}

inline double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace tidegate::testing
