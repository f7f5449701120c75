// The identity that a peer keeps in a file: the file itself, and a stream that goes on in the next
// life of its publisher.
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "peer/state_file.hpp"
#include "support/temporary_directory.hpp"
#include "tests/lib/samples.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/mesh.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using peer::StateFile;

namespace {

Origin fresh(std::uint64_t incarnation) { return {origin(7).peer, incarnation}; }

}  // namespace

TEST_CASE("a state file keeps the peer id, the epoch and the last sequence") {
  const TemporaryDirectory directory("state-file");
  const auto path = (directory.path() / "state").string();
  {
    auto first = StateFile::open(path, fresh(1000), "boot").value();
    CHECK((first.origin() == fresh(1000)));
    CHECK(first.epoch() == 1000);
    CHECK(first.last() == 0);
    first.store(41);
    first.store(42);
  }
  const auto second = StateFile::open(path, {origin(8).peer, 2000}, "boot").value();
  CHECK((second.origin() == fresh(2000)));
  CHECK(second.epoch() == 1000);
  CHECK(second.last() == 42);
}

TEST_CASE("after a reboot the stream of a state file begins anew") {
  const TemporaryDirectory directory("state-file");
  const auto path = (directory.path() / "state").string();
  StateFile::open(path, fresh(1000), "boot").value().store(42);
  for (const auto* boot : {"another", "", ""}) {
    const auto again = StateFile::open(path, fresh(1000), boot).value();
    CHECK((again.origin().peer == fresh(0).peer));
    CHECK(again.epoch() == again.origin().incarnation);
    CHECK(again.last() == 0);
  }
}

TEST_CASE("the incarnation of a state file rises, also when the clock was set back") {
  const TemporaryDirectory directory("state-file");
  const auto path = (directory.path() / "state").string();
  (void)StateFile::open(path, fresh(1000), "boot").value();
  CHECK(StateFile::open(path, fresh(500), "boot").value().origin().incarnation == 1001);
  CHECK(StateFile::open(path, fresh(500), "boot").value().origin().incarnation == 1002);
}

TEST_CASE("a state file is refused while another has it, and when it is damaged") {
  const TemporaryDirectory directory("state-file");
  const auto path = (directory.path() / "state").string();
  {
    const auto owner = StateFile::open(path, fresh(1000), "boot").value();
    const auto other = StateFile::open(path, fresh(2000), "boot");
    REQUIRE_FALSE(other.ok());
    CHECK(contains(other.error().message, "another process"));
  }
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t at = 0; at < size - sizeof(std::uint64_t); at += 5) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte).flush();
    const auto damaged = StateFile::open(path, fresh(2000), "boot");
    REQUIRE_FALSE(damaged.ok());
    CHECK(contains(damaged.error().message, "move it away"));
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 1)).flush();
  }
  std::filesystem::resize_file(path, size - 1);
  CHECK_FALSE(StateFile::open(path, fresh(2000), "boot").ok());
  CHECK_FALSE(StateFile::open("/nowhere/at/all", fresh(1), "boot").ok());
}

TEST_CASE("a publisher that is killed and restarted with its state file goes on with its stream") {
  const CommandMesh mesh;
  auto receiver = mesh.start({"peer", "--name", "receiver"});
  std::set<std::uint64_t> decided;
  std::uint64_t next = 1;
  std::uint64_t reported = 0;
  // Everything up to this payload: each sequence once, in order, delivered or reported.
  const auto read_up_to = [&](const std::string& payload) {
    while (true) {
      auto line = wait_for(receiver, [](const json& l) {
        return l["type"] == "delivery" || l["type"] == "undelivered";
      });
      const bool delivered = line["type"] == "delivery";
      const std::uint64_t first = delivered ? line["sequence"] : line["first"];
      const std::uint64_t last = delivered ? line["sequence"] : line["last"];
      CHECK(first == next);
      next = last + 1;
      if (!delivered) {
        CHECK(line["why"] == "expired");
        reported += last - first + 1;
      }
      if (delivered && line["payload"] == payload) return line;
    }
  };
  json origin;
  for (int life = 1; life <= 3; ++life) {
    CAPTURE(life);
    auto publisher = mesh.start(
        {"peer", "--name", "publisher", "--state-file", (mesh.directory() / "state").string()});
    wait_for(publisher, "peer_ready");  // the receiver counts from here
    const auto payload = "last of " + std::to_string(life);
    for (int i = 0; i < 100; ++i) publisher.write("{\"topic\":\"t\",\"payload\":\"x\"}\n");
    publisher.write("{\"topic\":\"t\",\"payload\":\"" + payload + "\"}\n");
    const auto delivery = read_up_to(payload);
    if (life == 1) origin = json{delivery["origin"], delivery["incarnation"]};
    CHECK(json{delivery["origin"], delivery["incarnation"]} == origin);
    // In mid-stream.
    for (int i = 0; i < 1000; ++i) publisher.write("{\"topic\":\"t\",\"payload\":\"y\"}\n");
    publisher.send(SIGKILL);
    REQUIRE(publisher.wait(5s));
  }
  CHECK(next > 303);
  MESSAGE(reported, " of ", next - 1, " messages were lost with their publisher, and reported");
}
