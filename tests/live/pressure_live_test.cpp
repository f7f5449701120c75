// Too much of something: a receiver that does not take, a primary that does not answer, payloads
// and threads beyond measure. Every bound holds, and what is refused or lost is said.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "support/cluster.hpp"
#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kibibyte = 1024;

// The bytes that a message with a payload of `payload` bytes counts for.
std::size_t weight(std::size_t payload) {
  return footprint({topic("t"), std::string(payload, 'x'), std::nullopt});
}

// Takes until `publishers` have delivered all up to `last`, each in order. A message reported as
// undelivered fails the test.
void take_all(Peer& peer, std::size_t publishers, std::uint64_t last) {
  std::map<Origin, std::uint64_t> next;
  std::uint64_t left = publishers * last;
  while (left > 0) {
    const auto incoming = peer.next(10s);
    REQUIRE(incoming);
    if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
      REQUIRE(delivery->sequence == ++next[delivery->origin]);
      --left;
    } else {
      REQUIRE_FALSE(std::holds_alternative<Undelivered>(std::get<Notice>(*incoming)));
    }
  }
}

// How many of `publishers` messages the peer knows to exist.
std::uint64_t known(Peer& peer) {
  const auto status = peer.status();
  std::uint64_t sum = status.counters.received;
  for (const auto& other : status.peers) sum += other.missing;
  return sum;
}

}  // namespace

TEST_CASE("a receiver that never takes keeps its bounds, hurts nobody, and misses nothing") {
  constexpr std::uint64_t count = 3000;
  auto mesh = private_mesh();
  mesh.payload_bytes = kibibyte;
  auto publisher = start(mesh, "publisher");
  auto healthy = start(mesh, "healthy");
  mesh.inbox_bytes = 64 * kibibyte;
  mesh.held_bytes = 256 * kibibyte;
  auto slow = start(mesh, "slow");
  join({publisher.get(), healthy.get(), slow.get()});

  const std::string payload(kibibyte, 'x');
  for (std::uint64_t i = 0; i < count; ++i) {
    REQUIRE(publisher->publish(topic("t"), payload) == Publish::accepted);
  }
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto delivery = next_delivery(*healthy);
    REQUIRE(delivery);
    REQUIRE(delivery->sequence == i);
  }
  REQUIRE(eventually(10s, [&] { return known(*slow) == count; }));
  const auto status = slow->status();
  CHECK(status.held_bytes <= mesh.held_bytes);
  CHECK(status.counters.refused_full > 0);
  CHECK_FALSE(status.taking);
  MESSAGE("delivered ", status.counters.delivered, ", held ", status.held, ", let go ",
          status.counters.refused_full);
  // Full, and no less: what fits the share of one publisher is kept.
  CHECK(status.held_bytes + weight(kibibyte) > mesh.held_bytes / 4 * 3);

  take_all(*slow, 1, count);
  CHECK(publisher->publish(topic("t"), "and on") == Publish::accepted);
  CHECK(next_payload(*slow) == "and on");
  CHECK(slow->status().taking);
}

TEST_CASE("for an application that keeps up nothing is let go and fetched again") {
  constexpr std::uint64_t count = 200'000;
  auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  mesh.payload_bytes = kibibyte;
  mesh.held_bytes = 1024 * kibibyte;
  auto receiver = start(mesh, "receiver");
  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::uint64_t> undelivered = 0;
  const auto refused = receiver->on_incoming([&](const Incoming& incoming) {
    if (std::holds_alternative<Delivery>(incoming)) ++received;
    const auto* notice = std::get_if<Notice>(&incoming);
    if (notice != nullptr && std::holds_alternative<Undelivered>(*notice)) ++undelivered;
  });
  REQUIRE_FALSE(refused);
  join({publisher.get(), receiver.get()});
  for (std::uint64_t i = 1; i <= count; ++i) {
    REQUIRE(publisher->publish(topic("t"), "") == Publish::accepted);
    // The way between the peers has its own bounds.
    if (i % 20'000 == 0) REQUIRE(eventually(10s, [&] { return received + 10'000 >= i; }));
  }
  CHECK(eventually(20s, [&] { return received == count; }));
  CHECK(undelivered == 0);
  CHECK(receiver->status().counters.refused_full == 0);
  receiver->leave();
}

TEST_CASE("held messages go into the inbox only as fast as it is emptied") {
  constexpr std::uint64_t count = 40;
  constexpr std::size_t mebibyte = kibibyte * kibibyte;
  auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  mesh.inbox_bytes = 4 * mebibyte;
  mesh.held_bytes = 64 * mebibyte;
  auto slow = start(mesh, "slow");
  join({publisher.get(), slow.get()});
  const std::string payload(mebibyte, 'x');
  for (std::uint64_t i = 0; i < count; ++i) {
    REQUIRE(publisher->publish(topic("t"), payload) == Publish::accepted);
  }
  REQUIRE(eventually(10s, [&] { return slow->status().counters.received == count; }));
  for (std::uint64_t taken = 0; taken <= count; ++taken) {
    CHECK(slow->status().counters.delivered <= taken + 7);
    if (taken < count) REQUIRE(next_delivery(*slow));
  }
}

TEST_CASE("two publishers in turns flood an inbox that nobody takes, and nothing of it is lost") {
  constexpr std::uint64_t count = 400;
  auto mesh = private_mesh();
  mesh.payload_bytes = kibibyte;
  auto a = start(mesh, "a");
  auto b = start(mesh, "b");
  mesh.inbox_bytes = 20 * kibibyte;
  mesh.held_bytes = 20 * kibibyte;
  auto slow = start(mesh, "slow");
  join({a.get(), b.get(), slow.get()});
  const std::string payload(kibibyte, 'x');
  for (std::uint64_t i = 1; i <= count; ++i) {
    for (auto* peer : {a.get(), b.get()}) {
      REQUIRE(peer->publish(topic("t"), payload) == Publish::accepted);
    }
    // In turns on the wire too.
    REQUIRE(eventually(5s, [&] { return known(*slow) == 2 * i; }));
  }
  take_all(*slow, 2, count);
}

TEST_CASE("a handler with a tiny inbox gets all of 20,000 messages") {
  constexpr int count = 20'000;
  auto mesh = private_mesh();
  mesh.payload_bytes = 16;
  auto publisher = start(mesh, "publisher");
  mesh.inbox_bytes = largest_footprint(mesh.payload_bytes);
  auto receiver = start(mesh, "receiver");
  std::atomic<int> received = 0;
  const auto refused = receiver->on_incoming([&](const Incoming& incoming) {
    if (std::holds_alternative<Delivery>(incoming)) ++received;
  });
  REQUIRE_FALSE(refused);
  join({publisher.get(), receiver.get()});
  for (int i = 0; i < count; ++i) {
    REQUIRE(publisher->publish(topic("t"), "x") == Publish::accepted);
  }
  CHECK(eventually(20s, [&] { return received == count; }));
  CHECK(received == count);
  receiver->leave();
}

TEST_CASE("each of eight publishing threads keeps its order") {
  constexpr int threads = 8;
  constexpr int count = 500;
  Cluster cluster;
  cluster.primary().execute("CREATE TABLE t (i int)");
  const auto mesh = private_mesh();
  auto publisher = start_on(cluster.primary(), mesh, "publisher");
  auto receiver = start(mesh, "receiver");
  join({publisher.get(), receiver.get()});
  std::vector<std::future<void>> publishing;
  publishing.reserve(threads);
  for (int thread = 0; thread < threads; ++thread) {
    publishing.push_back(std::async(std::launch::async, [&publisher, thread] {
      const auto subject = Topic::of({std::to_string(thread)}).value();
      for (int i = 0; i < count; ++i) {
        const Dependency dependency =
            i % 3 == 0 ? Dependency(AfterCommit{}) : Dependency(NoChange{});
        CHECK(publisher->publish(subject, std::to_string(i), dependency) == Publish::accepted);
      }
    }));
  }
  std::array<int, threads> next{};
  for (int i = 0; i < threads * count; ++i) {
    const auto delivery = next_delivery(*receiver);
    REQUIRE(delivery);
    REQUIRE(delivery->sequence == static_cast<std::uint64_t>(i) + 1);
    auto& expected = next.at(std::stoul(std::string(delivery->message.topic.elements()[0])));
    REQUIRE(delivery->message.payload == std::to_string(expected));
    ++expected;
  }
  for (auto& thread : publishing) thread.get();
}

TEST_CASE(
    "while the primary is down publish refuses beyond the outbox, and what was taken follows") {
  Cluster cluster;
  auto mesh = private_mesh();
  auto receiver = start(mesh, "receiver");
  mesh.payload_bytes = kibibyte;
  mesh.unsent_bytes = 64 * kibibyte;
  auto publisher = start_on(cluster.primary(), mesh, "publisher");
  join({publisher.get(), receiver.get()});
  CHECK(publisher->publish(topic("t"), "before", AfterCommit{}) == Publish::accepted);
  REQUIRE(next_payload(*receiver) == "before");
  cluster.primary().stop();
  REQUIRE(next_notice<PrimaryDown>(*publisher));

  const std::string payload(kibibyte, 'x');
  std::uint64_t accepted = 0;
  auto answer = Publish::accepted;
  while (accepted < 1000) {
    answer = publisher->publish(topic("t"), payload, AfterCommit{.durable = true});
    if (answer != Publish::accepted) break;
    ++accepted;
    // One at a time, so that none counts for nothing on its way between the threads.
    REQUIRE(eventually(5s, [&] { return publisher->status().unsent == accepted; }));
  }
  CHECK(answer == Publish::queue_full);
  CHECK(accepted == mesh.unsent_bytes / weight(kibibyte));
  CHECK(publisher->status().unsent_bytes <= mesh.unsent_bytes);
  CHECK(publisher->publish(topic("t"), payload) == Publish::queue_full);

  cluster.primary().start();
  for (std::uint64_t i = 0; i < accepted; ++i) CHECK(next_payload(*receiver, 20s) == payload);
  CHECK(publisher->publish(topic("t"), "after", AfterCommit{}) == Publish::accepted);
  CHECK(next_payload(*receiver) == "after");
}

TEST_CASE("publish names the reason of a refusal") {
  auto mesh = private_mesh();
  mesh.payload_bytes = 10;
  auto peer = start(mesh, "peer");
  CHECK(peer->publish(topic("t"), std::string(10, 'x')) == Publish::accepted);
  CHECK(peer->publish(topic("t"), std::string(11, 'x')) == Publish::payload_too_large);
  CHECK(peer->publish(topic("t"), "", AfterCommit{}) == Publish::no_primary);
  peer->leave();
  CHECK(peer->publish(topic("t"), "") == Publish::leaving);
}
