// Every call of a driven peer in its handler, over a carrier in memory.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/peer/memory_world.hpp"
#include "tidegate/peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

using Payloads = std::vector<std::string>;

const Topic subject = Topic::parse("a").value();

std::string payload_of(const Incoming& incoming) {
  const auto* delivery = std::get_if<Delivery>(&incoming);
  return delivery != nullptr ? delivery->message.payload : "";
}

// A peer whose handler does what a test says with each delivery, and another one that speaks.
struct Room {
  Room() {
    for (auto* each : {peer.get(), other.get()}) each->subscribe(Pattern::all());
    const auto refused = peer->on_incoming([this](const Incoming& incoming) {
      const auto payload = payload_of(incoming);
      if (payload.empty()) return;
      came.push_back(payload);
      if (act) act(payload);
    });
    REQUIRE_FALSE(refused);
    REQUIRE(until([this] { return ready(*peer) && ready(*other); }));
  }

  static bool ready(DrivenPeer& each) {
    const auto status = each.status();
    return status.peers.size() == 1 && status.peers[0].state == PeerState::ready;
  }

  template <typename Condition>
  bool until(Condition condition) {
    const auto end = io::clock_now() + 10s;
    while (!condition()) {
      if (io::clock_now() >= end) return false;
      if (peer) peer->run_once(0ms);
      if (other) other->run_once(0ms);
    }
    return true;
  }

  // Brought by one turn of the peer.
  void say(const Payloads& payloads) const {
    for (const auto& payload : payloads) {
      REQUIRE(other->publish(subject, payload) == Publish::accepted);
    }
    for (int i = 0; i < 10; ++i) other->run_once(0ms);
  }

  MemoryMesh mesh;
  Payloads came;
  std::function<void(const std::string&)> act;
  std::unique_ptr<DrivenPeer> peer = peer::drive({.mesh = "memory"}, mesh.world("peer"));
  std::unique_ptr<DrivenPeer> other = peer::drive({.mesh = "memory"}, mesh.world("other"));
};

const Payloads all{"1", "2", "3"};

}  // namespace

TEST_CASE("run_once in a handler hands nothing out twice") {
  Room room;
  room.act = [&](const std::string&) {
    room.peer->run_once(0ms);
    room.peer->run_once(0ms);
  };
  room.say(all);
  REQUIRE(room.until([&] { return room.came.size() >= 3; }));
  CHECK(room.came == all);
  CHECK(room.peer->status().counters.delivered == 3);
}

TEST_CASE("a handler publishes, subscribes, asks for the status and waits for peers") {
  Room room;
  room.act = [&](const std::string& payload) {
    CHECK(room.peer->publish(subject, "answer to " + payload) == Publish::accepted);
    room.peer->subscribe(Pattern::parse("b").value());
    room.peer->unsubscribe(Pattern::parse("b").value());
    CHECK(room.peer->status().name == "peer");
    CHECK(room.peer->wait_ready(1, 1s));
    CHECK_FALSE(room.peer->wait_ready(2, 1ms));
    CHECK(room.peer->descriptor() >= 0);
  };
  room.say(all);
  Payloads answers;
  REQUIRE(room.until([&] {
    while (const auto incoming = room.other->next(0ms)) {
      if (!payload_of(*incoming).empty()) answers.push_back(payload_of(*incoming));
    }
    return answers.size() >= 3;
  }));
  CHECK(room.came == all);
  CHECK(answers == Payloads{"answer to 1", "answer to 2", "answer to 3"});
}

TEST_CASE("next and on_incoming are refused in a handler") {
  Room room;
  room.act = [&](const std::string&) {
    CHECK_FALSE(room.peer->next(1s));
    CHECK_FALSE(room.peer->next(std::chrono::milliseconds::max()));
    CHECK(room.peer->on_incoming([](const Incoming&) {}));
  };
  room.say(all);
  REQUIRE(room.until([&] { return room.came.size() >= 3; }));
  CHECK(room.came == all);
}

TEST_CASE("leave in a handler leaves, and the rest is handed out") {
  Room room;
  room.act = [&](const std::string&) { room.peer->leave(); };
  room.say(all);
  REQUIRE(room.until([&] { return !room.came.empty(); }));
  CHECK(room.came == all);
  CHECK(room.peer->publish(subject, "late") == Publish::leaving);
  CHECK(room.until([&] { return room.other->status().peers[0].state == PeerState::left; }));
  room.peer->run_once(0ms);
}

TEST_CASE("a peer that its handler destroys is gone when the handler returns") {
  for (const bool while_waiting : {false, true}) {
    CAPTURE(while_waiting);
    Room room;
    room.act = [&](const std::string&) { room.peer.reset(); };
    room.say(all);
    if (while_waiting) {
      CHECK_FALSE(room.peer->wait_ready(5, 5s));
    } else {
      room.peer->run_once(1s);
    }
    REQUIRE(room.peer == nullptr);
    CHECK(room.came == Payloads{"1"});
  }
}

TEST_CASE("an exception of a handler leaves run_once, and the next one goes on behind it") {
  Room room;
  room.act = [&](const std::string& payload) {
    if (payload < "3") throw std::runtime_error(payload);
  };
  room.say(all);
  CHECK_THROWS_WITH_AS(room.until([&] { return !room.came.empty(); }), "1", std::runtime_error);
  CHECK_THROWS_WITH_AS(room.peer->run_once(10s), "2", std::runtime_error);
  room.peer->run_once(10s);
  CHECK(room.came == all);
  room.say({"4"});
  CHECK(room.until([&] { return room.came.size() == 4; }));
}

TEST_CASE("what a throwing handler has left is handed out after the peer has left, too") {
  Room room;
  room.act = [&](const std::string& payload) {
    if (payload == "1") throw std::runtime_error(payload);
  };
  room.say(all);
  CHECK_THROWS_AS(room.peer->run_once(10s), std::runtime_error);
  room.peer->leave();
  CHECK(room.came == all);
}

TEST_CASE("a handler that is set late gets all that waits, in order") {
  Room room;
  REQUIRE(room.peer->publish(subject, "1") == Publish::accepted);
  room.peer->run_once(0ms);
  REQUIRE(room.peer->publish(subject, "2") == Publish::accepted);
  REQUIRE(room.until([&] { return room.other->status().counters.delivered == 2; }));
  Payloads came;
  const auto take = [&](const Incoming& incoming) {
    if (!payload_of(incoming).empty()) came.push_back(payload_of(incoming));
  };
  CHECK_FALSE(room.other->on_incoming(take));
  CHECK(came == Payloads{"1", "2"});
}

TEST_CASE("a wait of a driven peer for ever ends when something comes, a negative one at once") {
  Room room;
  while (room.other->next(0ms)) {
  }
  CHECK_FALSE(room.other->next(-5ms));
  REQUIRE(room.peer->publish(subject, "1") == Publish::accepted);
  room.peer->run_once(0ms);
  CHECK(room.other->next(std::chrono::milliseconds::max()));
  CHECK(room.other->wait_ready(1, std::chrono::milliseconds::max()));
  CHECK_FALSE(room.other->wait_ready(2, -1ms));
  room.other->run_once(-1ms);
  room.other->leave(std::chrono::milliseconds::max());
  CHECK(room.other->publish(subject, "") == Publish::leaving);
}

TEST_CASE("a message that comes back counts in the outbox until it is taken") {
  MemoryMesh mesh;
  const auto script = script_of(primary_life, 100);
  Options options{.mesh = "memory", .unsent_bytes = 10'000, .payload_bytes = 1000};
  options.report_sent = true;
  auto peer = peer::drive(options, mesh.world("peer", nullptr, script));
  int accepted = 0;
  while (accepted < 1000 && peer->publish(subject, "") == Publish::accepted) {
    ++accepted;
    peer->run_once(0ms);  // it is sent, and its Sent waits
  }
  CHECK(accepted > 10);
  CHECK(accepted < 100);
  CHECK(peer->publish(subject, "") == Publish::queue_full);
  while (peer->next(0ms)) {
  }
  CHECK(peer->publish(subject, "") == Publish::accepted);
}

TEST_CASE("a message is acknowledged once the other peer has run") {
  Room room;
  const auto received = [&]() -> std::optional<Received> {
    while (auto incoming = room.other->next(0ms)) {
      const auto* notice = std::get_if<Notice>(&*incoming);
      const auto* found = notice != nullptr ? std::get_if<Received>(notice) : nullptr;
      if (found != nullptr) return *found;
    }
    return std::nullopt;
  };
  const Publication publication{
      .topic = subject, .payload = "x", .headers = {}, .acknowledged = true};
  REQUIRE(room.other->publish(publication) == Publish::accepted);
  for (int i = 0; i < 10; ++i) room.other->run_once(0ms);
  CHECK_FALSE(received());
  std::optional<Received> answer;
  CHECK(room.until([&] { return answer || (answer = received()); }));
  CHECK(answer->ticket == 1);
  CHECK(answer->without.empty());

  // The peer does not run any more.
  REQUIRE(room.other->publish(publication) == Publish::accepted);
  room.other->leave(20ms);
  answer = received();
  REQUIRE(answer);
  REQUIRE(answer->without.size() == 1);
  CHECK(answer->without[0].name == "peer");
  CHECK(answer->without[0].why == Received::Without::Why::left);
}

TEST_CASE("messages that wait to be acknowledged are bounded, and keep out no others") {
  MemoryMesh mesh;
  const Options options{.mesh = "memory", .unsent_bytes = 10'000, .payload_bytes = 1000};
  const auto a = peer::drive(options, mesh.world("a"));
  const auto b = peer::drive({.mesh = "memory"}, mesh.world("b"));
  const auto until = [&](const auto& condition) {
    const auto end = io::clock_now() + 10s;
    while (io::clock_now() < end) {
      if (condition()) return true;
      a->run_once(0ms);
      b->run_once(0ms);
    }
    return false;
  };
  REQUIRE(until([&] { return Room::ready(*a) && Room::ready(*b); }));
  const Publication publication{
      .topic = subject, .payload = "x", .headers = {}, .acknowledged = true};
  int accepted = 0;
  while (accepted < 1000 && a->publish(publication) == Publish::accepted) {
    ++accepted;
    a->run_once(0ms);  // it is sent, and b does not run
  }
  CHECK(accepted > 10);
  CHECK(accepted < 100);
  CHECK(a->publish(publication) == Publish::queue_full);
  CHECK(a->publish(subject, "x") == Publish::accepted);
  CHECK(until([&] {
    while (a->next(0ms)) {
    }
    return a->publish(publication) == Publish::accepted;
  }));
}
