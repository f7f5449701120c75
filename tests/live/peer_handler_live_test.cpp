// Every call of a Peer from its handler, and from other threads while one waits.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto for_ever = std::chrono::milliseconds::max();

// A peer whose handler does what a test says with each delivery, and another one that speaks.
struct Room {
  void begin(std::function<void()> with_each) {
    act = std::move(with_each);
    join({peer.get(), other.get()});
    const auto refused = peer->on_incoming([this](const Incoming& incoming) {
      if (!std::holds_alternative<Delivery>(incoming)) return;
      act();
      ++came;
    });
    REQUIRE_FALSE(refused);
    for (int i = 0; i < 3; ++i) REQUIRE(other->publish(topic("t"), "x") == Publish::accepted);
  }

  Options mesh = private_mesh();
  std::function<void()> act;
  std::atomic<int> came = 0;
  std::unique_ptr<Peer> peer = start(mesh, "peer");
  std::unique_ptr<Peer> other = start(mesh, "other");
};

}  // namespace

TEST_CASE("a handler publishes, subscribes, waits and asks; next and another handler are refused") {
  Room room;
  std::atomic<int> good = 0;
  room.begin([&] {
    auto& peer = *room.peer;
    peer.subscribe(Pattern::all());
    peer.unsubscribe(Pattern::all());
    const bool works = peer.publish(topic("t"), "answer") == Publish::accepted &&
                       peer.wait_ready(1, for_ever) && !peer.wait_ready(2, -1ms) &&
                       peer.status().name == "peer" && peer.descriptor() >= 0;
    const bool refused = !peer.next(for_ever) && peer.on_incoming([](const Incoming&) {});
    if (works && refused) ++good;
  });
  CHECK(eventually(10s, [&] { return room.came == 3; }));
  CHECK(good == 3);
  for (int i = 0; i < 3; ++i) CHECK(next_payload(*room.other) == "answer");
}

TEST_CASE("a peer leaves from its handler, which is given the rest") {
  Room room;
  room.begin([&] { room.peer->leave(for_ever); });
  CHECK(eventually(10s, [&] {
    return room.came > 0 && room.peer->publish(topic("t"), "") == Publish::leaving;
  }));
  room.peer->leave();  // waits for the one in the handler
  CHECK(room.peer->status().name == "peer");
  CHECK(next_notice<PeerGone>(*room.other)->why == PeerGone::Why::left);
  room.peer.reset();
  CHECK(room.came >= 1);
}

TEST_CASE("a handler destroys its own peer, and is not called again") {
  Room room;
  std::atomic<bool> destroyed = false;
  room.begin([&] {
    room.peer.reset();
    destroyed = true;
  });
  CHECK(eventually(10s, [&] { return destroyed && room.came == 1; }));
  CHECK(next_notice<PeerGone>(*room.other)->why == PeerGone::Why::left);
  CHECK(room.came == 1);
}

TEST_CASE("waits without end are ended by a peer that leaves") {
  const auto mesh = private_mesh();
  auto peer = start(mesh, "peer");
  auto next = std::async(std::launch::async, [&] {
    while (peer->next(for_ever)) {
    }
    return true;
  });
  auto ready = std::async(std::launch::async, [&] { return peer->wait_ready(1, for_ever); });
  auto first = std::async(std::launch::async, [&] { peer->leave(for_ever); });
  peer->leave(for_ever);
  CHECK(peer->publish(topic("t"), "") == Publish::leaving);
  first.get();
  CHECK(next.get());
  CHECK_FALSE(ready.get());
}

TEST_CASE("a timeout of milliseconds::max() waits, and a negative one does not") {
  const auto mesh = private_mesh();
  auto peer = start(mesh, "peer");
  CHECK_FALSE(peer->next(-1ms));
  CHECK_FALSE(peer->wait_ready(1, -1ms));
  auto came = std::async(std::launch::async, [&] { return next_payload(*peer, for_ever); });
  auto ready = std::async(std::launch::async, [&] { return peer->wait_ready(1, for_ever); });
  auto other = start(mesh, "other");
  REQUIRE(other->wait_ready(1, for_ever));
  CHECK(ready.get());
  CHECK(other->publish(topic("t"), "at last") == Publish::accepted);
  CHECK(came.get() == "at last");
}

TEST_CASE(
    "gone_after of Duration::max() takes no peer for gone, and leaves it at once all the same") {
  auto mesh = private_mesh();
  mesh.suspect_after = mesh.retain_for = mesh.overdue_after = Duration::max() - Duration(1);
  mesh.gone_after = Duration::max();
  auto peer = start(mesh, "peer");
  auto other = start(mesh, "other");
  join({peer.get(), other.get()});
  CHECK_FALSE(next_notice<PeerGone>(*peer, 4s));
  CHECK(peer->status().peers.front().state == PeerState::ready);
  CHECK(other->publish(topic("t"), "here") == Publish::accepted);
  CHECK(next_payload(*peer) == "here");
  other->leave();
  CHECK(next_notice<PeerGone>(*peer)->why == PeerGone::Why::left);
}
