// Streams in datagrams, on the sockets of the loopback interface.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/live/datagram_ends.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

const std::vector<std::string> hosts = {"127.0.0.1", "::1"};

}  // namespace

TEST_CASE("a frame reaches each reader as it was sent, with or without a key") {
  for (const bool sealed : {false, true}) {
    for (const auto& host : hosts) {
      for (const std::size_t count : {1U, 20U}) {
        CAPTURE(sealed);
        CAPTURE(host);
        CAPTURE(count);
        DatagramMesh mesh(sealed, count, host);
        const std::string frame(1400, 'f');
        mesh.send(frame);
        for (std::size_t at = 0; at < count; ++at) {
          auto& reader = *mesh.readers[at];
          REQUIRE(reader.until([&] { return !reader.frames.empty(); }));
          CHECK(reader.frames[0].bytes == frame);
          CHECK(reader.frames[0].frame.publisher == mesh.origin);
          CHECK(reader.frames[0].frame.number == mesh::PathNumber{mesh.paths[at], 2});
          CHECK(reader.frames[0].frame.size > frame.size());
          CHECK(reader.frames[0].frame.size <= frame.size() + mesh::datagram_head_bytes);
          CHECK(reader.malformed == 0);
        }
      }
    }
  }
}

TEST_CASE("frames come in the order in which they were sent, also more than one call takes") {
  for (const bool sealed : {false, true}) {
    DatagramMesh mesh(sealed, 3);
    for (int at = 0; at < 50; ++at) mesh.send("frame " + std::to_string(at));
    for (auto& reader : mesh.readers) {
      REQUIRE(reader->until([&] { return reader->frames.size() == 50; }));
      for (std::size_t at = 0; at < 50; ++at) {
        CHECK(reader->frames[at].bytes == "frame " + std::to_string(at));
        CHECK(reader->frames[at].frame.number.number == at + 2);
      }
    }
  }
}

TEST_CASE("more readers than a system call serves all get a frame") {
  DatagramMesh mesh(false, 2);
  // These lead to one socket, which drops them.
  std::vector<mesh::PathNumber> numbers;
  for (mesh::PathId path = 1; path <= 1100; ++path) {
    REQUIRE(mesh.publisher->admit(path, mesh.endpoint(0), {}));
    numbers.push_back({path, 1});
  }
  numbers.push_back(mesh.number(1));
  mesh.publisher->send(numbers, "the last one");
  auto& reader = *mesh.readers[1];
  REQUIRE(reader.until([&] { return reader.frames.size() == 1; }));
  CHECK(reader.frames[0].bytes == "the last one");
  mesh.readers[0]->turn();
  CHECK(mesh.readers[0]->malformed > 100);
}

TEST_CASE("a probe has the size that was wanted") {
  for (const bool sealed : {false, true}) {
    for (const auto& host : hosts) {
      DatagramMesh mesh(sealed, 1, host);
      auto& reader = *mesh.readers[0];
      for (const auto size : {93U, 548U, 1232U, 1452U, 2048U}) {
        const auto number = mesh.number(0);
        mesh.publisher->probe(number, size);
        REQUIRE(reader.until([&] { return !reader.frames.empty(); }));
        CHECK(reader.frames[0].frame.size == size);
        CHECK(reader.frames[0].frame.number == number);
        CHECK(reader.frames[0].bytes.empty());
        reader.frames.clear();
      }
      mesh.publisher->probe(mesh.number(0), 2049);
      REQUIRE(reader.until([&] { return reader.malformed == 1; }));
    }
  }
}

TEST_CASE("a reader tells how much its buffer holds, and a secret only where there is a key") {
  DatagramEnd open(false);
  DatagramEnd sealed(true);
  const auto plain = open->open(sample_publisher(1), 1, "127.0.0.1");
  const auto one = sealed->open(sample_publisher(1), 1, "127.0.0.1");
  const auto other = sealed->open(sample_publisher(2), 2, "127.0.0.1");
  REQUIRE((plain && one && other));
  CHECK(plain->capacity >= 92);
  CHECK(plain->secret == mesh::PathSecret{});
  CHECK(one->secret != mesh::PathSecret{});
  CHECK(one->secret != other->secret);
  CHECK(one->port != other->port);
}

TEST_CASE("an acknowledgement comes back to the publisher") {
  for (const bool sealed : {false, true}) {
    for (const auto& host : hosts) {
      DatagramMesh mesh(sealed, 2, host);
      mesh.send("a frame");
      for (std::size_t at = 0; at < 2; ++at) {
        auto& reader = *mesh.readers[at];
        REQUIRE(reader.until([&] { return !reader.frames.empty(); }));
        const auto& frame = reader.frames[0].frame;
        const mesh::DatagramAck ack{frame.number.number, frame.size, 2, 77 + at};
        reader->acknowledge(mesh.origin, ack);
        REQUIRE(mesh.publisher.until([&] { return mesh.publisher.acks.size() == at + 1; }));
        CHECK(mesh.publisher.acks[at].path == mesh.paths[at]);
        CHECK(mesh.publisher.acks[at].ack == ack);
      }
    }
  }
}

TEST_CASE("a reader with several publishers has each by itself") {
  DatagramMesh one(true, 1);
  DatagramEnd other(true);
  auto& reader = *one.readers[0];
  const auto origin = sample_publisher(2);
  const auto opened = reader->open(origin, 5, "127.0.0.1");
  REQUIRE(opened);
  REQUIRE(other->admit(5, {"127.0.0.1", opened->port}, opened->secret));
  other->probe({5, 1}, 548);
  other->send(std::vector<mesh::PathNumber>{{5, 2}}, "the other's");
  one.send("the one's");
  REQUIRE(reader.until([&] { return reader.frames.size() == 3; }));
  std::set<std::pair<Origin, std::string>> got;
  for (const auto& [frame, bytes] : reader.frames) got.emplace(frame.publisher, bytes);
  CHECK(got.contains({origin, "the other's"}));
  CHECK(got.contains({one.origin, "the one's"}));

  // The closed one is not heard any more, the other is.
  reader->close(one.origin);
  reader.frames.clear();
  one.send("nobody hears it");
  other->send(std::vector<mesh::PathNumber>{{5, 3}}, "again");
  REQUIRE(reader.until([&] { return !reader.frames.empty(); }));
  CHECK(reader.frames[0].bytes == "again");
}

TEST_CASE("what has come and was not taken goes with its path") {
  DatagramMesh mesh(false, 1);
  for (int at = 0; at < 5; ++at) mesh.send("frame");
  io::Reactor reactor;
  datagrams::Port port(false);
  port.attach(reactor);
  const auto opened = port.open(mesh.origin, 9, "127.0.0.1");
  REQUIRE(opened);
  REQUIRE(mesh.publisher->admit(9, {"127.0.0.1", opened->port}, {}));
  for (std::uint64_t number = 1; number <= 5; ++number) {
    mesh.publisher->send(std::vector<mesh::PathNumber>{{9, number}}, "frame");
  }
  reactor.run_once(std::chrono::seconds(5));
  REQUIRE(port.receive());
  CHECK(port.pending());
  port.close(mesh.origin);
  CHECK_FALSE(port.pending());
  CHECK_FALSE(port.receive());
}

TEST_CASE("a new key is read from the next probe on, and not before") {
  DatagramMesh mesh(true, 2);
  mesh.publisher->renew_key();
  mesh.send("too early");
  for (std::size_t at = 0; at < 2; ++at) {
    auto& reader = *mesh.readers[at];
    REQUIRE(reader.until([&] { return reader.malformed == 1; }));
    mesh.publisher->probe(mesh.number(at), 548);
  }
  mesh.send("in time");
  for (auto& reader : mesh.readers) {
    REQUIRE(reader->until([&] { return reader->frames.size() == 2; }));
    CHECK(reader->frames[1].bytes == "in time");
    CHECK(reader->malformed == 1);
  }
}

TEST_CASE("a reader that has gone breaks its path, and the others get their frames") {
  for (const auto& host : hosts) {
    for (const std::size_t gone : {0U, 1U, 2U}) {
      CAPTURE(host);
      CAPTURE(gone);
      DatagramMesh mesh(true, 3, host);
      (*mesh.readers[gone])->close(mesh.origin);
      for (std::size_t round = 1; round <= 3; ++round) {
        mesh.send("frame");
        for (std::size_t at = 0; at < 3; ++at) {
          if (at == gone) continue;
          auto& reader = *mesh.readers[at];
          REQUIRE(reader.until([&] { return reader.frames.size() == round; }));
        }
        auto& broken = mesh.publisher.broken_paths;
        REQUIRE(mesh.publisher.until([&] { return broken.size() == round; }));
        CHECK(broken.back() == mesh.paths[gone]);
      }
      mesh.publisher->drop(mesh.paths[gone]);
      mesh.send("frame");
      mesh.publisher.turn();
      CHECK(mesh.publisher.broken_paths.size() == 3);
      // In its stead another one may come.
      mesh.open(gone);
      mesh.publisher->probe(mesh.number(gone), 548);
      auto& reader = *mesh.readers[gone];
      REQUIRE(reader.until([&] { return reader.frames.size() == 1; }));
    }
  }
}

// The system tells of it with the next datagram, here to the first reader.
TEST_CASE("a reader that has gone costs no other one a frame, whatever comes first") {
  for (const auto& host : hosts) {
    DatagramMesh mesh(true, 3, host);
    (*mesh.readers[2])->close(mesh.origin);
    for (int times = 0; times < 5; ++times) mesh.send("frame");
    for (const std::size_t at : {0U, 1U}) {
      auto& reader = *mesh.readers[at];
      REQUIRE(reader.until([&] { return reader.frames.size() == 5; }));
    }
    mesh.publisher.turn();
    auto& broken = mesh.publisher.broken_paths;
    CHECK_FALSE(broken.empty());
    CHECK(std::count(broken.begin(), broken.end(), mesh.paths[2]) ==
          static_cast<std::ptrdiff_t>(broken.size()));
  }
}

TEST_CASE("a datagram that no interface takes breaks its path until the next one that goes") {
  for (const bool sealed : {false, true}) {
    for (const auto& host : hosts) {
      CAPTURE(host);
      DatagramMesh mesh(sealed, 2, host);
      auto& broken = mesh.publisher.broken_paths;
      for (std::size_t round = 1; round <= 2; ++round) {
        for (int times = 0; times < 3; ++times) mesh.publisher->probe(mesh.number(0), 65'530);
        mesh.publisher.turn();
        REQUIRE(broken.size() == round);
        CHECK(broken.back() == mesh.paths[0]);
        mesh.send("frame");
        for (auto& reader : mesh.readers) {
          REQUIRE(reader->until([&] { return reader->frames.size() == round; }));
        }
      }
    }
  }
}

TEST_CASE("where there is no way nothing is opened") {
  for (const bool sealed : {false, true}) {
    DatagramEnd end(sealed);
    const auto origin = sample_publisher(1);
    mesh::PathSecret secret{};
    if (sealed) secret[0] = 1;
    for (const std::string host : {"localhost", "", "127.0.0.256", "::ffff:127.0.0.1", "fe80::1"}) {
      CAPTURE(host);
      CHECK_FALSE(end->open(origin, 1, host));
      CHECK_FALSE(end->admit(1, {host, 7}, secret));
    }
    CHECK_FALSE(end->admit(1, {"127.0.0.1", 0}, secret));
    CHECK(end->admit(1, {"127.0.0.1", 7}, secret));
    // A mesh with a key speaks with nobody who has none.
    secret[0] = sealed ? 0 : 1;
    CHECK_FALSE(end->admit(1, {"127.0.0.1", 7}, secret));
  }
}

TEST_CASE("what leads nowhere is not sent") {
  DatagramMesh mesh(true, 1);
  mesh.publisher->send(std::vector<mesh::PathNumber>{{99, 1}}, "frame");
  mesh.publisher->probe({99, 1}, 548);
  mesh.publisher->drop(99);
  mesh.readers[0]->operator->()->acknowledge(sample_publisher(9), {1, 1, 1, 1});
  mesh.readers[0]->operator->()->close(sample_publisher(9));
  mesh.send("frame");
  auto& reader = *mesh.readers[0];
  REQUIRE(reader.until([&] { return reader.frames.size() == 1; }));
  CHECK(reader.malformed == 0);
  CHECK(mesh.publisher.broken_paths.empty());
}
