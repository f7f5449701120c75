// Strangers on the network of a mesh with a key: they learn nothing, nobody listens to them, and
// the members hardly notice them.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <zmq.hpp>

#include "discovery/beacon.hpp"
#include "discovery/beacon_seal.hpp"
#include "lib/base/random.hpp"
#include "lib/keys/keyring.hpp"
#include "lib/keys/mesh_key.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "support/eventually.hpp"
#include "tests/live/host_peer.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/process_memory.hpp"
#include "tests/support/raw_zmtp.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using support::eventually;

namespace {

constexpr const char* left_address = "10.17.88.1";
constexpr std::size_t most_grown = std::size_t{20} << 20U;

// Two members on two hosts, and strangers beside the right one.
struct Net {
  explicit Net(const Hosts& its_hosts) : hosts(its_hosts) {
    REQUIRE(left.says("\"peer_ready\"", 20s));
    REQUIRE(right.says("\"peer_ready\"", 20s));
    const auto now = status();
    publish_port = now["publish_port"];
    direct_port = now["direct_port"];
  }

  [[nodiscard]] json status() const { return json::parse(left.ask({"status", "--json"}).output); }
  [[nodiscard]] std::uint64_t strangers() const { return status()["counters"]["strangers"]; }

  // From the left one to the right one: the median of some ways.
  Duration median_way() {
    std::vector<Duration> ways;
    for (int i = 0; i < 200; ++i) {
      const auto payload = "number-" + std::to_string(++sent);
      const auto begin = std::chrono::steady_clock::now();
      left.say(R"({"topic":"t","payload":")" + payload + "\"}");
      REQUIRE(right.says("\"" + payload + "\"", 10s));
      ways.push_back(std::chrono::steady_clock::now() - begin);
      std::this_thread::sleep_for(5ms);
    }
    std::nth_element(ways.begin(), ways.begin() + 100, ways.end());
    return ways[100];
  }

  // The same while strangers do this, which they repeat until it is over.
  Duration median_way_during(const std::function<void()>& nonsense) {
    std::atomic<bool> over = false;
    std::thread stranger([&] {
      hosts.right.enter();
      while (!over) nonsense();
    });
    struct Join {
      std::atomic<bool>& over;
      std::thread& thread;
      ~Join() {
        over = true;
        thread.join();
      }
    };
    const Join join{over, stranger};
    return median_way();
  }

  void stranger(const std::function<void()>& does) const {
    std::thread thread([&] {
      hosts.right.enter();
      does();
    });
    thread.join();
  }

  const Hosts& hosts;
  HostPeer left{hosts.left, "cable0", "left"};
  HostPeer right{hosts.right, "cable1", "right"};
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  int sent = 0;
};

keys::MeshKeys mesh_keys() { return {keys::parse_keys(sample_key).value().front(), "default"}; }

keys::CurveKeys wrong_keys() {
  keys::Secret secret;
  secret.buffer()[3] = 5;
  return keys::CurveKeys(secret);
}

// Those who do not know the server's key are turned away; so many at a time.
void false_handshakes(const Net& net, int count) {
  const auto hello = zmtp_false_hello();
  std::vector<io::Descriptor> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back(connect_tcp(i % 2 == 0 ? net.direct_port : net.publish_port, left_address));
    (void)::send(sockets.back().get(), hello.data(), hello.size(), MSG_NOSIGNAL);
  }
  std::array<char, 256> answer{};
  for (const auto& socket : sockets) {
    while (::recv(socket.get(), answer.data(), answer.size(), 0) > 0) {
    }
  }
}

// One who knows it, and has another key than members.
void handshakes_with_wrong_key(std::uint16_t port, int times) {
  zmq::context_t context;
  const auto own = wrong_keys();
  for (int i = 0; i < times; ++i) {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(mesh_keys().direct.open));
    socket.set(zmq::sockopt::curve_publickey, zmq::buffer(own.open));
    socket.set(zmq::sockopt::curve_secretkey,
               zmq::buffer(own.secret.bytes().data(), keys::Secret::size));
    socket.connect("tcp://" + std::string(left_address) + ":" + std::to_string(port));
    socket.send(zmq::str_buffer("nonsense"));
    std::this_thread::sleep_for(20ms);
  }
}

std::string random_bytes(base::Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

std::string mutated(std::string bytes, base::Random& random) {
  for (int i = 0; i < 3; ++i) {
    bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
  }
  return bytes;
}

mesh::PeerInfo made_up() { return {{{{0xEE}}, 1}, "default", "stranger", 20'001, 20'002}; }

// Random and mutated frames, so many for each connection.
void nonsense_frames(const Net& net, base::Random& random, int count) {
  const std::vector<std::string> samples = {
      encode(mesh::Hello{made_up()}),
      encode(mesh::RetransmitRequest{made_up().origin, 1, 9}),
      encode(mesh::Heartbeat{made_up().origin, 2, 7, std::nullopt}),
  };
  constexpr int each = 200;
  for (int sent = 0; sent < count; sent += each) {
    const bool direct = random.below(2) == 0;
    RawZmtp client(connect_tcp(direct ? net.direct_port : net.publish_port, left_address),
                   direct ? "DEALER" : "SUB");
    std::string frames;
    for (int i = 0; i < each; ++i) {
      const auto bytes = random.below(2) == 0 ? random_bytes(random, random.below(200))
                                              : mutated(samples[random.below(3)], random);
      frames += zmtp_frame(bytes);
    }
    (void)client.send(frames);
  }
}

// Each goes two ways.
void nonsense_beacons(base::Random& random, int count) {
  auto beacon = discovery::Beacon::open(
      {{"cable1"}, discovery::default_beacon_port, discovery::default_beacon_group});
  if (!beacon) return;
  const keys::Keyring keyring({keys::parse_keys(sample_key).value().front()}, "default");
  // There it listens, with another key.
  zmq::context_t context;
  zmq::socket_t direct(context, zmq::socket_type::router);
  direct.set(zmq::sockopt::linger, 0);
  direct.set(zmq::sockopt::curve_server, true);
  direct.set(zmq::sockopt::curve_secretkey,
             zmq::buffer(wrong_keys().secret.bytes().data(), keys::Secret::size));
  direct.bind("tcp://10.17.88.2:20002");
  std::uint64_t counter = 0;
  for (int i = 0; i < count; ++i) {
    auto bytes = encode(
        mesh::Announcement{"default", made_up().origin, 20'001, 20'002, false, true, ++counter});
    const auto kind = random.below(3);
    if (kind == 0) discovery::seal(bytes, keyring);  // the MAC is right
    auto text = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (kind == 1) text = mutated(text, random);
    if (kind == 2) text = random_bytes(random, random.below(257));
    (void)beacon->send(std::as_bytes(std::span(text.data(), text.size())));
  }
  zmq::message_t heard;
  CHECK_FALSE(direct.recv(heard, zmq::recv_flags::dontwait));
}

}  // namespace

namespace {

// Messages take less than twice as long while strangers shake hands 300 times a second.
bool hardly_slower(Net& net, std::atomic<int>& refused) {
  const auto quiet = net.median_way();
  const auto begin = std::chrono::steady_clock::now();
  const auto before = refused.load();
  auto next = begin;
  const auto paced = net.median_way_during([&] {
    next = std::max(next + 6'666us, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next);
    false_handshakes(net, 2);
    refused += 2;
  });
  const auto seconds = milliseconds(std::chrono::steady_clock::now() - begin) / 1000;
  MESSAGE("the median way takes ", milliseconds(quiet), " ms, and ", milliseconds(paced),
          " ms with ", (refused - before) / seconds, " handshakes a second");
  return paced < 2 * quiet;
}

}  // namespace

TEST_CASE("strangers join nothing and are not listened to; each is counted and costs little" *
          long_test) {
  const auto hosts = make_hosts();
  if (!hosts || ::geteuid() != 0) return;
  Net net(*hosts);
  const MemoryWatch memory(net.left.pid());
  const auto before = net.strangers();
  std::atomic<int> refused = 0;
  // Others may use the processors now and then, which no stranger has done.
  for (int attempt = 0; !hardly_slower(net, refused); ++attempt) REQUIRE(attempt < 3);
  const auto at_paced = refused.load();
  const auto full = net.median_way_during([&] {
    false_handshakes(net, 32);
    refused += 32;
  });
  MESSAGE("the median way takes ", milliseconds(full), " ms with ", refused - at_paced,
          " handshakes at full rate");

  constexpr int with_wrong_key = 20;
  constexpr int frames = 100'000;
  constexpr int beacons = 50'000;
  base::Random random(1);
  net.stranger([&] {
    handshakes_with_wrong_key(net.direct_port, with_wrong_key);
    nonsense_frames(net, random, frames);
  });
  const auto expected = static_cast<std::uint64_t>(refused) + with_wrong_key + frames / 200;
  CHECK(eventually(10s, [&] { return net.strangers() >= before + expected; }));
  const auto at_handshakes = net.strangers();
  net.stranger([&] { nonsense_beacons(random, beacons); });
  CHECK(eventually(10s, [&] { return net.strangers() >= at_handshakes + 100; }));

  const auto still = net.median_way();
  const auto status = net.status();
  CHECK(status["counters"]["delivered"] == 0);
  CHECK(std::count_if(status["peers"].begin(), status["peers"].end(),
                      [](const json& peer) { return peer["state"] == "ready"; }) == 1);
  const auto grown = memory.grown();
  MESSAGE("memory grew by ", grown / 1024, " KiB; afterwards the median way is ",
          milliseconds(still), " ms; of ", expected, " refused connections ",
          at_handshakes - before, " were counted, of beacons ", net.strangers() - at_handshakes);
  CHECK(grown < memory_bound(most_grown));
}

namespace {

// All that goes over an interface since it was made.
class Capture {
 public:
  Capture(const NetworkNamespace& host, const char* interface) {
    std::thread([&] {
      host.enter();
      socket_ = io::Descriptor(
          ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)));
      const int size = 16 << 20;
      (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
      sockaddr_ll address{};
      address.sll_family = AF_PACKET;
      address.sll_protocol = htons(ETH_P_ALL);
      address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
      (void)::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }).join();
  }

  [[nodiscard]] bool shows(const std::string& text) {
    std::array<char, 65'536> packet{};
    for (ssize_t size = 0; (size = ::recv(socket_.get(), packet.data(), packet.size(), 0)) > 0;) {
      seen_.append(packet.data(), static_cast<std::size_t>(size));
    }
    return seen_.find(text) != std::string::npos;
  }

 private:
  io::Descriptor socket_;
  std::string seen_;
};

}  // namespace

TEST_CASE("the wire between two members shows neither topics nor payloads, with a key") {
  for (const bool keyed : {false, true}) {
    CAPTURE(keyed);
    const auto hosts = make_hosts();
    if (!hosts || ::geteuid() != 0) return;
    Capture capture(hosts->left, "cable0");
    HostPeer left(hosts->left, "cable0", "left", {}, keyed);
    HostPeer right(hosts->right, "cable1", "right", {}, keyed);
    REQUIRE(left.says("\"peer_ready\"", 20s));
    REQUIRE(right.says("\"peer_ready\"", 20s));
    left.say(R"({"topic":"a-topic-to-keep","payload":"a-payload-to-keep"})");
    REQUIRE(right.says("a-payload-to-keep", 10s));
    CHECK(capture.shows("a-topic-to-keep") == !keyed);
    CHECK(capture.shows("a-payload-to-keep") == !keyed);
    CHECK(capture.shows("tidegate"));  // the beacon
  }
}
