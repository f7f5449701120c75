// A node whose publisher's stream comes in datagrams, and its own goes in them.
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

namespace tidegate {
namespace {

using mesh::DatagramAck;
using mesh::PathDatagram;
using std::chrono::milliseconds;
using testing::message_at;
using testing::NodeHarness;
using testing::origin;
namespace input = node::input;
namespace effect = node::effect;

const Origin b = origin(2);
constexpr std::uint32_t capacity = 80;

// The handshake by hand, since the id of the path is in an effect of its middle.
mesh::PathId befriend_and_open(NodeHarness& a) {
  a.step(input::Heard{{"default", b, 10, 20, false, false, 1}, "b"});
  const auto dial = a.all<effect::Dial>().at(0);
  a.step(input::FromLink{dial.link, mesh::Welcome{{b, "default", "b", 10, 20}}});
  a.step(input::Reader{b.peer, true});
  a.step(input::FromRoute{"r", "b", mesh::Ready{b, origin(1), 1, 1}});
  const auto opens = a.all<effect::OpenPath>();
  a.step(input::FromRoute{"r", "b", mesh::Listening{b, origin(1)}});
  return opens.empty() ? 0 : opens.at(0).path;
}

}  // namespace

TEST_CASE("a path is offered to a publisher that is ready, until a datagram comes") {
  NodeHarness a((Options()));
  const auto path = befriend_and_open(a);
  REQUIRE(path != 0);
  const auto opened = input::PathOpened{b, path, {40'000, capacity, {}}};
  CHECK(a.step(opened) == "link 1: DatagramOffer shared");
  CHECK(a.wait(milliseconds(900)).empty());
  CHECK(a.wait(milliseconds(200)) == "link 1: DatagramOffer shared");
  CHECK(a.status().peers.at(0).datagrams_from == DatagramState::tried);
  CHECK(a.step(input::Probed{b, PathDatagram{{path, 1}, 1232}}) == "acknowledge 1 next 1");
  CHECK(a.wait(milliseconds(1500)).empty());
}

TEST_CASE("no path is offered where datagrams are not wanted, or there is no socket to be had") {
  Options options;
  SUBCASE("not wanted") {
    options.datagrams = false;
    NodeHarness a(options);
    CHECK(befriend_and_open(a) == 0);
    CHECK(
        a.step(input::FromRoute{"r", "b", mesh::DatagramOffer{b, origin(1), 5, 4000, 92, true, {}}})
            .empty());
  }
  SUBCASE("no socket") {
    NodeHarness a(options);
    const auto path = befriend_and_open(a);
    CHECK(a.step(input::PathOpened{b, path, {}}).empty());
    CHECK(a.wait(milliseconds(1500)).empty());
  }
  SUBCASE("a buffer for a few datagrams") {
    NodeHarness a(options);
    const auto path = befriend_and_open(a);
    CHECK(a.step(input::PathOpened{b, path, {40'000, 8, {}}}).empty());
  }
}

TEST_CASE("messages come in datagrams, and what others get instead is left with the first") {
  NodeHarness a((Options()));
  a.step(input::Subscribe{Pattern::all()});
  const auto path = befriend_and_open(a);
  a.step(input::PathOpened{b, path, {40'000, capacity, {}}});
  a.step(input::Probed{b, PathDatagram{{path, 1}, 1232}});
  const auto datagram = [&](std::uint64_t number, std::uint64_t sequence) {
    return a.step(input::FromStream{b, mesh::Data{b, sequence, {message_at("t", std::nullopt)}},
                                    PathDatagram{{path, number}, 300}});
  };
  CHECK(datagram(2, 1) == "leave shared, deliver t of b");
  CHECK(datagram(3, 2) == "deliver t of b");
  CHECK(a.status().peers.at(0).datagrams_from == DatagramState::open);
  CHECK(a.counters().datagrams_received == 2);

  SUBCASE("they are not acknowledged before that is asked for") {
    CHECK(a.wait(milliseconds(400)).empty());
  }
  SUBCASE("an eighth of the buffer is acknowledged at once") {
    for (std::uint64_t i = 4; i < 11; ++i) CHECK(datagram(i, i - 1) == "deliver t of b");
    CHECK(datagram(11, 10) == "deliver t of b, acknowledge 11 next 11");
  }
  SUBCASE("a heartbeat is, and shows what is missing") {
    CHECK(a.step(input::FromStream{b, mesh::Heartbeat{b, 1, 3, {}}, PathDatagram{{path, 5}, 90}}) ==
          "acknowledge 5 next 3");
    CHECK(a.wait(milliseconds(11)) == "link 1: Request 3-3");
  }
  SUBCASE("an acknowledgement tells also what has come over the connection") {
    CHECK(a.data(b, 3, {message_at("t", std::nullopt)}) == "deliver t of b");
    CHECK(a.step(input::FromStream{b, mesh::Heartbeat{b, 1, 3, {}}, PathDatagram{{path, 4}, 90}}) ==
          "acknowledge 4 next 4");
  }
  SUBCASE("a datagram of another path, or with a farewell, is not expected") {
    CHECK(a.step(input::FromStream{b, mesh::Data{b, 3, {message_at("t", std::nullopt)}},
                                   PathDatagram{{path + 1, 4}, 300}})
              .empty());
    CHECK(a.step(input::FromStream{b, mesh::Farewell{b, 2}, PathDatagram{{path, 4}, 300}}).empty());
    CHECK(a.counters().unexpected == 2);
  }
  SUBCASE("a publisher that says Ready again gets another path, and learns what was left") {
    a.step(input::FromRoute{"r", "b", mesh::Ready{b, origin(1), 1, 3}});
    const auto again = a.all<effect::OpenPath>();
    REQUIRE(again.size() == 1);
    CHECK(again.at(0).path != path);
    CHECK(a.step(input::PathOpened{b, again.at(0).path, {40'001, capacity, {}}}) ==
          "link 1: DatagramOffer alone");
  }
  SUBCASE("where there is no socket for that path it takes that part again") {
    a.step(input::FromRoute{"r", "b", mesh::Ready{b, origin(1), 1, 3}});
    const auto again = a.all<effect::OpenPath>().at(0).path;
    CHECK(a.step(input::PathOpened{b, again, {}}) == "join shared");
  }
  SUBCASE("the socket is closed when the publisher leaves") {
    a.step(input::FromStream{b, mesh::Farewell{b, 2}});
    CHECK(a.all<effect::ClosePath>().size() == 1);
  }
}

TEST_CASE("a reader's path is admitted for this life alone, and dropped when the reader leaves") {
  NodeHarness a((Options()));
  befriend_and_open(a);
  const mesh::DatagramOffer offer{b, origin(1), 5, 40'000, 92, true, {}};
  auto other = offer;
  other.target.incarnation = 7;
  CHECK(a.step(input::FromRoute{"r", "10.0.0.2", other}).empty());
  CHECK(a.step(input::FromRoute{"r", "10.0.0.2", offer}) ==
        "admit path 10.0.0.2:40000, probe 1452, probe 1232, probe 548");
  CHECK(a.status().peers.at(0).datagrams_to == DatagramState::tried);
  a.step(input::Acknowledged{5, DatagramAck{1, 1452, 1, 1}});
  CHECK(a.status().peers.at(0).datagrams_to == DatagramState::open);
  const auto& plan = a.node().send_plan(1, 300, a.now());
  CHECK(plan.datagrams.size() == 1);
  CHECK(a.counters().datagrams_sent == 1);
  a.step(input::FromStream{b, mesh::Farewell{b, 0}});
  CHECK(a.all<effect::DropPath>().size() == 1);
}

TEST_CASE(
    "a peer that leaves sends again, in front of the farewell, what went in datagrams alone") {
  NodeHarness a((Options()));
  befriend_and_open(a);
  a.step(input::FromRoute{"r", "10.0.0.2",
                          mesh::DatagramOffer{b, origin(1), 5, 40'000, 92, true, {}}});
  a.step(input::Acknowledged{5, DatagramAck{1, 1452, 1, 1}});
  a.publish("t");
  CHECK(a.node().send_plan(1, 300, a.now()).datagrams.size() == 1);
  SUBCASE("not acknowledged") {
    CHECK(a.step(input::Leave{}) == "remind 0+1: Data 1-1, all: Farewell 1");
  }
  SUBCASE("acknowledged") {
    a.step(input::Acknowledged{5, DatagramAck{4, 300, 4, 2}});
    CHECK(a.step(input::Leave{}) == "all: Farewell 1");
  }
}

}  // namespace tidegate
