// A session with an echo door, over an in-memory carrier. The peer at the other end hangs in the
// reactor of the session too, as it could in any other program's.
#include "command/commands/session.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/command/doors/echo_door.hpp"
#include "tests/peer/memory_world.hpp"

using namespace tidegate;
using namespace tidegate::commands;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

struct Room {
  Room() {
    for (auto* each : {peer.get(), other.get()}) each->subscribe(Pattern::all());
    const auto refused = other->on_incoming([this](Incoming incoming) {
      const auto* delivery = std::get_if<Delivery>(&incoming);
      if (delivery != nullptr) came.push_back(delivery->message.payload);
    });
    REQUIRE_FALSE(refused);
    session.add(door);
    REQUIRE(reaches([this] { return ready(*peer) && ready(*other); }));
  }

  static bool ready(DrivenPeer& peer) {
    const auto status = peer.status();
    return status.peers.size() == 1 && status.peers[0].state == PeerState::ready;
  }

  void say(const char* payload) const {
    CHECK(other->publish(Topic::parse("a").value(), payload) == Publish::accepted);
  }

  template <typename Condition>
  bool reaches(Condition condition) {
    return session.run(10s, condition) == SessionEnd::reached;
  }

  MemoryMesh mesh;
  std::vector<std::string> came;
  std::unique_ptr<DrivenPeer> peer = peer::drive({.mesh = "memory"}, mesh.world("echo"));
  std::unique_ptr<DrivenPeer> other = peer::drive({.mesh = "memory"}, mesh.world("other"));
  EchoDoor door{*peer};
  Session session{*peer, nullptr};
  io::Reactor::Watch of_other = session.reactor().watch_input(
      other->descriptor(), [this](io::Readiness) { other->run_once(0ms); });
};

using Payloads = std::vector<std::string>;

}  // namespace

TEST_CASE("an echo door publishes what it receives") {
  Room room;
  room.say("hello");
  REQUIRE(room.reaches([&] { return !room.came.empty(); }));
  CHECK(room.came == Payloads{"hello back"});
  CHECK(room.door.answer == Publish::accepted);
}

TEST_CASE("what comes while a door is full waits in the peer, and is handed out in order") {
  Room room;
  room.door.holds_up = true;
  room.say("one");
  room.say("two");
  REQUIRE(room.reaches([&] { return room.peer->status().counters.delivered == 2; }));
  CHECK(room.door.heard.empty());
  room.door.holds_up = false;
  REQUIRE(room.reaches([&] { return room.came.size() == 2; }));
  CHECK(room.door.heard == Payloads{"one", "two"});
}

TEST_CASE("a session ends when a door is finished, and what is left is handed out at the end") {
  Room room;
  room.door.enough = 1;
  room.say("one");
  room.say("two");
  CHECK(room.session.run(10s) == SessionEnd::door_finished);
  CHECK(room.door.heard == Payloads{"one"});
  REQUIRE_FALSE(room.door.left);
  room.session.end();
  CHECK(room.door.left);
  CHECK(room.door.heard.front() == "one");
}

TEST_CASE("a session ends when its time is over") {
  Room room;
  CHECK(room.session.run(1ms) == SessionEnd::time_over);
  CHECK(room.door.turns > 0);
}
