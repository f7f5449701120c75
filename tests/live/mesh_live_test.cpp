// Peers on real sockets of the loopback interface: joining, hearing everything, leaving.
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>

#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("two peers find each other by beacon and hear each other") {
  const auto mesh = private_mesh();
  auto a = start(mesh, "a");
  auto b = start(mesh, "b");
  REQUIRE(a->wait_ready(1, 3s));
  REQUIRE(b->wait_ready(1, 3s));
  CHECK(a->publish(topic("from/a"), "1") == Publish::accepted);
  CHECK(b->publish(topic("from/b"), "2") == Publish::accepted);
  const auto at_b = next_delivery(*b);
  REQUIRE(at_b);
  CHECK(at_b->message.payload == "1");
  CHECK(at_b->origin_name == "a");
  CHECK(at_b->sequence == 1);
  const auto at_a = next_delivery(*a);
  REQUIRE(at_a);
  CHECK(at_a->message.topic == topic("from/b"));
  // Whether it was heard by its beacon or by its connection first.
  for (auto* peer : {a.get(), b.get()}) CHECK(peer->status().peers.at(0).host == "127.0.0.1");
}

namespace {

// Connections that others have made to this peer's Unix sockets.
std::size_t local_connections(Peer& peer) {
  const auto status = peer.status();
  std::ifstream sockets("/proc/self/net/unix");
  std::size_t found = 0;
  for (std::string line; std::getline(sockets, line);) {
    for (const auto port : {status.publish_port, status.direct_port}) {
      if (line.ends_with("@tidegate-127.0.0.1:" + std::to_string(port))) ++found;
    }
  }
  constexpr std::size_t listening = 2;
  REQUIRE(found >= listening);
  return found - listening;
}

}  // namespace

TEST_CASE("peers of one host reach each other over Unix sockets, each as it chooses") {
  auto mesh = private_mesh();
  auto a = start(mesh, "a");
  mesh.local_transport = LocalTransport::ipc;
  auto b = start(mesh, "b");
  auto c = start(mesh, "c");
  join({a.get(), b.get(), c.get()});
  for (auto* peer : {a.get(), b.get(), c.get()}) {
    CHECK(peer->publish(topic("local"), "1") == Publish::accepted);
    CHECK(peer->publish(topic("local"), "2") == Publish::accepted);
  }
  for (auto* peer : {a.get(), b.get(), c.get()}) {
    std::size_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += next_payload(*peer) == "1" ? 1U : 10U;
    CHECK(sum == 22);
  }
  CHECK(local_connections(*a) == 4);  // b and c have dialled and subscribed
  CHECK(local_connections(*b) == 2);  // only c
  CHECK(local_connections(*c) == 2);
  b->leave();
  CHECK(next_notice<PeerGone>(*c)->name == "b");
}

TEST_CASE("a peer that leaves is reported as left, at once") {
  const auto mesh = private_mesh();
  auto a = start(mesh, "a");
  auto b = start(mesh, "b");
  REQUIRE(a->wait_ready(1, 3s));
  REQUIRE(b->wait_ready(1, 3s));
  b->leave();
  const auto gone = next_notice<PeerGone>(*a);
  REQUIRE(gone);
  CHECK(gone->why == PeerGone::Why::left);
  CHECK(gone->name == "b");
}

TEST_CASE("wait_ready loses no first message in 200 tries") {
  auto mesh = private_mesh();
  int lost = 0;
  auto receiver = start(mesh, "receiver");
  for (int i = 0; i < 200; ++i) {
    auto sender = start(mesh, "sender");
    REQUIRE(sender->wait_ready(1, 5s));
    CHECK(sender->publish(topic("first"), std::to_string(i)) == Publish::accepted);
    sender->leave();
    const auto delivery = next_delivery(*receiver);
    if (!delivery || delivery->message.payload != std::to_string(i)) ++lost;
  }
  CHECK(lost == 0);
}

TEST_CASE("sixteen peers on one host are all ready within three seconds") {
  const auto mesh = private_mesh();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Peer>> peers;
  peers.reserve(16);
  for (int i = 0; i < 16; ++i) peers.push_back(start(mesh, "peer-" + std::to_string(i)));
  for (auto& peer : peers) CHECK(peer->wait_ready(15, 3s));
  const auto took = std::chrono::steady_clock::now() - begin;
  MESSAGE("all ready after ", std::chrono::duration_cast<std::chrono::milliseconds>(took).count(),
          " ms");
  CHECK(took < 3s);
}

namespace {

struct Driven {
  const Options mesh = private_mesh();
  std::unique_ptr<DrivenPeer> sender = start<DrivenPeer>(mesh, "sender");
  std::unique_ptr<Peer> receiver = start(mesh, "receiver");

  Driven() {
    REQUIRE(sender->wait_ready(1, 5s));
    REQUIRE(eventually(5s, [this] { return sender->status().outgoing_bytes == 0; }));
    // Its PeerReady may be overtaken by a message.
    REQUIRE(eventually(5s, [this] {
      sender->run_once(0ms);
      return receiver->wait_ready(1, 0ms);
    }));
  }

  void publish(int first, int last) const {
    for (int i = first; i <= last; ++i) {
      CHECK(sender->publish(topic("driven"), std::to_string(i)) == Publish::accepted);
    }
  }
  void check_received(int first, int last) const {
    for (int i = first; i <= last; ++i) CHECK(next_payload(*receiver) == std::to_string(i));
  }
};

}  // namespace

TEST_CASE("a driven peer sends the first message at once, and the others with its next turn") {
  const Driven mesh;
  mesh.publish(1, 100);
  mesh.check_received(1, 1);
  CHECK_FALSE(mesh.receiver->next(100ms));
  pollfd wanted{mesh.sender->descriptor(), POLLIN, 0};
  CHECK(::poll(&wanted, 1, 5'000) == 1);
  mesh.sender->run_once(0ms);
  mesh.check_received(2, 100);
}

TEST_CASE("a driven peer that leaves without another turn has sent everything") {
  const Driven mesh;
  mesh.publish(1, 3);
  mesh.sender->leave();
  mesh.check_received(1, 3);
}

TEST_CASE("a driven peer that is never run sends messages that fill a frame") {
  const Driven mesh;
  for (int i = 0; i < 3; ++i) {
    CHECK(mesh.sender->publish(topic("driven"), std::string(50'000, 'x')) == Publish::accepted);
  }
  for (int i = 0; i < 3; ++i) CHECK(next_payload(*mesh.receiver).size() == 50'000);
}
