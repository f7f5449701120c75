// A host that changes under its peers: addresses come and go, and open files run out for a moment.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/live/host_peer.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto* ready = "\"peer_ready\"";

// A message of the one arrives at the other.
bool hears(HostPeer& hearer, HostPeer& speaker, const std::string& payload, Duration bound) {
  speaker.say(R"({"topic":"a/b","payload":")" + payload + "\"}");
  return hearer.says("\"payload\":\"" + payload + "\"", bound).has_value();
}

// Of open files; the hard limit stays.
void limit_files(const HostPeer& peer, std::size_t files) {
  rlimit limit{};
  REQUIRE(prlimit(peer.pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
  limit.rlim_cur = files;
  REQUIRE(prlimit(peer.pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
}

// With no more than these open there is none left: the lowest free number of some moments, as now
// and then a file is open for a moment only.
rlim_t files_in_use(const HostPeer& peer) {
  const auto folder = "/proc/" + std::to_string(peer.pid()) + "/fd/";
  auto least = std::numeric_limits<rlim_t>::max();
  for (int i = 0; i < 20; ++i) {
    rlim_t number = 0;
    while (std::filesystem::is_symlink(folder + std::to_string(number))) ++number;
    least = std::min(least, number);
    std::this_thread::sleep_for(20ms);
  }
  return least;
}

}  // namespace

TEST_CASE("a peer whose interface gets another address is ready again within seconds") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  HostPeer left(hosts->left, "cable0", "left");
  HostPeer right(hosts->right, "cable1", "right");
  REQUIRE(left.says(ready, 10s));
  REQUIRE(right.says(ready, 10s));
  hosts->left.run(
      "ip address delete 10.17.88.1/24 dev cable0;"
      "ip address add 10.17.88.9/24 broadcast + dev cable0");
  CHECK(left.says("cable0 has 10.17.88.9 now", 10s));
  CHECK(right.says(ready, 30s));
  CHECK(left.says(ready, 30s));
  CHECK(hears(left, right, "one", 10s));
  CHECK(hears(right, left, "other", 10s));
}

TEST_CASE("an address that goes and returns brings its peer back") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  HostPeer left(hosts->left, "cable0", "left");
  HostPeer right(hosts->right, "cable1", "right");
  REQUIRE(left.says(ready, 10s));
  REQUIRE(right.says(ready, 10s));
  hosts->left.run("ip address delete 10.17.88.1/24 dev cable0");
  CHECK(left.says("cable0 has no address now, and had 10.17.88.1", 10s));
  REQUIRE(right.says("\"peer_gone\"", 30s));
  hosts->left.run("ip address add 10.17.88.1/24 broadcast + dev cable0");
  CHECK(left.says("cable0 has 10.17.88.1 now, and had no address", 10s));
  CHECK(right.says(ready, 10s));
  CHECK(hears(left, right, "one", 10s));
  CHECK(hears(right, left, "other", 10s));
}

// It was refused at the start, and without a restart nobody was heard there.
TEST_CASE("an interface that has no address at the start is used once it has one") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  hosts->left.run("ip address delete 10.17.88.1/24 dev cable0");
  HostPeer left(hosts->left, "cable0", "left", {"--interfaces", "lo"});
  HostPeer right(hosts->right, "cable1", "right");
  REQUIRE(left.says("cable0' has no IPv4 address", 10s));
  hosts->left.run("ip address add 10.17.88.1/24 broadcast + dev cable0");
  CHECK(left.says(ready, 10s));
  CHECK(right.says(ready, 10s));
  CHECK(hears(left, right, "one", 10s));
}

// The failed dial was never tried again: the two stood at `hello` for good.
TEST_CASE("a peer that has no open file left for a moment dials once there are some again" *
          doctest::skip(sanitized)) {
  const auto hosts = make_hosts();
  if (!hosts) return;
  HostPeer first(hosts->left, "lo", "first");
  HostPeer before(hosts->left, "lo", "before");
  REQUIRE(first.says(ready, 10s));
  REQUIRE(before.says(ready, 10s));
  limit_files(first, files_in_use(first));
  HostPeer second(hosts->left, "lo", "second");
  REQUIRE(first.says("no open file is left", 20s));
  limit_files(first, 1000);
  CHECK(first.says("there are open files for connections again", 10s));
  CHECK(first.says(ready, 20s));
  CHECK(second.says(ready, 20s));
}
