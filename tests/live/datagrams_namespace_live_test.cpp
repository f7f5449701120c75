// Datagrams between two hosts, where ways are narrow and cables are cut.
#include <string>
#include <thread>
#include <vector>

#include "tests/live/datagram_ends.hpp"
#include "tests/live/host_peer.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

// Sockets that this opens are on that host.
template <typename Does>
void on(const NetworkNamespace& host, Does does) {
  std::thread([&] {
    host.enter();
    does();
  }).join();
}

constexpr mesh::PathId path = 5;

struct Across {
  explicit Across(const Hosts& on_hosts) : hosts(on_hosts) {
    std::optional<mesh::PathSocket> opened;
    on(hosts.right, [&] { opened = reader->open(sample_publisher(1), path, "10.17.88.1"); });
    REQUIRE(opened);
    bool admitted = false;
    on(hosts.left, [&] {
      admitted = publisher->admit(path, {"10.17.88.2", opened->port}, opened->secret);
    });
    REQUIRE(admitted);
  }

  void probe(std::uint32_t size) { publisher->probe({path, ++sent}, size); }

  const Hosts& hosts;
  DatagramEnd publisher{true};
  DatagramEnd reader{true};
  std::uint64_t sent = 0;
};

}  // namespace

TEST_CASE("a probe that the cable does not take whole breaks its path, a smaller one goes") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  hosts->left.run("ip link set cable0 mtu 1280");
  hosts->right.run("ip link set cable1 mtu 1280");
  Across across(*hosts);
  across.probe(mesh::datagram_sizes[0]);
  across.publisher.turn();
  CHECK(across.publisher.broken_paths == std::vector<mesh::PathId>{path});
  across.probe(mesh::datagram_sizes[1]);
  auto& frames = across.reader.frames;
  REQUIRE(across.reader.until([&] { return !frames.empty(); }));
  CHECK(frames.size() == 1);
  CHECK(frames[0].frame.size == mesh::datagram_sizes[1]);
  across.reader->acknowledge(sample_publisher(1), {2, frames[0].frame.size, 1, 1});
  CHECK(across.publisher.until([&] { return across.publisher.acks.size() == 1; }));
}

TEST_CASE("a path over a cable that was cut is broken until the cable is there again") {
  const auto hosts = make_hosts();
  if (!hosts) return;
  Across across(*hosts);
  across.probe(548);
  REQUIRE(across.reader.until([&] { return across.reader.frames.size() == 1; }));
  hosts->left.run("ip link set cable0 down");
  across.probe(548);
  across.probe(548);
  across.publisher.turn();
  CHECK(across.publisher.broken_paths == std::vector<mesh::PathId>{path});
  hosts->left.run("ip link set cable0 up");
  // A cable that is up carries in a moment.
  const bool carries = across.reader.until([&] {
    across.probe(548);
    return across.reader.frames.size() > 1;
  });
  CHECK(carries);
}
