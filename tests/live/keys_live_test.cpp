// A mesh with a key: its members meet, nobody else does, and nobody else learns anything.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zmq.hpp>

#include "lib/keys/keyring.hpp"
#include "lib/keys/mesh_key.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/mesh.hpp"
#include "tests/paths.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using support::eventually;

namespace {

std::string key_text(std::uint8_t first) { return to_text(sample_key(first)); }

Options with_keys(Options options, const std::string& keys) {
  options.keys = keys;
  return options;
}

std::string at(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

// Nothing arrives at the socket within the bound.
bool hears_nothing(zmq::socket_t& socket, std::chrono::milliseconds bound) {
  socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(bound.count()));
  zmq::message_t message;
  return !socket.recv(message);
}

void be_client(zmq::socket_t& socket, const keys::CurveKeys& client,
               const keys::PublicKey& server) {
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(server));
  socket.set(zmq::sockopt::curve_publickey, zmq::buffer(client.open));
  socket.set(zmq::sockopt::curve_secretkey,
             zmq::buffer(client.secret.bytes().data(), keys::Secret::size));
}

}  // namespace

TEST_CASE("peers with the same key form a mesh; one without, and one with another, are outside") {
  const auto options = private_mesh();
  const auto a = start(with_keys(options, key_text(1)), "a");
  const auto b = start(with_keys(options, key_text(1)), "b");
  const auto plain = start(options, "plain");
  const auto other = start(with_keys(options, key_text(2)), "other");
  join({a.get(), b.get()});
  CHECK(a->publish(topic("x"), "secret") == Publish::accepted);
  CHECK(next_payload(*b) == "secret");
  REQUIRE(eventually(10s, [&] {
    return !plain->status().stranger.empty() && !other->status().stranger.empty() &&
           a->status().counters.strangers > 0;
  }));
  CHECK(contains(plain->status().stranger, "has a key that this peer does not have"));
  CHECK(contains(other->status().stranger, "127.0.0.1, whose beacon has"));
  CHECK(plain->status().peers.empty());
  CHECK(other->status().peers.empty());
  CHECK(a->status().peers.size() == 1);
}

TEST_CASE("a seed leads nobody into a mesh whose key he does not have") {
  auto options = private_mesh();
  const auto member = start(with_keys(options, key_text(1)), "member");
  options.seeds = {"127.0.0.1:" + std::to_string(member->status().direct_port)};
  options.beacon_port = support::unused_port();
  const auto plain = start(options, "plain");
  const auto other = start(with_keys(options, key_text(2)), "other");
  const auto second = start(with_keys(options, key_text(1)), "second");
  join({member.get(), second.get()});
  CHECK_FALSE(plain->wait_ready(1, 1s));
  CHECK_FALSE(other->wait_ready(1, 1s));
  CHECK(member->status().peers.size() == 1);
}

TEST_CASE(
    "a stranger who knows the server's public key, but is no member, is refused and counted") {
  const auto options = private_mesh();
  const auto a = start(with_keys(options, key_text(1)), "a");
  const auto secrets = keys::parse_keys(key_text(1)).value();
  const keys::MeshKeys mesh(secrets.front(), options.mesh);
  zmq::context_t context;
  const auto dealer = [&](const keys::CurveKeys* client) {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    if (client != nullptr) be_client(socket, *client, mesh.direct.open);
    socket.connect(at(a->status().direct_port));
    socket.send(zmq::str_buffer("nonsense"));
    return socket;
  };
  keys::Secret own;
  own.buffer()[0] = 7;
  const keys::CurveKeys stranger(own);
  const auto refused = dealer(&stranger);
  const auto plain = dealer(nullptr);
  REQUIRE(eventually(10s, [&] { return a->status().counters.strangers >= 1; }));
  CHECK(a->status().counters.malformed == 0);
  // The same from a member arrives.
  const auto let_in = dealer(&mesh.client);
  CHECK(eventually(10s, [&] { return a->status().counters.malformed == 1; }));
}

TEST_CASE("a subscriber without a key hears nothing of a mesh that has one") {
  const auto options = private_mesh();
  const auto a = start(with_keys(options, key_text(1)), "a");
  const auto b = start(with_keys(options, key_text(1)), "b");
  zmq::context_t context;
  zmq::socket_t subscriber(context, zmq::socket_type::sub);
  subscriber.set(zmq::sockopt::linger, 0);
  subscriber.set(zmq::sockopt::subscribe, "");
  subscriber.connect(at(a->status().publish_port));
  join({a.get(), b.get()});
  CHECK(a->publish(topic("x"), "secret") == Publish::accepted);
  CHECK(next_payload(*b) == "secret");
  CHECK(hears_nothing(subscriber, 1500ms));  // three heartbeats
}

TEST_CASE("members on both sides of each step from one key to another form one mesh") {
  const auto before = key_text(1);
  const auto after = key_text(2);
  const auto accepts = before + "\n" + after;
  const auto uses = after + "\n" + before;
  std::pair<std::string, std::string> keys;
  SUBCASE("the new key is accepted") { keys = {before, accepts}; }
  SUBCASE("the new key is used") { keys = {accepts, uses}; }
  SUBCASE("the old key is given up") { keys = {uses, after}; }
  const auto options = private_mesh();
  const auto a = start(with_keys(options, keys.first), "a");
  const auto b = start(with_keys(options, keys.second), "b");
  join({a.get(), b.get()});
  CHECK(a->publish(topic("x"), "from a") == Publish::accepted);
  CHECK(b->publish(topic("x"), "from b") == Publish::accepted);
  CHECK(next_payload(*b) == "from a");
  CHECK(next_payload(*a) == "from b");
}

TEST_CASE("a key that keygen has written into a file is taken from there") {
  const CommandMesh mesh;
  const auto file = (mesh.directory() / "mesh.key").string();
  const auto made = mesh.run({"keygen"});
  CHECK(made.status == 0);
  CHECK(contains(made.output, "\ntidegate-key-1:"));
  CHECK(made.output != mesh.run({"keygen"}).output);
  std::ofstream(file) << made.output;
  const auto peer = [&](const char* name) {
    return mesh.start({"peer", "--name", name, "--key-file", file});
  };

  SUBCASE("and the peers of that file meet") {
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    auto a = peer("a");
    auto b = peer("b");
    wait_for(a, "peer_ready");
    wait_for(b, "peer_ready");
  }
  SUBCASE("unless others may read it") {
    std::filesystem::permissions(file, std::filesystem::perms{0644});
    const auto ran = mesh.run({"peer", "--key-file", file});
    CHECK(ran.status == 1);
    CHECK(contains(ran.errors, "others may read or write it; chmod 600 " + file));
    CHECK_FALSE(contains(ran.errors, "tidegate-key-1:"));
  }
  SUBCASE("unless it is not there") {
    std::filesystem::remove(file);
    const auto ran = mesh.run({"peer", "--key-file", file});
    CHECK(ran.status == 1);
    CHECK(contains(ran.errors, "'tidegate keygen' makes one"));
  }
}

TEST_CASE("keygen lets nobody else read the file that the shell has made for it") {
  const CommandMesh mesh;
  const auto file = (mesh.directory() / "mesh.key").string();
  const std::string command = "umask 022; " TIDEGATE_COMMAND " keygen > " + file;
  const auto ran = CommandMesh::finish(
      support::Process({.arguments = {"sh", "-c", command}, .errors = support::Stream::pipe}));
  CHECK(ran.status == 0);
  struct stat status {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}
