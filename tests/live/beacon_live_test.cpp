// Beacons on the loopback interface, in one process and in several.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "command/health/loopback_probe.hpp"
#include "discovery/beacon.hpp"
#include "lib/base/random.hpp"
#include "lib/mesh/announcement.hpp"
#include "peer/io/descriptor.hpp"
#include "support/eventually.hpp"
#include "tests/live/beacon_speaker.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::discovery;
using namespace tidegate::io;
using namespace tidegate::mesh;
using namespace std::chrono_literals;
using support::eventually;
using testing::BeaconSpeaker;

namespace {

// On `lo`; at a free port of its own, or where another one is.
Beacon open_on_lo(std::uint16_t port = 0) {
  auto beacon = Beacon::open({.interfaces = {"lo"}, .port = port});
  REQUIRE_MESSAGE(beacon.ok(), (beacon.ok() ? "" : beacon.error().message));
  return std::move(*beacon);
}

std::string refusal(const BeaconOptions& options) {
  const auto beacon = Beacon::open(options);
  REQUIRE_FALSE(beacon.ok());
  return beacon.error().message;
}

Announcement announcement_of(std::uint64_t number) {
  Announcement announcement;
  announcement.mesh = "live";
  announcement.origin.incarnation = number;
  announcement.publish_port = 1;
  announcement.direct_port = 2;
  return announcement;
}

// A datagram to one address and not to everybody.
void send_unicast(std::uint16_t port, std::string_view text) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(sendto(socket.get(), text.data(), text.size(), 0,
                 reinterpret_cast<const sockaddr*>(&address), sizeof address) > 0);
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

TEST_CASE("beacons that share a host and a port hear each other and themselves, both ways") {
  std::vector<Beacon> beacons;
  beacons.push_back(open_on_lo());
  while (beacons.size() < 4) beacons.push_back(open_on_lo(beacons.front().port()));
  std::set<std::tuple<std::size_t, std::uint64_t, BeaconPath>> heard;  // by whom, whom, how

  for (std::size_t i = 0; i < beacons.size(); ++i) {
    CHECK(beacons[i].send(encode(announcement_of(i))).empty());
  }
  CHECK(eventually(2s, [&] {
    for (std::size_t i = 0; i < beacons.size(); ++i) {
      while (const auto datagram = beacons[i].receive()) {
        CHECK(to_string(datagram->source) == "127.0.0.1");
        CHECK(datagram->interface == "lo");
        const auto decoded = decode_announcement(datagram->bytes());
        const auto* announcement = std::get_if<Announcement>(&decoded);
        REQUIRE(announcement != nullptr);
        // Nobody is heard twice in the same way; a beacon knows its own by the origin.
        CHECK(heard.emplace(i, announcement->origin.incarnation, datagram->path).second);
      }
    }
    return heard.size() == std::size_t{4} * 4 * 2;
  }));
}

TEST_CASE("peers in processes of their own hear each other soon after their start") {
  constexpr int peers = 6;
  const auto port = open_on_lo().port();
  std::vector<std::unique_ptr<BeaconSpeaker>> speakers;
  speakers.reserve(peers);
  for (int i = 0; i < peers; ++i) {
    speakers.push_back(std::make_unique<BeaconSpeaker>(i, "lo", port));
  }
  std::vector<Duration> times;
  for (auto& hearer : speakers) {
    for (const auto& peer : speakers) {
      if (peer == hearer) continue;
      for (const auto* path : {"multicast", "broadcast"}) {
        const auto at = hearer->heard(peer->number(), path, 5s);
        REQUIRE(at.has_value());
        times.push_back(*at - std::max(hearer->opened(), peer->opened()));
      }
    }
  }
  std::sort(times.begin(), times.end());
  MESSAGE("from the start of the later one to heard: median "
          << milliseconds(times[times.size() / 2]) << " ms, at most " << milliseconds(times.back())
          << " ms");
  CHECK(times.back() < 1500ms);

  speakers.front()->leave();
  CHECK(speakers.back()->said("left 0 ", 5s));
}

TEST_CASE("a second of garbage neither stops a peer nor hides the others") {
  auto shouter = open_on_lo();
  BeaconSpeaker early(1, "lo", shouter.port());
  BeaconSpeaker hearer(2, "lo", shouter.port());
  Random random(1);
  std::vector<std::byte> garbage;
  long sent = 0;
  const auto end = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < end) {
    garbage.resize(random.below(Datagram::max_size + 1));
    for (auto& byte : garbage) byte = static_cast<std::byte>(random.below(256));
    shouter.send(garbage);
    while (shouter.receive()) {
    }
    ++sent;
  }
  MESSAGE(sent << " datagrams of garbage, each both ways");
  CHECK(hearer.said("garbage ", 5s));
  const auto quiet = testing::read_steady_clock();
  BeaconSpeaker late(3, "lo", shouter.port());
  for (const auto* path : {"multicast", "broadcast"}) {
    CHECK(hearer.heard(1, path, 5s, quiet).has_value());
    CHECK(hearer.heard(3, path, 5s).has_value());
    CHECK(late.heard(2, path, 5s).has_value());
  }
}

TEST_CASE("a datagram to one host alone does not count") {
  auto beacon = open_on_lo();
  for (int i = 0; i < 100; ++i) send_unicast(beacon.port(), "alone");
  // Nor does one call deal with any number of them.
  CHECK_FALSE(beacon.receive().has_value());
  CHECK(beacon.ignored() == 64);
  CHECK_FALSE(beacon.receive().has_value());
  CHECK(beacon.ignored() == 100);
}

TEST_CASE("a datagram that is too large does not count, the largest and an empty one do") {
  auto beacon = open_on_lo();
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(beacon.port());
  address.sin_addr.s_addr = htonl(0x7FFFFFFF);
  const std::vector<char> content(Datagram::max_size + 1);
  for (const auto size : {content.size(), content.size() - 1, std::size_t{0}}) {
    REQUIRE(sendto(socket.get(), content.data(), size, 0,
                   reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0);
  }
  std::vector<std::size_t> sizes;
  CHECK(eventually(2s, [&] {
    while (const auto datagram = beacon.receive()) sizes.push_back(datagram->size);
    return sizes.size() == 2;
  }));
  CHECK(sizes == std::vector<std::size_t>{Datagram::max_size, 0});
  CHECK(beacon.ignored() == 1);
}

TEST_CASE("receiving never blocks, and a child process does not inherit the socket") {
  auto beacon = open_on_lo();
  REQUIRE((fcntl(beacon.descriptor(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK_FALSE(beacon.receive().has_value());
  CHECK((fcntl(beacon.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("no router passes an announcement on") {
  const auto beacon = open_on_lo();
  for (const int option : {IP_TTL, IP_MULTICAST_TTL}) {
    int ttl = 0;
    socklen_t size = sizeof ttl;
    REQUIRE(getsockopt(beacon.descriptor(), IPPROTO_IP, option, &ttl, &size) == 0);
    CHECK(ttl == 1);
  }
}

TEST_CASE("a beacon knows its interfaces") {
  const auto beacon = open_on_lo();
  const auto interfaces = beacon.interfaces();
  REQUIRE(interfaces.size() == 1);
  const auto& lo = interfaces.front();
  CHECK(lo.name == "lo");
  CHECK(lo.index > 0);
  CHECK(lo.up);
  CHECK(lo.loopback);
  CHECK(lo.multicast);
  CHECK(to_string(lo.address.value()) == "127.0.0.1");
  CHECK(to_string(lo.broadcast.value()) == "127.255.255.255");
}

TEST_CASE("a beacon that can't be opened says everything that is wrong") {
  const auto text = refusal({.interfaces = {"lo", "nic7", "lo", "nic8"}, .port = 0});
  CAPTURE(text);
  CHECK(text.find("interface 'nic7' does not exist; usable are: lo (127.0.0.1)") == 0);
  CHECK(text.find("; interface 'lo' is named twice; name it once") != text.npos);
  CHECK(text.find("; interface 'nic8' does not exist") != text.npos);

  CHECK(refusal({.interfaces = {}}) ==
        "the beacon has no interface; name at least one, such as 'lo'");
  CHECK(refusal({.interfaces = {"lo"}, .port = 0, .group = Ipv4{0x7F000001}}) ==
        "the beacon's group 127.0.0.1 is not a multicast address; take one from 239.255.0.0 on");
}

TEST_CASE("a port that a program does not share is an error that says so") {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(socket.get(), generic, size) == 0);
  REQUIRE(getsockname(socket.get(), generic, &size) == 0);
  CHECK(refusal({.interfaces = {"lo"}, .port = ntohs(address.sin_port)})
            .find("a program that does not share it has it") != std::string::npos);
}

TEST_CASE("this host hears its own multicast and broadcast on the loopback interface") {
  const auto start = std::chrono::steady_clock::now();
  const auto hearing = health::probe_loopback("lo", 2s);
  REQUIRE(hearing.ok());
  CHECK(hearing->multicast);
  CHECK(hearing->broadcast);
  CHECK(hearing->trouble.empty());
  CHECK(std::chrono::steady_clock::now() - start < 1s);
  CHECK_FALSE(health::probe_loopback("nic7", 2s).ok());

  const auto too_short = health::probe_loopback("lo", 0s);
  REQUIRE(too_short.ok());
  CHECK_FALSE(too_short->multicast);
  CHECK_FALSE(too_short->broadcast);
}
