// Beacons and peers of two hosts.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/live/beacon_speaker.hpp"
#include "tests/live/host_peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t port = 17880;  // nobody else is in these namespaces
const std::vector<std::string> paths = {"multicast", "broadcast"};

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Both hear each other both ways, after `after`; tells the longest time since then.
void check_both_hear(BeaconSpeaker& left, BeaconSpeaker& right, Instant after, Duration bound,
                     const std::string& what) {
  Duration longest{};
  for (auto* hearer : {&left, &right}) {
    const auto& peer = hearer == &left ? right : left;
    for (const auto& path : paths) {
      const auto at = hearer->heard(peer.number(), path, bound + 2s, after);
      CAPTURE(path);
      CAPTURE(hearer->number());
      REQUIRE(at.has_value());
      CHECK(*at - after < bound);
      longest = std::max(longest, *at - after);
    }
  }
  MESSAGE(what << ": both heard both ways after " << milliseconds(longest) << " ms");
}

}  // namespace

TEST_CASE("a peer on another host is ready within 1.5 s of its start, and hears the first") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  HostPeer left(hosts->left, "cable0", "left");
  HostPeer right(hosts->right, "cable1", "right");
  const auto ready = right.says("\"peer_ready\"", 10s);
  REQUIRE(ready);
  MESSAGE("ready after " << milliseconds(*ready) << " ms");
  CHECK(*ready < 1500ms);
  REQUIRE(left.says("\"peer_ready\"", 10s));
  left.say(R"({"topic":"across/the/cable","payload":"hello"})");
  CHECK(right.says(R"("topic":["across","the","cable"],"payload":"hello")", 10s));
}

// The other's end of the connection was given up, without a word that came through, while ours,
// which only reads, seemed to be in order for ever: so the peer listened to nobody.
TEST_CASE("a peer whose packets were lost for some seconds hears the others again") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  // With other peers beside them, which vouch, none would be gone either.
  const std::vector<std::string> patient = {"--gone-after", "10min"};
  HostPeer left(hosts->left, "cable0", "left", patient);
  HostPeer right(hosts->right, "cable1", "right", patient);
  REQUIRE(right.says("\"peer_ready\"", 10s));
  REQUIRE(left.says("\"peer_ready\"", 10s));
  hosts->left.run("tc qdisc replace dev cable0 root blackhole");
  // Longer than unacknowledged bytes are waited for.
  CHECK_FALSE(left.says("nobody says this", 13s));
  hosts->left.run("tc qdisc delete dev cable0 root");
  right.say(R"({"topic":"across/the/cable","payload":"again"})");
  CHECK(left.says(R"("payload":"again")", 30s));
}

TEST_CASE("two hosts hear each other within 1.5 s, and again after their cable was cut") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  BeaconSpeaker left(1, "cable0", port, hosts->left.prefix());
  BeaconSpeaker right(2, "cable1", port, hosts->right.prefix());
  check_both_hear(left, right, right.opened(), 1500ms, "started");
  CHECK(left.said("heard 2 multicast 10.17.88.2 ", 0s));
  CHECK(left.said("heard 2 broadcast 10.17.88.2 ", 0s));

  hosts->left.run("ip link set cable0 down");
  CHECK(left.said("trouble interface 'cable0' is down; usable are: lo (127.0.0.1)", 10s));
  hosts->left.run("ip link set cable0 up");
  const auto up = read_steady_clock();
  CHECK(left.said("works", 10s));
  // Its next turn comes within 1.2 s at the quick pace.
  check_both_hear(left, right, up, 1500ms, "link up again");
  CHECK(left.times_said("trouble ") == 1);
  CHECK(left.times_said("works") == 1);
  CHECK(right.times_said("trouble ") == 0);
}

TEST_CASE("an interface that was removed and made again is joined again") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  BeaconSpeaker left(1, "cable0", port, hosts->left.prefix());
  BeaconSpeaker right(2, "cable1", port, hosts->right.prefix());
  check_both_hear(left, right, right.opened(), 1500ms, "started");

  hosts->left.run("ip link delete cable0");
  CHECK(left.said("trouble interface 'cable0' does not exist", 10s));
  CHECK(right.said("trouble interface 'cable1' does not exist", 10s));
  hosts->connect();
  const auto back = read_steady_clock();
  check_both_hear(left, right, back, 3s, "made again");
  for (const auto* speaker : {&left, &right}) {
    // Once each, however many announcements failed meanwhile.
    CHECK(speaker->times_said("trouble interface 'cable" + std::to_string(speaker->number() - 1) +
                              "' does not exist") == 1);
    CHECK(speaker->times_said("works") == 1);
  }
}

TEST_CASE("a new address is taken at the next announcement") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  BeaconSpeaker left(1, "cable0", port, hosts->left.prefix());
  BeaconSpeaker right(2, "cable1", port, hosts->right.prefix());
  check_both_hear(left, right, right.opened(), 1500ms, "started");
  hosts->left.run(
      "ip address delete 10.17.88.1/24 dev cable0;"
      "ip address add 10.17.88.9/24 broadcast + dev cable0");
  CHECK(right.said("heard 1 multicast 10.17.88.9 ", 3s));
  CHECK(right.said("heard 1 broadcast 10.17.88.9 ", 3s));
}

TEST_CASE("peers of one host hear each other on its network interface too") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  BeaconSpeaker one(1, "cable0", port, hosts->left.prefix());
  BeaconSpeaker other(2, "cable0", port, hosts->left.prefix());
  check_both_hear(one, other, other.opened(), 1500ms, "on one host");
}

TEST_CASE("a datagram on an interface that was not chosen does not count") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  BeaconSpeaker inside(1, "lo", port, hosts->left.prefix());
  BeaconSpeaker left(2, "cable0", port, hosts->left.prefix());
  BeaconSpeaker right(3, "cable1", port, hosts->right.prefix());
  for (const auto& path : paths) CHECK(left.heard(3, path, 5s).has_value());
  CHECK(inside.said("own 1 broadcast 127.0.0.1 ", 5s));
  CHECK(inside.said("own 1 multicast 127.0.0.1 ", 5s));
  // The peer's next announcements are some time later, then all earlier ones have arrived.
  const auto now = read_steady_clock();
  for (const auto& path : paths) CHECK(left.heard(3, path, 5s, now).has_value());
  CHECK_FALSE(inside.said("heard ", 100ms));
  CHECK_FALSE(left.said("heard 1 ", 100ms));
}
