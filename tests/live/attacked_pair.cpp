#include "tests/live/attacked_pair.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>
#include <zmq.hpp>

#include "lib/keys/mesh_key.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "support/port.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/live/process_memory.hpp"

namespace tidegate::testing {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_way = 15s;

std::string key_text() { return keys::to_text(sample_key(1)); }

// Under a limit of open files, unless that is 0.
support::Process started(support::Command command, int files) {
  if (files > 0) {
    const auto limit = std::to_string(files);
    command.arguments.insert(command.arguments.begin(), {"prlimit", "--nofile=" + limit});
  }
  return support::Process(command);
}

}  // namespace

Arguments peer_command(const Arguments& options, const Arguments& more) {
  Arguments all = {"peer"};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

AttackedPair::AttackedPair(bool keyed, const Arguments& more, int files)
    : keyed_(keyed),
      attacked_(started(mesh_.command(peer_command(options("attacked"), more)), files)),
      other_(mesh_.start(peer_command(options("other")))) {
  wait_for(attacked_, "peer_ready");
  wait_for(other_, "peer_ready");
  const auto now = status();
  publish_port_ = now["publish_port"];
  direct_port_ = now["direct_port"];
  mesh_name_ = now["mesh"];
  if (keyed_) stream_key_ = ask_stream_key({sample_key(1), mesh_name_});
}

Arguments AttackedPair::options(const std::string& name) const {
  Arguments all = {"--name", name};
  if (!keyed_) return all;
  const auto file = (mesh_.directory() / (name + ".key")).string();
  std::ofstream(file) << key_text();
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  all.insert(all.end(), {"--key-file", file});
  return all;
}

json AttackedPair::status() const {
  return json::parse(mesh_.run({"status", "--json", "--name", "attacked"}).output);
}

std::uint64_t AttackedPair::counted(const char* counter) const {
  return status()["counters"][counter];
}

void AttackedPair::publish(const std::string& payload) {
  attacked_.write(R"({"topic":"from/attacked","payload":")" + payload + "\"}\n");
}

Duration AttackedPair::exchange() {
  const auto begin = std::chrono::steady_clock::now();
  const auto payload = std::to_string(++sent_);
  for (const auto& [from, to] : {std::pair(&other_, &attacked_), std::pair(&attacked_, &other_)}) {
    from->write(R"({"topic":"t","payload":")" + payload + "\"}\n");
    for (bool there = false; !there;) {
      const auto line = to->read_line(longest_way);
      REQUIRE(line);
      there = line->find(R"("payload":")" + payload + "\"") != std::string::npos;
    }
  }
  return std::chrono::steady_clock::now() - begin;
}

AttackedPair::Toll AttackedPair::during(const std::function<void()>& attack) {
  (void)exchange();
  const MemoryWatch memory(attacked_.pid());
  std::atomic<bool> over = false;
  std::string failure;
  std::thread attacker([&] {
    try {
      attack();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    over = true;
  });
  struct Join {
    std::thread& thread;
    ~Join() { thread.join(); }
  };
  Toll toll;
  {
    const Join join{attacker};
    do {
      toll.longest = std::max(toll.longest, exchange());
      ++toll.exchanged;
    } while (!over);
  }
  CHECK(failure == "");
  toll.longest = std::max(toll.longest, exchange());
  toll.grown = memory.grown();
  REQUIRE(attacked_.running());
  MESSAGE("the longest of ", toll.exchanged, " ways took ",
          std::chrono::duration<double, std::milli>(toll.longest).count(), " ms; memory grew by ",
          toll.grown / 1024, " KiB");
  return toll;
}

// The attacked one tells it to members.
keys::PublicKey AttackedPair::ask_stream_key(const keys::MeshKeys& keys) const {
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.set(zmq::sockopt::curve_serverkey, zmq::buffer(keys.direct.open));
  dealer.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.client.open));
  dealer.set(zmq::sockopt::curve_secretkey,
             zmq::buffer(keys.client.secret.bytes().data(), keys::Secret::size));
  dealer.set(zmq::sockopt::rcvtimeo, 5000);
  dealer.connect("tcp://127.0.0.1:" + std::to_string(direct_port_));
  const mesh::PeerInfo info{
      {{{0xEE}}, 1}, mesh_name(), "asks", support::unused_port(), support::unused_port()};
  dealer.send(zmq::buffer(encode(mesh::Hello{info})));
  zmq::message_t answer;
  REQUIRE(dealer.recv(answer));
  const auto decoded = mesh::decode<mesh::AnswerFrame>(answer.to_string());
  const auto* frame = std::get_if<mesh::AnswerFrame>(&decoded);
  REQUIRE(frame != nullptr);
  const auto* welcome = std::get_if<mesh::Welcome>(frame);
  REQUIRE(welcome != nullptr);
  return welcome->info.stream_key;
}

RawCurve AttackedPair::member(bool direct) const {
  const keys::MeshKeys keys(sample_key(1), mesh_name_);
  if (direct) return {direct_port_, "DEALER", keys.client, keys.direct.open};
  return {publish_port_, "SUB", keys.client, stream_key_};
}

}  // namespace tidegate::testing
