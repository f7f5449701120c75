// Programs that fork with a peer or a gate in them.
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/forked.hpp"
#include "tests/live/mesh.hpp"
#include "tidegate/gate.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t workers = 4;

// Nothing, or the first call of an inherited peer that did not refuse.
template <typename SomePeer>
std::string not_refused(SomePeer& peer) {
  if (peer.publish(topic("t"), "x") != Publish::other_process) return "publish";
  if (peer.next(std::chrono::milliseconds::max())) return "next";
  if (peer.wait_ready(0, std::chrono::milliseconds::max())) return "wait_ready";
  if (!peer.on_incoming([](const Incoming&) {})) return "on_incoming";
  if (peer.descriptor() != -1) return "descriptor";
  if (!peer.status().name.empty()) return "status";
  peer.subscribe(Pattern::all());
  peer.unsubscribe(Pattern::all());
  peer.leave();
  return "";
}

// The payloads of the next deliveries.
std::set<std::string> take(Peer& peer, std::size_t count) {
  std::set<std::string> payloads;
  while (payloads.size() < count) {
    const auto delivery = next_delivery(peer, 20s);
    if (!delivery) break;
    payloads.insert(delivery->message.payload);
  }
  return payloads;
}

// A worker of a pre-forking server: has a peer of its own, and hears the others and the parent.
int work(std::unique_ptr<Peer> inherited, const Options& mesh, std::size_t number) {
  if (!not_refused(*inherited).empty()) return 10;
  auto own = Peer::start(mesh);
  if (!own) return 11;
  (*own)->subscribe(Pattern::all());
  if (!(*own)->wait_ready(workers, 20s)) return 12;
  if ((*own)->publish(topic("t"), "from " + std::to_string(number)) != Publish::accepted) return 13;
  if (take(**own, workers).size() != workers) return 14;
  inherited.reset();
  if ((*own)->publish(topic("t"), "done " + std::to_string(number)) != Publish::accepted) return 15;
  (*own)->leave();
  return 0;
}

std::string all_exit_well(const std::vector<pid_t>& children) {
  std::string trouble;
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      trouble += "a child ended with " + std::to_string(status) + "; ";
    }
  }
  return trouble;
}

}  // namespace

TEST_CASE("a server that forks its workers goes on, and each worker has a peer of its own") {
  const auto mesh = private_mesh();
  const auto said = in_child([&mesh]() -> std::string {
    auto peer = start(mesh, "parent");
    std::vector<pid_t> children;
    children.reserve(workers);
    for (std::size_t i = 0; i < workers; ++i) {
      children.push_back(fork_to([&] {
        // Without the destructors of static objects: the servers of other tests are among them.
        return work(std::move(peer), mesh, i);
      }));
    }
    if (!peer->wait_ready(workers, 20s)) return "the workers were not met";
    if (peer->publish(topic("t"), "from the parent") != Publish::accepted) return "not accepted";
    if (take(*peer, 2 * workers).size() != 2 * workers) return "not all was heard";
    auto trouble = all_exit_well(children);
    auto late = start(mesh, "late");
    if (!late->wait_ready(1, 10s)) trouble += "the parent is not there any more; ";
    if (peer->publish(topic("t"), "still here") != Publish::accepted) trouble += "no publish; ";
    if (next_payload(*late) != "still here") trouble += "nothing is heard any more; ";
    return trouble.empty() ? "all well" : trouble;
  });
  CHECK(said == "all well");
}

TEST_CASE("the child of a driven peer's process is refused, and the peer stays whole") {
  const TemporaryDirectory directory("fork");
  auto mesh = private_mesh();
  auto listener = start(mesh, "listener");
  mesh.state_file = (directory.path() / "state").string();
  auto peer = start<DrivenPeer>(mesh, "driven");
  const auto turn_until = [&](const auto& condition) {
    return eventually(10s, [&] {
      peer->run_once(1ms);
      return condition();
    });
  };
  REQUIRE(turn_until([&] { return listener->wait_ready(1, 0ms) && peer->wait_ready(1, 0ms); }));
  const auto said = in_child([&] {
    auto trouble = not_refused(*peer);
    peer->run_once(1s);
    peer.reset();
    return trouble.empty() ? "refused" : trouble;
  });
  CHECK(said == "refused");
  CHECK(peer->publish(topic("t"), "still here") == Publish::accepted);
  std::optional<Incoming> incoming;
  REQUIRE(turn_until([&] {
    incoming = listener->next(0ms);
    return incoming && std::holds_alternative<Delivery>(*incoming);
  }));
  CHECK(std::get<Delivery>(*incoming).sequence == 1);
  CHECK(listener->status().peers.front().state == PeerState::ready);
}

TEST_CASE("a handler may fork, and only the parent's peer goes on") {
  const auto mesh = private_mesh();
  const auto said = in_child([&]() -> std::string {
    auto peer = start<DrivenPeer>(mesh, "forks");
    pid_t child = -1;
    int handed_out = 0;
    const auto refused = peer->on_incoming([&](const Incoming& incoming) {
      if (!std::holds_alternative<Delivery>(incoming)) return;
      if (++handed_out == 1) child = ::fork();
    });
    if (refused) return refused->message;
    auto other = start(mesh, "other");
    while (!peer->wait_ready(1, 0ms) || !other->wait_ready(1, 0ms)) peer->run_once(10ms);
    for (int i = 0; i < 3; ++i) (void)other->publish(topic("t"), "x");
    while (handed_out < 3 && child != 0) peer->run_once(10ms);
    if (child == 0) {
      ::_exit(handed_out == 1 && peer->publish(topic("t"), "x") == Publish::other_process ? 0 : 1);
    }
    return all_exit_well({child});
  });
  CHECK(said == "");
}

TEST_CASE("the child of a gate's process is refused, and the gate keeps its connection") {
  Cluster cluster;
  auto session = cluster.primary().connect();
  auto gate = DatabaseGate::open({.database = cluster.primary().connection_string()}).value();
  REQUIRE(eventually(10s, [&] {
    (void)gate->next(1ms);
    return gate->trouble().empty();
  }));
  const auto backends = [&] {
    return session.value(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
        "backend_type IN ('client backend', 'walsender')");
  };
  const auto before = backends();
  const auto said = in_child([&]() -> std::string {
    if (gate->hold("x", Position{})) return "hold";
    if (gate->next(std::chrono::milliseconds::max())) return "next";
    if (gate->descriptor() != -1 || gate->held() != 0) return "descriptor or held";
    if (gate->trouble().find("another") == std::string::npos) return "trouble";
    gate.reset();
    auto own = DatabaseGate::open({.database = cluster.primary().connection_string()});
    if (!own) return own.error().message;
    for (int i = 0; i < 1000 && !(*own)->trouble().empty(); ++i) (void)(*own)->next(10ms);
    return (*own)->trouble();
  });
  CHECK(said == "");
  CHECK(eventually(5s, [&] { return backends() == before; }));
  for (int i = 0; i < 20; ++i) (void)gate->next(5ms);
  CHECK(gate->trouble().empty());
}
