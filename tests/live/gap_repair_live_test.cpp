// Messages that were missed, on real sockets: a receiver that was stopped, and one that joins late.
#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/mesh.hpp"
#include "tests/paths.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// A peer in a process of its own, which prints its deliveries. Its status socket is in `sockets`.
Process start_process(const Options& mesh, const std::string& name,
                      const TemporaryDirectory& sockets) {
  return Process({.arguments = {TIDEGATE_COMMAND, "peer", "--name", name, "--mesh", mesh.mesh,
                                "--beacon-port", std::to_string(mesh.beacon_port)},
                  .environment = {{"RUNTIME_DIRECTORY", sockets.path().string()}},
                  .input = Stream::pipe,
                  .output = Stream::pipe,
                  .errors = Stream::null});
}

void publish(Peer& publisher, int count, const std::string& payload) {
  for (int i = 0; i < count; ++i) {
    REQUIRE(eventually(20s, [&] {
      const auto answer = publisher.publish(topic("t"), payload);
      REQUIRE((answer == Publish::accepted || answer == Publish::queue_full));
      return answer == Publish::accepted;
    }));
  }
}

// The next deliveries have the sequences from `first` to `last`, and nothing is reported lost.
void check_delivers(Process& process, std::uint64_t first, std::uint64_t last) {
  for (auto sequence = first; sequence <= last;) {
    const auto line = process.read_line(20s);
    REQUIRE(line);
    const auto json = nlohmann::json::parse(*line);
    REQUIRE(json["type"] != "undelivered");
    if (json["type"] == "delivery") REQUIRE(json["sequence"] == sequence++);
  }
}

}  // namespace

// ZeroMQ ends the connection of a reader that takes nothing for ten seconds, and drops its queue.
TEST_CASE("a receiver that was stopped for a while misses nothing, and nobody waited for it" *
          long_test) {
  constexpr int count = 30'000;
  const auto mesh = private_mesh();
  const std::string payload(1024, 'x');
  auto publisher = start(mesh, "publisher");
  auto healthy = start(mesh, "healthy");
  const TemporaryDirectory sockets("stopped");
  auto stopped = start_process(mesh, "stopped", sockets);
  REQUIRE(publisher->wait_ready(2, 10s));
  REQUIRE(healthy->wait_ready(2, 10s));

  stopped.send(SIGSTOP);
  publish(*publisher, count, payload);
  for (int i = 1; i <= count; ++i) {
    const auto delivery = next_delivery(*healthy);
    REQUIRE(delivery);
    REQUIRE(delivery->sequence == static_cast<std::uint64_t>(i));
  }
  const auto state = [&] {
    for (const auto& peer : publisher->status().peers) {
      if (peer.name == "stopped") return peer.state;
    }
    return PeerState::left;
  };
  CHECK(eventually(5s, [&] { return state() == PeerState::suspect; }));
  CHECK(eventually(20s, [&] { return state() == PeerState::gone; }));
  CHECK(eventually(30s, [&] { return publisher->status().outgoing_bytes < 1'000'000; }));
  const auto status = publisher->status();
  CHECK(status.retain_bytes <= mesh.retain_bytes);

  stopped.send(SIGCONT);
  check_delivers(stopped, 1, count);
  MESSAGE("sent again to the one that was stopped: ", publisher->status().counters.resent, " of ",
          count, " in ", publisher->status().counters.answers, " answers");
  CHECK(publisher->status().counters.resent > 0);
  REQUIRE(publisher->wait_ready(2, 10s));
  publish(*publisher, 1, "and on");
  check_delivers(stopped, count + 1, count + 1);
}

TEST_CASE(
    "a receiver that joins from the earliest message gets 10,000 messages in order, and soon") {
  constexpr int count = 10'000;
  auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  publish(*publisher, count, std::string(256, 'x'));
  REQUIRE(eventually(10s, [&] { return publisher->status().last_sequence == count; }));

  mesh.from = From::earliest;
  auto receiver = start(mesh, "receiver");
  REQUIRE(receiver->wait_ready(1, 10s));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 1; i <= count; ++i) {
    const auto delivery = next_delivery(*receiver);
    REQUIRE(delivery);
    REQUIRE(delivery->sequence == static_cast<std::uint64_t>(i));
  }
  MESSAGE("10,000 messages of 256 bytes fetched in ",
          milliseconds(std::chrono::steady_clock::now() - begin), " ms, with ",
          receiver->status().counters.requests, " requests");
  CHECK(receiver->status().counters.recovered == count);
}

TEST_CASE("sixteen receivers that miss the same 1,000 messages each get them, and ask few times") {
  constexpr int count = 1000;
  constexpr std::uint64_t receivers = 16;
  auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  publish(*publisher, count, std::string(256, 'x'));
  REQUIRE(eventually(10s, [&] { return publisher->status().last_sequence == count; }));
  mesh.from = From::earliest;
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint64_t i = 0; i < receivers; ++i) {
    peers.push_back(start(mesh, "receiver-" + std::to_string(i)));
  }
  for (const auto& peer : peers) {
    for (int i = 1; i <= count; ++i) {
      const auto delivery = next_delivery(*peer, 30s);
      REQUIRE(delivery);
      REQUIRE(delivery->sequence == static_cast<std::uint64_t>(i));
    }
  }
  const auto counters = publisher->status().counters;
  MESSAGE(counters.answers, " requests, ", counters.resent, " messages sent again");
  CHECK(counters.resent <= 2 * receivers * count);
  CHECK(counters.answers <= receivers * 8);
}
