// Acknowledged messages, and streams that a restarted application goes on with, on real sockets.
#include <csignal>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/live/command_mesh.hpp"
#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// Each is delivered by this receiver.
void check_delivers(Process& receiver, std::set<std::string> payloads) {
  while (!payloads.empty()) {
    const auto line = wait_for(receiver, [](const json& l) {
      return l["type"] == "delivery" || l["type"] == "undelivered";
    });
    if (line["type"] == "delivery") payloads.erase(line["payload"].get<std::string>());
  }
}

std::vector<std::uint64_t> sequences(Peer& peer, std::size_t count) {
  std::vector<std::uint64_t> all;
  while (all.size() < count) {
    const auto delivery = next_delivery(peer);
    if (!delivery) break;
    all.push_back(delivery->sequence);
  }
  return all;
}

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (; first <= last; ++first) all.push_back(first);
  return all;
}

void publish(Peer& peer, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(peer.publish(topic("t"), "x") == Publish::accepted);
}

}  // namespace

TEST_CASE("a peer that is killed right after a receipt has lost nothing that it had a receipt for" *
          long_test) {
  const CommandMesh mesh;
  auto b = mesh.start({"peer", "--name", "b"});
  auto c = mesh.start({"peer", "--name", "c"});
  wait_for(b, "peer_ready");
  wait_for(c, "peer_ready");
  std::size_t receipts = 0;
  for (int round = 0; round < 36; ++round) {
    CAPTURE(round);
    auto publisher = mesh.start({"peer", "--name", "publisher"});
    wait_for(publisher, "peer_ready");
    wait_for(publisher, "peer_ready");
    const auto payload = [&](int number) {
      return std::to_string(round) + "-" + std::to_string(number);
    };
    std::string lines;
    for (int number = 0; number < 200; ++number) {
      lines += R"({"topic":"t","payload":")" + payload(number) + R"(","id":)" +
               std::to_string(number) + R"(,"receipt":"received"})" + "\n";
    }
    publisher.write(lines);
    // Some are received, others are under way.
    std::set<std::string> received;
    const auto wanted = static_cast<std::size_t>(1 + 7 * round % 60);
    while (received.size() < wanted) {
      const auto line = wait_for(publisher, "received");
      CHECK(line["without"].empty());
      received.insert(payload(line["id"]));
    }
    publisher.send(SIGKILL);
    while (const auto line = publisher.read_line(5s)) {  // it had said so, too
      const auto last = json::parse(*line, nullptr, false);
      if (last.is_object() && last["type"] == "received") received.insert(payload(last["id"]));
    }
    receipts += received.size();
    check_delivers(b, received);
    check_delivers(c, received);
  }
  MESSAGE(receipts, " receipts, none broken");
}

TEST_CASE("a receipt waits for a peer that is stopped, and names it once it is suspect") {
  const auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  auto healthy = start(mesh, "healthy");
  const CommandMesh commands;
  auto stopped = commands.start({"peer", "--name", "stopped", "--mesh", mesh.mesh, "--beacon-port",
                                 std::to_string(mesh.beacon_port)});
  REQUIRE(publisher->wait_ready(2, 10s));
  stopped.send(SIGSTOP);
  REQUIRE(publisher->publish({.topic = topic("t"), .payload = "x", .acknowledged = true}) ==
          Publish::accepted);
  CHECK(next_payload(*healthy) == "x");
  CHECK_FALSE(next_notice<Received>(*publisher, 500ms));
  const auto received = next_notice<Received>(*publisher);
  REQUIRE(received);
  REQUIRE(received->without.size() == 1);
  CHECK(received->without[0].name == "stopped");
  CHECK(received->without[0].why == Received::Without::Why::gone);
  stopped.send(SIGCONT);
}

TEST_CASE("a message brings its headers to every receiver") {
  const auto mesh = private_mesh();
  auto a = start(mesh, "a");
  auto b = start(mesh, "b");
  join({a.get(), b.get()});
  const Headers headers = {{"content-type", "text/plain"}, {"empty", ""}};
  CHECK(a->publish({.topic = topic("t"), .payload = "x", .headers = {{"", "v"}}}) ==
        Publish::bad_headers);
  REQUIRE(a->publish({.topic = topic("t"), .payload = "x", .headers = headers}) ==
          Publish::accepted);
  const auto delivery = next_delivery(*b);
  REQUIRE(delivery);
  CHECK(delivery->message.headers == headers);
}

TEST_CASE("a restarted application goes on in each stream where it had ended, and misses nothing") {
  const auto mesh = private_mesh();
  auto publisher = start(mesh, "publisher");
  Cursor cursor;
  {
    auto reader = start(mesh, "reader");
    join({publisher.get(), reader.get()});
    publish(*publisher, 10);
    for (int i = 0; i < 4; ++i) {  // the other six were never taken
      const auto delivery = next_delivery(*reader);
      REQUIRE(delivery);
      cursor = {delivery->origin, delivery->sequence + 1};
    }
  }
  publish(*publisher, 40);
  auto options = mesh;
  options.resume = {cursor};
  auto reader = start(options, "reader");
  CHECK(sequences(*reader, 46) == numbers(5, 50));
  publish(*publisher, 5);
  CHECK(sequences(*reader, 5) == numbers(51, 55));
}

TEST_CASE("a restarted application is told which messages its publisher retains no longer") {
  auto mesh = private_mesh();
  mesh.payload_bytes = 1;
  mesh.retain_bytes = std::size_t{32} * 1024;
  auto publisher = start(mesh, "publisher");
  publish(*publisher, 1000);
  REQUIRE(eventually(10s, [&] { return publisher->status().last_sequence == 1000; }));
  const auto status = publisher->status();
  REQUIRE(status.retained_first > 100);
  auto options = mesh;
  options.resume = {{status.origin, 11}};
  auto reader = start(options, "reader");
  const auto lost = next_notice<Undelivered>(*reader);
  REQUIRE(lost);
  CHECK(lost->why == Undelivered::Why::expired);
  CHECK(lost->first == 11);
  CHECK(lost->last == status.retained_first - 1);
  CHECK(sequences(*reader, status.retained) == numbers(status.retained_first, 1000));
}
