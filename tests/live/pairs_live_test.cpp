// `tidegate doctor --pairs` on a switched network of sixteen hosts: it accuses nobody while all is
// well, and of each fault it names the two between whom it lies, and no others.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/host_peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr int host_count = 16;
constexpr auto survey_bound = 5s;
constexpr auto* another_key = "tidegate-key-1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH0DOr4";

// Hosts 1, 2, 3 and so on, with the addresses 10.17.90.1 and so on.
class Switch {
 public:
  explicit Switch(int hosts) {
    hub_.run("ip link add hub type bridge mcast_snooping 0 && ip link set hub up");
    for (int host = 1; host <= hosts; ++host) {
      hosts_.push_back(std::make_unique<NetworkNamespace>(&hub_));
      const auto port = "port" + std::to_string(host);
      hub_.run("ip link add " + port + " type veth peer name eth0 netns " +
               std::to_string(hosts_.back()->pid()) + " && ip link set " + port + " master hub up");
      run(host, "ip address add " + address(host) +
                    "/24 broadcast + dev eth0 &&"
                    " ip link set eth0 up && nft 'add table ip faults;"
                    " add chain ip faults in { type filter hook input priority 0; };"
                    " add chain ip faults out { type filter hook output priority 0; }'");
    }
  }

  static std::string address(int host) { return "10.17.90." + std::to_string(host); }
  [[nodiscard]] const NetworkNamespace& host(int number) const {
    return *hosts_.at(static_cast<std::size_t>(number - 1));
  }
  void run(int number, const std::string& line) const { host(number).run(line); }

  // Packets from that host that are so are lost on their way into this one.
  void lose(int into, int from, const std::string& which) const {
    run(into, "nft add rule ip faults in ip saddr " + address(from) + " " + which + " drop");
  }
  void mend(int into) const { run(into, "nft flush table ip faults"); }

 private:
  NetworkNamespace hub_;
  std::vector<std::unique_ptr<NetworkNamespace>> hosts_;
};

using Pairs = std::set<std::pair<std::string, std::string>>;

struct Surveyed {
  int status = -1;
  json document;
  Duration took{};

  // Names instead of names with addresses.
  [[nodiscard]] Pairs pairs() const {
    Pairs all;
    for (const auto& finding : document["findings"]) {
      const auto name = [&](const char* end) {
        const auto text = finding[end].get<std::string>();
        return text.substr(0, text.find(" ("));
      };
      all.emplace(name("from"), name("to"));
    }
    return all;
  }
  [[nodiscard]] std::string words() const { return document["findings"].dump(1); }
};

Surveyed survey(const HostPeer& asked) {
  const auto begun = std::chrono::steady_clock::now();
  const auto ran = asked.ask({"doctor", "--pairs", "--json"});
  const Duration took = std::chrono::steady_clock::now() - begun;
  INFO("errors: ", ran.errors);
  REQUIRE_FALSE(ran.output.empty());
  return {ran.status, json::parse(ran.output), took};
}

class Site {
 public:
  Site() : network(host_count) {
    for (int host = 1; host <= host_count; ++host) {
      // Sixteen that meet each other would fill the log.
      peers.push_back(std::make_unique<HostPeer>(network.host(host), "eth0", name(host),
                                                 Arguments{"--log-level", "warning"}));
    }
  }

  static std::string name(int host) { return "app-" + std::to_string(host); }
  [[nodiscard]] const HostPeer& peer(int host) const {
    return *peers.at(static_cast<std::size_t>(host - 1));
  }

  // All have met, and nobody is accused.
  [[nodiscard]] bool becomes_healthy(Duration bound) const {
    const auto end = std::chrono::steady_clock::now() + bound;
    while (std::chrono::steady_clock::now() < end) {
      const auto found = survey(peer(1));
      if (found.status == 0 && found.pairs().empty() && found.document["answered"] == host_count) {
        return true;
      }
    }
    return false;
  }

  // Asks host 1: exactly these are named.
  void names(const Pairs& expected, const std::string& words, int status = 1) const {
    const auto found = survey(peer(1));
    CAPTURE(found.words());
    CHECK(found.pairs() == expected);
    CHECK(contains(found.words(), words));
    CHECK(found.status == status);
    CHECK(found.took < survey_bound);
  }

  // The same of a peer that has come just now: nobody knows of it yet.
  void comes_to_name(const Pairs& expected, const std::string& words, int status = 1) const {
    CHECK(support::eventually(20s, [&] { return survey(peer(1)).pairs() == expected; }));
    names(expected, words, status);
  }

  Switch network;
  std::vector<std::unique_ptr<HostPeer>> peers;
};

std::unique_ptr<Site> make_site() {
  try {
    support::run({.arguments = {"nft", "--version"}}, 5s);
  } catch (const std::runtime_error&) {
    MESSAGE("skipped, no nft here");
    return nullptr;
  }
  return make_network<Site>();
}

}  // namespace

TEST_CASE("sixteen healthy peers accuse nobody, whoever is asked") {
  const auto site = make_site();
  if (!site) return;
  REQUIRE(site->becomes_healthy(60s));
  for (int host = 1; host <= host_count; ++host) {
    const auto found = survey(site->peer(host));
    CAPTURE(found.words());
    CHECK(found.status == 0);
    CHECK(found.pairs().empty());
    CHECK(found.document["answered"] == host_count);
    CHECK(found.took < survey_bound);
  }
}

TEST_CASE("a way that is blocked between two of sixteen is named with both ends, and no other") {
  const auto site = make_site();
  if (!site) return;
  const auto& network = site->network;
  REQUIRE(site->becomes_healthy(60s));

  // UDP, in both directions.
  network.lose(3, 5, "ip protocol udp");
  network.lose(5, 3, "ip protocol udp");
  site->names({{"app-5", "app-3"}, {"app-3", "app-5"}}, "although TCP works");
  network.mend(3);
  network.mend(5);
  REQUIRE(site->becomes_healthy(30s));

  // TCP, in both directions.
  network.lose(3, 5, "ip protocol tcp");
  network.lose(5, 3, "ip protocol tcp");
  site->names({{"app-5", "app-3"}, {"app-3", "app-5"}}, "although its beacon is heard (UDP)");
  network.mend(3);
  network.mend(5);
  REQUIRE(site->becomes_healthy(60s));

  // The connections that 5 dials at 3, and no more.
  network.lose(3, 5, "tcp dport 17900-17999");
  site->names({{"app-5", "app-3"}}, "no answer");
  network.mend(3);
  REQUIRE(site->becomes_healthy(60s));

  // Packets of usual size, from 5 to 3.
  network.lose(3, 5, "meta length gt 1000");
  site->names({{"app-5", "app-3"}}, "large ones do not");
  network.mend(3);
  REQUIRE(site->becomes_healthy(60s));
}

TEST_CASE("a seed where nobody answers is named with the peer that has it, and why") {
  const auto site = make_site();
  if (!site) return;
  const auto& network = site->network;
  REQUIRE(site->becomes_healthy(60s));
  const auto with_seed = [&](const std::string& seed, const std::string& words,
                             std::vector<std::string> prefix) {
    const HostPeer seeker(std::move(prefix), "eth0", "seeker", {"--seeds", seed});
    site->comes_to_name({{"seeker", "seed " + seed}}, words);
  };
  const auto prefix = network.host(7).prefix();
  // The publish port of that peer.
  with_seed("10.17.90.3:17900", "the direct port of app-3 (10.17.90.3:17901) there is 17901",
            prefix);
  with_seed("10.17.90.3:17999", "nothing listens there", prefix);
  with_seed("10.17.90.99:17901", "does not answer", prefix);

  const support::TemporaryDirectory directory("names");
  const auto file = (directory.path() / "resolv.conf").string();
  std::ofstream(file) << "nameserver 10.17.90.98\noptions timeout:30 attempts:5\n";
  network.run(7, "ip neigh add 10.17.90.98 lladdr 02:00:00:00:00:01 dev eth0");
  auto nameless = prefix;
  nameless.insert(nameless.end(),
                  {"unshare", "--mount", "sh", "-c",
                   "mount --bind " + file + " /etc/resolv.conf && exec \"$0\" \"$@\""});
  with_seed("app.example:17901", "no name server has answered", nameless);
}

TEST_CASE("peers of another mesh and of another key are named by their address") {
  const auto site = make_site();
  if (!site) return;
  const auto& network = site->network;
  REQUIRE(site->becomes_healthy(60s));
  {
    HostPeer other(network.host(9), "eth0", "other", {"--mesh", "elsewhere"});
    site->comes_to_name({{"10.17.90.9:17903", "every peer that hears it"}},
                        "of the mesh 'elsewhere'", 0);
    CHECK(other.ends_within(5s));  // by a farewell, and so it is forgotten
  }
  {
    const support::TemporaryDirectory directory("key");
    const auto file = (directory.path() / "other.key").string();
    std::ofstream(file) << another_key;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    auto arguments = network.host(10).prefix();
    arguments.insert(arguments.end(),
                     {TIDEGATE_COMMAND, "peer", "--interfaces", "eth0", "--name", "other",
                      "--key-file", file, "--socket", (directory.path() / "status.sock").string()});
    const support::Process other(
        {.arguments = arguments, .input = support::Stream::pipe, .output = support::Stream::pipe});
    site->comes_to_name({{"10.17.90.10:17903", "every peer that hears it"}}, "has a key that");
  }
}

TEST_CASE("a peer whose database is of another cluster than all others is named") {
  const auto network = make_network<Switch>(4);
  if (!network) return;
  support::Cluster home;
  support::Cluster away({.own_identity = true});
  std::vector<std::unique_ptr<HostPeer>> peers;
  for (int host = 1; host <= 4; ++host) {
    const auto server =
        host == 3 ? away.primary().connection_string() : home.primary().connection_string();
    peers.push_back(std::make_unique<HostPeer>(network->host(host), "eth0", Site::name(host),
                                               std::vector<std::string>{"--database", server}));
  }
  for (auto& peer : peers) {
    for (int other = 1; other < 4; ++other) REQUIRE(peer->says("\"peer_ready\"", 20s));
  }
  const auto found = survey(*peers.front());
  CAPTURE(found.words());
  CHECK(found.pairs() == Pairs{{"app-3", "3 other members"}});
  CHECK(contains(found.words(), "is of another cluster"));
  CHECK(found.status == 1);
  CHECK(found.took < survey_bound);
}
