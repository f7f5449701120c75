// Names of hosts that nobody resolves, or that have several addresses, in --database and --seeds of
// peers as their users start them.
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/live/host_peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// A host whose only name server never says a word, and whose /etc/hosts has these lines.
class HostWithoutNames {
 public:
  explicit HostWithoutNames(const std::string& hosts = "") : directory_("names") {
    host_.run(
        "ip link add silent0 type veth peer name silent1 && ip link set silent0 up &&"
        " ip link set silent1 up && ip address add 192.0.2.1/24 dev silent0 &&"
        " ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:01 dev silent0");
    write("resolv.conf", "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n");
    write("hosts", "127.0.0.1 localhost\n" + hosts);
    write("nsswitch.conf", "hosts: files dns\n");
  }

  [[nodiscard]] std::vector<std::string> prefix() const {
    auto prefix = host_.prefix();
    const auto bind = [&](const std::string& file) {
      return "mount --bind " + (directory_.path() / file).string() + " /etc/" + file + " && ";
    };
    prefix.insert(prefix.end(), {"unshare", "--mount", "sh", "-c",
                                 bind("resolv.conf") + bind("hosts") + bind("nsswitch.conf") +
                                     "exec \"$0\" \"$@\""});
    return prefix;
  }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(directory_.path() / file) << text;
  }

 private:
  NetworkNamespace host_;
  support::TemporaryDirectory directory_;
};

// Every message of the one reaches the other while it waits for a name server: all the time.
int messages_heard(HostPeer& speaker, HostPeer& hearer, int count) {
  REQUIRE(speaker.says("\"peer_ready\"", 20s));
  REQUIRE(hearer.says("\"peer_ready\"", 20s));
  int heard = 0;
  for (int i = 0; i < count; ++i) {
    const auto payload = "\"m" + std::to_string(i) + "\"";
    speaker.say(R"({"topic":"a/b","payload":)" + payload + "}");
    if (hearer.says("\"payload\":" + payload, 5s)) ++heard;
    std::this_thread::sleep_for(50ms);
  }
  return heard;
}

}  // namespace

// The loop sat in getaddrinfo, and the others declared the peer gone: 0 of 388.
TEST_CASE("a peer whose database has a name that nobody resolves stays in the mesh") {
  const auto host = make_network<HostWithoutNames>();
  if (!host) return;
  HostPeer speaker(host->prefix(), "lo", "speaker");
  HostPeer hearer(host->prefix(), "lo", "hearer",
                  {"--database", "host=db.example,other.example dbname=x user=x connect_timeout=2",
                   "--primary", "postgresql://x@primary.example/x"});
  CHECK(messages_heard(speaker, hearer, 300) == 300);
}

// libzmq's only I/O thread sat in getaddrinfo: 0 of 389, and not a word.
TEST_CASE("a peer whose seed has a name that nobody resolves stays in the mesh") {
  const auto host = make_network<HostWithoutNames>();
  if (!host) return;
  HostPeer speaker(host->prefix(), "lo", "speaker");
  HostPeer hearer(host->prefix(), "lo", "hearer", {"--seeds", "app-b.example:17901"});
  CHECK(messages_heard(speaker, hearer, 300) == 300);
}

TEST_CASE("a peer that waits for a name server ends at once when it is told to") {
  const auto host = make_network<HostWithoutNames>();
  if (!host) return;
  HostPeer peer(host->prefix(), "lo", "peer",
                {"--database", "host=db.example dbname=x user=x connect_timeout=2", "--seeds",
                 "app.example:17901"});
  REQUIRE(peer.says("can't be resolved", 10s));
  CHECK(peer.ends_within(2s));
}

// Beacons on ports of their own: the peers meet by the seed alone.
TEST_CASE("IPv6 seeds, names with two families, and names with a dead address lead to the peer") {
  const auto host = make_network<HostWithoutNames>(
      "127.0.0.1 both\n::1 both\n127.0.0.9 dead\n"
      "127.0.0.1 dead\n::1 six\n");
  if (!host) return;
  HostPeer first(host->prefix(), "lo", "first", {"--first-port", "17901", "--last-port", "17910"});
  for (const std::string seed : {"[::1]:17902", "six:17902", "both:17902", "dead:17902"}) {
    CAPTURE(seed);
    HostPeer second(host->prefix(), "lo", "second",
                    {"--seeds", seed, "--beacon-port", "17999", "--first-port", "17911",
                     "--last-port", "17920"});
    CHECK(second.says("\"peer_ready\"", 10s));
    CHECK(first.says("\"peer_ready\"", 10s));
    second.say(R"({"topic":"a/b","payload":")" + seed + "\"}");
    CHECK(first.says("\"payload\":\"" + seed + "\"", 10s));
  }
}

TEST_CASE("a name with several peers behind it reaches them all") {
  const auto network = make_hosts();
  if (!network) return;
  const NetworkNamespace third(&network->left);
  network->left.run("ip link add cable2 type veth peer name cable3 netns " +
                    std::to_string(third.pid()));
  third.run("ip address add 10.17.89.2/24 broadcast + dev cable3 && ip link set cable3 up");
  network->left.run("ip address add 10.17.89.1/24 broadcast + dev cable2 && ip link set cable2 up");
  support::TemporaryDirectory directory("names");
  const auto hosts = (directory.path() / "hosts").string();
  std::ofstream(hosts) << "10.17.88.1 apps\n10.17.88.2 apps\n10.17.89.2 apps\n";
  auto prefix = network->left.prefix();
  prefix.insert(prefix.end(), {"unshare", "--mount", "sh", "-c",
                               "mount --bind " + hosts + " /etc/hosts && exec \"$0\" \"$@\""});
  HostPeer one(network->right, "cable1", "one", {"--beacon-port", "17991"});
  HostPeer two(third, "cable3", "two", {"--beacon-port", "17992"});
  HostPeer seeded(prefix, "cable0", "seeded",
                  {"--interfaces", "cable2", "--beacon-port", "17993", "--seeds", "apps:17901"});
  CHECK(seeded.says("\"peer_ready\"", 10s));
  CHECK(seeded.says("\"peer_ready\"", 10s));
  CHECK(one.says("\"peer_ready\"", 10s));
  CHECK(two.says("\"peer_ready\"", 10s));
}
