// A peer dials what beacons and seeds name: servers that send without an end to whoever dials them
// end no peer and fill no memory.
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <zmq.hpp>

#include "lib/mesh/frame_codec.hpp"
#include "support/port.hpp"
#include "tests/live/attacked_pair.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/raw_zmtp.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr Duration attack_time = 8s;  // at most
constexpr std::size_t mebibyte = std::size_t{1} << 20U;

struct Attack {
  const char* name;
  std::string bytes;
  std::size_t total;
};

// Each would take some hundred megabytes.
std::vector<Attack> attacks() {
  return {
      {"PINGs and one-byte frames", repeated(zmtp_ping() + zmtp_frame("x"), 20'000), 4 * mebibyte},
      {"one-byte frames", repeated(zmtp_frame("x"), 100'000), 24 * mebibyte},
      {"endless parts", repeated(zmtp_frame(std::string(1000, 'x'), true), 1000), 320 * mebibyte}};
}

void check(const AttackedPair::Toll& toll, std::size_t most_grown) {
  CHECK(toll.grown < memory_bound(most_grown));
  CHECK(toll.longest < 3s);
}

// A peer that answers hellos until it is over.
void welcome_all(std::uint16_t port, const mesh::PeerInfo& info, const std::atomic<bool>& over) {
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::rcvtimeo, 100);
  router.bind("tcp://127.0.0.1:" + std::to_string(port));
  while (!over) {
    zmq::message_t route;
    zmq::message_t frame;
    if (!router.recv(route) || !router.recv(frame)) continue;
    router.send(route, zmq::send_flags::sndmore);
    router.send(zmq::buffer(encode(mesh::Welcome{info})), zmq::send_flags::none);
  }
}

}  // namespace

TEST_CASE("a direct socket that floods whoever dials it fills no memory and ends no peer" *
          long_test) {
  for (const auto& attack : attacks()) {
    CAPTURE(std::string(attack.name));
    const auto port = support::unused_port();
    const auto listener = listen_tcp(port);
    AttackedPair pair(false, {"--seeds", "127.0.0.1:" + std::to_string(port)});
    const auto toll = pair.during([&] {
      const auto sent = serve_flood(listener, "ROUTER", attack.bytes, attack.total, attack_time);
      MESSAGE(std::string(attack.name), ": ", sent / mebibyte, " MiB");
      CHECK(sent > 0);
    });
    check(toll, 96 * mebibyte);
  }
}

TEST_CASE("a stream that floods whoever follows it fills no memory and ends no peer" * long_test) {
  for (const auto& attack : attacks()) {
    CAPTURE(std::string(attack.name));
    const auto port = support::unused_port();
    const auto stream_port = support::unused_port();
    const auto listener = listen_tcp(stream_port);
    AttackedPair pair(false, {"--seeds", "127.0.0.1:" + std::to_string(port)});
    const mesh::PeerInfo info{{{{0xEE}}, 1}, pair.mesh_name(), "rogue", stream_port, port};
    std::atomic<bool> over = false;
    std::thread answering([&] { welcome_all(port, info, over); });
    const auto toll = pair.during([&] {
      const auto sent = serve_flood(listener, "PUB", attack.bytes, attack.total, attack_time);
      MESSAGE(std::string(attack.name), ": ", sent / mebibyte, " MiB");
      CHECK(sent > 0);
    });
    // Twice that which may wait to be taken, 64 MiB and what malloc adds: of the connection that
    // was ended, whose memory malloc may not have given back, and of the next one.
    check(toll, 192 * mebibyte);
    over = true;
    answering.join();
  }
}
