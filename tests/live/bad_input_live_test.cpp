// Nonsense at every door of a peer while two others exchange messages through it: the mesh goes on,
// and the counters tell.
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <zmq.hpp>

#include "discovery/beacon.hpp"
#include "lib/base/random.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "lib/mesh/stream_part.hpp"
#include "peer/io/descriptor.hpp"
#include "support/cluster.hpp"
#include "tests/lib/samples.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/raw_zmtp.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::discovery;
using namespace tidegate::mesh;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// The same bytes in every run.
std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

// Two peers that talk while somebody else misbehaves towards `a`.
struct Mesh {
  Mesh() { join({a.get(), b.get()}); }

  // Messages go both ways, each within a bound, and none is lost since the beginning.
  void check_exchange() {
    for (int i = 0; i < 20; ++i) {
      const auto text = std::to_string(++sent);
      CHECK(a->publish(topic("from/a"), text) == Publish::accepted);
      CHECK(b->publish(topic("from/b"), text) == Publish::accepted);
      REQUIRE(next_on(*b, topic("from/a")) == text);
      REQUIRE(next_on(*a, topic("from/b")) == text);
    }
    for (auto* peer : {a.get(), b.get()}) {
      const auto counters = peer->status().counters;
      CHECK(counters.missing == 0);
      CHECK(counters.duplicate == 0);
    }
  }

  // The exchange goes on while the nonsense comes.
  void check_exchange_during(Duration time, const std::function<void()>& nonsense) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      nonsense();
      check_exchange();
    }
  }

  // Others may succeed in saying something too.
  static std::string next_on(Peer& peer, const Topic& wanted) {
    for (;;) {
      const auto delivery = next_delivery(peer);
      if (!delivery) return "(nothing came)";
      if (delivery->message.topic == wanted) return delivery->message.payload;
    }
  }

  [[nodiscard]] Counters counters() const { return a->status().counters; }
  [[nodiscard]] std::string publish_endpoint() const { return tcp(a->status().publish_port); }
  [[nodiscard]] std::string direct_endpoint() const { return tcp(a->status().direct_port); }
  static std::string tcp(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

  Options options = private_mesh();
  std::unique_ptr<Peer> a = start(options, "a");
  std::unique_ptr<Peer> b = start(options, "b");
  int sent = 0;
};

void send_tcp(const io::Descriptor& socket, std::string_view bytes) {
  // The other end may have hung up already, which is its good right.
  (void)::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// A socket of ZeroMQ beside the mesh, closed without waiting for anybody.
class Stranger {
 public:
  Stranger(zmq::socket_type type, const std::string& endpoint) : socket_(context_, type) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.connect(endpoint);
  }

  void send(std::string_view bytes, bool more = false) {
    socket_.send(zmq::buffer(bytes), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }

  // The bytes that come within a bound; "" if none do.
  std::string receive() {
    socket_.set(zmq::sockopt::rcvtimeo, 5000);
    zmq::message_t message;
    return socket_.recv(message) ? message.to_string() : "";
  }

  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

Origin stranger() { return {{{0xEE}}, 1}; }

PeerInfo stranger_card(const std::string& mesh) {
  return {stranger(), mesh, "stranger", unused_port(), unused_port()};
}

// One of each kind that a peer may say where it dials, and on its stream.
std::vector<std::string> every_call(const std::string& mesh) {
  return {encode(Hello{stranger_card(mesh)}), encode(Ready{stranger(), stranger(), 1, 1}),
          encode(Listening{stranger(), stranger()}), encode(RetransmitRequest{stranger(), 1, 9}),
          encode(Probe{stranger(), stranger()})};
}
std::vector<std::string> every_publication() {
  const Message message{topic("some/topic"), "payload", tidegate::testing::place(1, 0x3000060),
                        std::nullopt};
  return {encode(Data{stranger(), 1, {message, message}}),
          encode(Heartbeat{stranger(), 2, 7, message.position})};
}

// Cut off, with bytes behind the end, and with a few bytes changed.
std::vector<std::string> mutations(const std::string& bytes, Random& random) {
  std::vector<std::string> all;
  for (std::size_t size = 0; size < bytes.size(); ++size) all.push_back(bytes.substr(0, size));
  all.push_back(bytes + "x");
  for (int i = 0; i < 200; ++i) {
    auto changed = bytes;
    const auto changes = 1 + random.below(3);
    for (std::uint64_t k = 0; k < changes; ++k) {
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    }
    all.push_back(std::move(changed));
  }
  return all;
}

std::string refusal_of(const std::string& answer) {
  const auto decoded = decode<AnswerFrame>(answer);
  const auto* frame = std::get_if<AnswerFrame>(&decoded);
  const auto* refusal = frame != nullptr ? std::get_if<Refusal>(frame) : nullptr;
  return refusal != nullptr ? refusal->reason : "(not a refusal)";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("random bytes on the ports and the beacon for 10 s disturb nobody") {
  Mesh mesh;
  Random random(1);
  auto beacon = Beacon::open({{"lo"}, mesh.options.beacon_port, default_beacon_group}).value();
  const auto status = mesh.a->status();
  // Every ZeroMQ connection begins with this; nonsense behind it gets further.
  const auto greeting = zmtp_greeting();
  mesh.check_exchange_during(10s, [&] {
    for (const auto port : {status.publish_port, status.direct_port}) {
      for (const bool send_hello : {false, true}) {
        const auto socket = connect_tcp(port);
        if (send_hello) send_tcp(socket, greeting);
        send_tcp(socket, random_bytes(random, random.below(5000)));
      }
    }
    for (int i = 0; i < 20; ++i) {
      const auto bytes = random_bytes(random, random.below(257));
      (void)beacon.send(std::as_bytes(std::span(bytes.data(), bytes.size())));
    }
  });
  CHECK(mesh.counters().malformed > 100);
  MESSAGE(mesh.counters().malformed, " malformed");
}

TEST_CASE("a ZeroMQ of the first protocol version is hung up on, and the peer lives on") {
  Mesh mesh;
  const auto socket = connect_tcp(mesh.a->status().direct_port);
  // An empty identity, then a frame; each begins with its length and a flag.
  send_tcp(socket, std::string_view("\x01\0\x06\0hello", 9));
  CHECK(eventually(5s, [&] {
    std::array<char, 64> answer{};
    return ::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT) == 0;
  }));
  CHECK(mesh.counters().malformed == 0);
  mesh.check_exchange();
}

TEST_CASE("an announcement that is broken anywhere disturbs nobody") {
  Mesh mesh;
  auto beacon = Beacon::open({{"lo"}, mesh.options.beacon_port, default_beacon_group}).value();
  const auto good = encode(
      Announcement{mesh.options.mesh, stranger(), unused_port(), unused_port(), false, true});
  const auto before = mesh.counters().malformed;
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto broken = good;
    broken.at(i) ^= std::byte{0x80};
    (void)beacon.send(broken);
    (void)beacon.send(std::span(good).first(i));
    if (i % 20 == 0) mesh.check_exchange();
  }
  CHECK(mesh.counters().malformed > before + 100);
}

TEST_CASE("frames of nonsense at the direct port are counted, and the mesh goes on") {
  Mesh mesh;
  Random random(2);
  Stranger dealer(zmq::socket_type::dealer, mesh.direct_endpoint());
  const auto before = mesh.counters();
  for (int i = 0; i < 500; ++i) dealer.send(random_bytes(random, random.below(300)));
  mesh.check_exchange();
  CHECK(eventually(5s, [&] { return mesh.counters().malformed > before.malformed + 400; }));
  for (const auto& frame : every_call(mesh.options.mesh)) {
    for (const auto& bytes : mutations(frame, random)) dealer.send(bytes);
    mesh.check_exchange();
  }
  CHECK(mesh.counters().malformed > before.malformed + 700);
  const auto unexpected = mesh.counters().unexpected;
  for (const auto& frame : every_publication()) dealer.send(frame);
  CHECK(eventually(5s, [&] { return mesh.counters().unexpected >= unexpected + 2; }));
}

TEST_CASE("a message of many parts is malformed, however many it has") {
  Mesh mesh;
  Stranger dealer(zmq::socket_type::dealer, mesh.direct_endpoint());
  const auto before = mesh.counters().malformed;
  const auto hello = encode(Hello{stranger_card(mesh.options.mesh)});
  // In all not so much that the connection would be ended.
  constexpr int count = 3;
  for (int i = 0; i < count; ++i) {
    for (int part = 0; part < 600; ++part) dealer.send(hello, true);
    dealer.send(hello);
    mesh.check_exchange();
  }
  CHECK(eventually(5s, [&] { return mesh.counters().malformed == before + count; }));
  CHECK(mesh.counters().floods == 0);
}

TEST_CASE("subscriptions and words that no peer sends up the publish port disturb nobody") {
  Mesh mesh;
  Random random(3);
  const auto before = mesh.counters();
  Stranger subscriber(zmq::socket_type::sub, mesh.publish_endpoint());
  for (int i = 0; i < 200; ++i) {
    subscriber.socket().set(zmq::sockopt::subscribe, random_bytes(random, 1 + random.below(100)));
  }
  mesh.check_exchange();
  CHECK(eventually(5s, [&] { return mesh.counters().malformed >= before.malformed + 150; }));
  const auto port = mesh.a->status().publish_port;
  mesh.check_exchange_during(2s, [&] {
    auto words = repeated(zmtp_frame("x"), 200);
    for (int i = 0; i < 10; ++i) words += zmtp_frame(random_bytes(random, random.below(300)));
    words += zmtp_frame("several", true) + zmtp_frame("parts");
    CHECK(RawZmtp(port, "SUB").send(words));
  });
}

TEST_CASE("another protocol version is refused, with the reason and the cure") {
  Mesh mesh;
  auto hello = encode(Hello{stranger_card(mesh.options.mesh)});
  // An array's head, the kind, the version.
  REQUIRE(hello[2] == static_cast<char>(protocol_version));
  hello[2] = 9;
  Stranger dealer(zmq::socket_type::dealer, mesh.direct_endpoint());
  const auto before = mesh.counters().refused;
  dealer.send(hello);
  CHECK(refusal_of(dealer.receive()) ==
        "this peer speaks protocol version 3, not 9; upgrade the older one");
  CHECK(mesh.counters().refused == before + 1);
  mesh.check_exchange();
}

TEST_CASE("another mesh is refused by its name") {
  Mesh mesh;
  Stranger dealer(zmq::socket_type::dealer, mesh.direct_endpoint());
  dealer.send(encode(Hello{stranger_card("elsewhere")}));
  CHECK(refusal_of(dealer.receive()) ==
        "this is mesh '" + mesh.options.mesh + "', not 'elsewhere'");
  CHECK(mesh.counters().refused == 1);
  mesh.check_exchange();
}

TEST_CASE("a stranger that joins and then publishes nonsense is heard of, and no more") {
  Mesh mesh;
  Random random(4);
  zmq::context_t context;
  zmq::socket_t publishing(context, zmq::socket_type::xpub);
  zmq::socket_t direct(context, zmq::socket_type::router);
  for (auto* socket : {&publishing, &direct}) socket->set(zmq::sockopt::linger, 0);
  auto info = stranger_card(mesh.options.mesh);
  publishing.bind(Mesh::tcp(info.publish_port));
  direct.bind(Mesh::tcp(info.direct_port));
  Stranger dealer(zmq::socket_type::dealer, mesh.direct_endpoint());
  dealer.send(encode(Hello{info}));
  // It is dialled back; its Welcome makes the peer subscribe.
  direct.set(zmq::sockopt::rcvtimeo, 5000);
  zmq::message_t route;
  zmq::message_t hello;
  REQUIRE(direct.recv(route));
  REQUIRE(direct.recv(hello));
  direct.send(route, zmq::send_flags::sndmore);
  direct.send(zmq::buffer(encode(Welcome{info})), zmq::send_flags::none);
  publishing.set(zmq::sockopt::rcvtimeo, 5000);
  zmq::message_t subscription;
  REQUIRE(publishing.recv(subscription));

  const auto before = mesh.counters();
  const auto publish = [&](std::string_view bytes) {
    publishing.send(zmq::buffer(std::string(stream_part::everyone).append(bytes)),
                    zmq::send_flags::none);
  };
  for (int i = 0; i < 500; ++i) publish(random_bytes(random, random.below(300)));
  for (const auto& frame : every_publication()) {
    for (const auto& bytes : mutations(frame, random)) publish(bytes);
    mesh.check_exchange();
  }
  CHECK(mesh.counters().malformed > before.malformed + 600);
  const auto unexpected = mesh.counters().unexpected;
  for (const auto& frame : every_call(mesh.options.mesh)) publish(frame);
  CHECK(eventually(5s, [&] { return mesh.counters().unexpected >= unexpected + 5; }));
  // Sequences at the end of their range, and one beyond.
  constexpr auto last = std::numeric_limits<std::uint64_t>::max() / 2;
  const Message message{topic("t"), "last", std::nullopt};
  dealer.send(encode(Ready{info.origin, mesh.a->status().origin, last, last}));
  for (const auto sequence : {last, last + 1}) {
    publish(encode(Data{info.origin, sequence, {message, message}}));
    publish(encode(Heartbeat{info.origin, last, sequence, std::nullopt}));
  }
  publish(encode(Farewell{info.origin, last}));
  mesh.check_exchange();
}

TEST_CASE("hundreds of invented peers that announce themselves disturb nobody") {
  Mesh mesh;
  auto beacon = Beacon::open({{"lo"}, mesh.options.beacon_port, default_beacon_group}).value();
  const auto port = unused_port();
  for (std::uint64_t i = 0; i < 300; ++i) {
    Origin origin{{}, i + 1};
    std::memcpy(origin.peer.bytes.data(), &i, sizeof i);
    (void)beacon.send(encode(Announcement{mesh.options.mesh, origin, port, port, false, true}));
    if (i % 50 == 0) mesh.check_exchange();
  }
  mesh.check_exchange();
  CHECK(mesh.a->status().peers.size() > 200);
}

TEST_CASE("a topic that is too long can't be made, and a payload that is too large is refused") {
  Mesh mesh;
  const auto long_topic = Topic::of({std::string(5000, 't')});
  REQUIRE_FALSE(long_topic.ok());
  CHECK(contains(long_topic.error().message, "4096"));
  CHECK(mesh.a->publish(topic("t"), std::string((1U << 20U) + 1, 'x')) ==
        Publish::payload_too_large);
  CHECK(mesh.a->publish(topic("t"), std::string(1U << 20U, 'x')) == Publish::accepted);
  CHECK(next_payload(*mesh.b).size() == 1U << 20U);
  mesh.check_exchange();
}

TEST_CASE(
    "a connection string that can't be read is refused in libpq's words, without a password") {
  auto options = private_mesh();
  options.database = "host=localhost colour=blue";
  auto refused = Peer::start(options);
  REQUIRE_FALSE(refused.ok());
  CHECK(contains(refused.error().message, "database: "));
  CHECK(contains(refused.error().message, "invalid connection option \"colour\""));
  options.database.reset();
  options.primary = "host=localhost password=hush colour=blue";
  refused = Peer::start(options);
  REQUIRE_FALSE(refused.ok());
  CHECK(contains(refused.error().message, "primary: "));
  CHECK_FALSE(contains(refused.error().message, "hush"));
}

TEST_CASE(
    "a role without REPLICATION serves, and the notice names the missing guarantee and the cure") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  cluster.primary().execute("CREATE ROLE plain LOGIN; CREATE TABLE t (i int)");
  REQUIRE(eventually(10s, [&] {
    return replica.value("SELECT count(*) FROM pg_class WHERE relname = 't'") == "1";
  }));
  auto mesh = private_mesh();
  auto writer = start_on(cluster.primary(), mesh, "writer");
  mesh.database = replica.connection_string("user=plain");
  auto reader = start(mesh, "reader");
  const auto up = next_notice<ServerUp>(*reader);
  REQUIRE(up);
  CHECK(contains(up->degraded, "ALTER ROLE plain REPLICATION"));
  join({writer.get(), reader.get()});
  cluster.primary().execute("INSERT INTO t VALUES (1)");
  CHECK(writer->publish(topic("t"), "1", AfterCommit{}) == Publish::accepted);
  CHECK(next_payload(*reader) == "1");
  CHECK(replica.value("SELECT count(*) FROM t") == "1");
}
