// Datagrams that are not what they seem: a stranger's, another reader's, damaged ones, and those
// that come again.
#include <algorithm>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "tests/live/datagram_ends.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr mesh::PathId path = 0x1122334455667788;

// One path that leads through a raw socket, which sees every datagram before the other end does.
struct Between {
  explicit Between(bool is_sealed) : publisher(is_sealed), reader(is_sealed) {
    const auto opened = reader->open(origin, path, "127.0.0.1");
    REQUIRE(opened);
    offer = *opened;
    REQUIRE(publisher->admit(path, {"127.0.0.1", middle.port()}, offer.secret));
  }

  // As they are on the way.
  Bytes probe(std::uint32_t size) {
    publisher->probe({path, ++sent}, size);
    auto bytes = middle.receive();
    publisher_port = middle.sender();
    return bytes;
  }
  Bytes frame(const std::string& text) {
    publisher->send(std::vector<mesh::PathNumber>{{path, ++sent}}, text);
    return middle.receive();
  }
  Bytes ack(const mesh::DatagramAck& told) {
    reader->acknowledge(origin, told);
    return middle.receive();
  }

  void to_reader(const Bytes& bytes) const { middle.send(offer.port, bytes); }
  void to_publisher(const Bytes& bytes) const { middle.send(publisher_port, bytes); }

  // Whether it is taken; it is sent there, and counted as one or the other.
  bool reader_takes(const Bytes& bytes) {
    to_reader(bytes);
    const auto frames = reader.frames.size();
    const auto malformed = reader.malformed;
    REQUIRE(reader.until(
        [&] { return reader.frames.size() + reader.malformed == frames + malformed + 1; }));
    return reader.frames.size() > frames;
  }
  bool publisher_takes(const Bytes& bytes) {
    to_publisher(bytes);
    const auto acks = publisher.acks.size();
    const auto malformed = publisher.malformed;
    REQUIRE(publisher.until(
        [&] { return publisher.acks.size() + publisher.malformed == acks + malformed + 1; }));
    return publisher.acks.size() > acks;
  }

  const Origin origin = sample_publisher(1);
  DatagramEnd publisher;
  DatagramEnd reader;
  RawDatagrams middle;
  mesh::PathSocket offer;
  std::uint64_t sent = 0;
  std::uint16_t publisher_port = 0;
};

Bytes flipped(Bytes bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  return bytes;
}

Bytes cut(const Bytes& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

// Of a kind that is known, on this path or another, or all at random.
Bytes hostile(base::Random& random, bool sealed) {
  Bytes bytes(random.below(120));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  if (bytes.empty() || random.below(4) == 0) return bytes;
  bytes[0] = static_cast<std::uint8_t>(1 + random.below(3) + (sealed ? 0x80U : 0U));
  if (random.below(2) == 0 || bytes.size() < 17) return bytes;
  for (std::size_t at = 0; at < 8; ++at) {
    bytes[1 + at] = static_cast<std::uint8_t>(path >> (56 - 8 * at));
  }
  return bytes;
}

}  // namespace

TEST_CASE("a sealed datagram with a bit flipped anywhere is dropped") {
  Between between(true);
  auto good = between.probe(100);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    CAPTURE(bit);
    REQUIRE_FALSE(between.reader_takes(flipped(good, bit)));
  }
  REQUIRE(between.reader_takes(good));
  good = between.frame("a frame");
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    CAPTURE(bit);
    REQUIRE_FALSE(between.reader_takes(flipped(good, bit)));
  }
  REQUIRE(between.reader_takes(good));
  CHECK(between.reader.frames.back().bytes == "a frame");
  good = between.ack({2, 52, 2, 9});
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    CAPTURE(bit);
    REQUIRE_FALSE(between.publisher_takes(flipped(good, bit)));
  }
  REQUIRE(between.publisher_takes(good));
}

TEST_CASE("a sealed datagram of another length is dropped") {
  Between between(true);
  for (const bool probe : {true, false}) {
    const auto good = probe ? between.probe(100) : between.frame("a frame");
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      REQUIRE_FALSE(between.reader_takes(cut(good, size)));
    }
    auto longer = good;
    longer.push_back(0);
    REQUIRE_FALSE(between.reader_takes(longer));
    longer.resize(3000);
    REQUIRE_FALSE(between.reader_takes(longer));
    REQUIRE(between.reader_takes(good));
  }
}

TEST_CASE("a datagram that comes again is dropped") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    const auto probe = between.probe(548);
    REQUIRE(between.reader_takes(probe));
    CHECK_FALSE(between.reader_takes(probe));
    std::vector<Bytes> frames;
    frames.reserve(20);
    for (int at = 0; at < 20; ++at) frames.push_back(between.frame("frame"));
    std::reverse(frames.begin(), frames.end());
    for (const auto& frame : frames) CHECK(between.reader_takes(frame));
    for (const auto& frame : frames) CHECK_FALSE(between.reader_takes(frame));
    CHECK_FALSE(between.reader_takes(probe));
  }
}

TEST_CASE("an acknowledgement that is older than one before is dropped") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    REQUIRE(between.reader_takes(between.probe(548)));
    const auto first = between.ack({1, 548, 1, 1});
    REQUIRE(between.publisher_takes(first));
    REQUIRE(between.reader_takes(between.frame("frame")));
    REQUIRE(between.publisher_takes(between.ack({2, 52, 2, 2})));
    CHECK_FALSE(between.publisher_takes(first));
    // The stream may go on by other ways.
    CHECK(between.publisher_takes(between.ack({2, 52, 2, 30})));
  }
}

TEST_CASE("an acknowledgement of what was not sent is dropped") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    REQUIRE(between.reader_takes(between.probe(548)));
    CHECK_FALSE(between.publisher_takes(between.ack({2, 548, 1, 1})));
    CHECK_FALSE(between.publisher_takes(between.ack({0, 548, 1, 1})));
    CHECK(between.publisher_takes(between.ack({1, 548, 1, 1})));
  }
}

TEST_CASE("an acknowledgement counts from the reader's own port alone") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    const RawDatagrams elsewhere;
    REQUIRE(between.reader_takes(between.probe(548)));
    const auto ack = between.ack({1, 548, 1, 1});
    elsewhere.send(between.publisher_port, ack);
    REQUIRE(between.publisher.until([&] { return between.publisher.malformed == 1; }));
    CHECK(between.publisher.acks.empty());
    CHECK(between.publisher_takes(ack));
    between.publisher->drop(path);
    between.publisher.turn();
    CHECK(between.publisher.acks.size() == 1);
  }
}

TEST_CASE("a reader hears the one that has proved to be its publisher, and nobody else") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    const RawDatagrams elsewhere;
    const auto probe = between.probe(548);
    const auto frame = between.frame("frame");
    const auto late = between.frame("late");
    // A stranger's is the first to come, and proves nothing.
    elsewhere.send(between.offer.port, Bytes(100, 7));
    between.to_reader(probe);
    // This has come before the kernel is told from whom to take anything.
    elsewhere.send(between.offer.port, frame);
    REQUIRE(between.reader.until(
        [&] { return between.reader.frames.size() + between.reader.malformed == 3; }));
    CHECK(between.reader.frames.size() == 1);
    // And this after.
    elsewhere.send(between.offer.port, late);
    REQUIRE(between.reader_takes(frame));
    CHECK(between.reader.frames.size() == 2);
    CHECK(between.reader.malformed == 2);
    CHECK(between.reader_takes(late));
  }
}

TEST_CASE("no reader can speak to another one in the publisher's place") {
  Between one(true);
  Between other(true);
  REQUIRE(one.reader_takes(one.probe(548)));
  REQUIRE(other.reader_takes(other.probe(548)));
  // Both paths have the same name here, and the same numbers: only their secrets differ.
  CHECK_FALSE(one.reader_takes(other.probe(548)));
  CHECK_FALSE(one.reader_takes(other.frame("frame")));
  // A member that has admitted the reader's path with a secret of its own.
  DatagramEnd forger(true);
  mesh::PathSecret secret{};
  secret[0] = 1;
  REQUIRE(forger->admit(path, {"127.0.0.1", one.middle.port()}, secret));
  forger->send(std::vector<mesh::PathNumber>{{path, 9}}, "forged");
  CHECK_FALSE(one.reader_takes(one.middle.receive()));
  CHECK(one.reader_takes(one.frame("frame")));
}

TEST_CASE("of a hundred thousand hostile datagrams none is taken, and all are counted") {
  for (const bool sealed : {false, true}) {
    Between between(sealed);
    REQUIRE(between.reader_takes(between.probe(548)));
    base::Random random(7);
    std::size_t sent = 0;
    std::size_t to_reader = 0;
    while (sent < 50'000) {
      for (int burst = 0; burst < 50; ++burst, ++sent) {
        // Without a key the path itself is all that proves a publisher.
        auto bytes = hostile(random, sealed);
        if (!sealed && bytes.size() > 8) bytes[1] ^= 1U;
        const bool reader = random.below(2) == 0;
        to_reader += reader ? 1 : 0;
        reader ? between.to_reader(bytes) : between.to_publisher(bytes);
      }
      REQUIRE(between.reader.until([&] { return between.reader.malformed == to_reader; }));
      REQUIRE(
          between.publisher.until([&] { return between.publisher.malformed == sent - to_reader; }));
    }
    CHECK(between.reader.frames.size() == 1);
    CHECK(between.publisher.acks.empty());
    REQUIRE(between.reader_takes(between.frame("frame")));
    CHECK(between.publisher_takes(between.ack({2, 50, 2, 1})));
  }
}

TEST_CASE("a flood on one path holds no other up") {
  io::Reactor reactor;
  datagrams::Port port(false);
  port.attach(reactor);
  const RawDatagrams stranger;
  DatagramEnd publisher(false);
  const auto flooded = port.open(sample_publisher(1), 1, "127.0.0.1");
  const auto quiet = port.open(sample_publisher(2), 2, "127.0.0.1");
  REQUIRE((flooded && quiet));
  REQUIRE(publisher->admit(2, {"127.0.0.1", quiet->port}, {}));
  for (int times = 0; times < 200; ++times) stranger.send(flooded->port, Bytes(10, 1));
  publisher->send(std::vector<mesh::PathNumber>{{2, 1}}, "frame");
  reactor.run_once(std::chrono::seconds(5));
  int calls = 0;
  for (bool found = false; !found; ++calls) {
    REQUIRE(calls < 40);
    const auto arrival = port.receive();
    REQUIRE(arrival);
    found = std::holds_alternative<datagrams::Frame>(*arrival);
  }
  int left = 0;
  while (port.receive()) ++left;
  CHECK(calls + left == 201);
}
