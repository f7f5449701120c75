// Raw bytes on the sockets of peers that live, one with a key and one without: behind nothing,
// behind a greeting, and behind a whole handshake, so that each layer of ZMTP meets them. They go
// on turning, and answer questions.
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/must.hpp"
#include "lib/keys/mesh_key.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "peer/io/descriptor.hpp"
#include "tests/fuzz/draw.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/lib/mesh/sample_frames.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::fuzz {
namespace {

std::unique_ptr<Peer> start_peer(bool with_key) {
  Options options;
  options.mesh = "default";
  options.name = "fuzzed";
  options.beacon_port = static_cast<std::uint16_t>(20'000 + getpid() % 10'000);
  if (with_key) options.keys = to_text(testing::sample_key(1));
  auto started = Peer::start(options);
  TIDEGATE_MUST(started);
  return std::move(started).value();
}

struct LivePeer {
  explicit LivePeer(bool with_key) : peer(start_peer(with_key)), status(peer->status()) {}

  std::unique_ptr<Peer> peer;
  Status status;  // for its ports
};

LivePeer& target_of(bool with_key) {
  static std::array<LivePeer, 2> both = {LivePeer(false), LivePeer(true)};
  return both.at(with_key ? 1 : 0);
}

std::string greeting(const std::string& mechanism) {
  std::string bytes(64, '\0');
  bytes[0] = '\xFF';
  bytes[9] = '\x7F';
  bytes[10] = 3;
  bytes.replace(12, mechanism.size(), mechanism);
  return bytes;
}

std::string ready(const std::string& type) {
  const std::string body = "\x05READY" + std::string("\x0bSocket-Type\0\0\0", 15) +
                           static_cast<char>(type.size()) + type;
  return std::string("\x04") + static_cast<char>(body.size()) + body;
}

io::Descriptor connect_to(std::uint16_t port) {
  io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    // All local ports wait for the end of a connection; or the fuzzer's clock has struck meanwhile.
    if (errno == EADDRNOTAVAIL || errno == EINTR) return {};
    std::perror("zmtp: connect");
    TIDEGATE_MUST(false && "a live peer takes connections");
  }
  return socket;
}

// A peer without a key says that it is ready once it has let a caller in; what came before breaks
// the handshake off.
void wait_until_ready(const io::Descriptor& socket) {
  constexpr std::size_t size_at = 65;
  const timeval patience{0, 200'000};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::array<char, size_at + 1> answer{};
  (void)::recv(socket.get(), answer.data(), answer.size(), MSG_WAITALL);
}

}  // namespace

// The first byte chooses the peer, the socket and how far the handshake is right.
void send_zmtp(std::string_view input) {
  static int count = 0;
  Draw draw(input.substr(0, 1));
  input.remove_prefix(std::min<std::size_t>(input.size(), 1));
  const auto choice = draw.byte();
  auto& [target, status] = target_of((choice & 1U) != 0);
  const bool stream = (choice & 2U) != 0;
  const auto socket = connect_to(stream ? status.publish_port : status.direct_port);
  if (!socket) return;
  std::string bytes;
  if ((choice & 4U) != 0) bytes += greeting((choice & 1U) != 0 ? "CURVE" : "NULL");
  if ((choice & 8U) != 0) bytes += ready(stream ? "SUB" : "DEALER");
  if ((choice & 13U) == 12U) {
    (void)::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    wait_until_ready(socket);
    bytes.clear();
  }
  bytes += input;
  (void)::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // It reads and answers while we are there.
  std::array<char, 4096> answer{};
  if ((choice & 16U) != 0) {
    pollfd entry{socket.get(), POLLIN, 0};
    (void)::poll(&entry, 1, 1);
    (void)::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  }
  if (++count % 64 != 0) return;
  // Its thread answers this.
  TIDEGATE_MUST(target->publish(Topic::parse("alive").value(), "") == Publish::accepted);
}

std::vector<std::string> zmtp_seeds() {
  const auto frame = [](const std::string& body) {
    return std::string(1, '\0') + static_cast<char>(body.size()) + body;
  };
  const std::string subscription = frame("\x01@") + frame(std::string("\0@", 2));
  const std::string hello = frame(encode(mesh::CallFrame(mesh::Hello{testing::sample_card})));
  const std::string ping("\x04\x07\x04PING\0\0", 9);
  return {std::string(1, '\x1E') + subscription,
          std::string(1, '\x1C') + hello,
          std::string(1, '\x1C') + ping + hello,
          std::string(1, '\x16') + greeting("NULL"),
          std::string(1, '\x15') + std::string("\x04\xc8\x05HELLO\1\0", 9) + std::string(191, 'x'),
          std::string("\x10GET / HTTP/1.1\r\n\r\n"),
          std::string(1, '\x1E') + std::string("\x01\x01x", 3) + subscription,
          std::string(1, '\x1E') + std::string("\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 9)};
}

}  // namespace tidegate::fuzz
