// A peer as a service: the datagrams that systemd would get, from the program as a whole and from a
// session in this process that can be made to stand still.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command/commands/session.hpp"
#include "command/doors/service_manager/service_manager.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"
#include "tests/peer/memory_world.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// The manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& path) : path_(path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(bind(socket_.get(), generic, sizeof address) == 0);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  // The next datagram; nothing when none comes within the bound.
  [[nodiscard]] std::optional<std::string> hear(std::chrono::milliseconds bound) const {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(bound.count())) != 1) return std::nullopt;
    std::string text(4096, '\0');
    const auto size = recv(socket_.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

  // One with this in it, which all come to that are heard until then.
  [[nodiscard]] std::string hear_of(const std::string& part) const {
    while (const auto text = hear(10s)) {
      if (text->find(part) != std::string::npos) return *text;
    }
    return "nothing of " + part;
  }

 private:
  std::string path_;
  io::Descriptor socket_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

// For this process.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

// A door that can be stuck, and looks what the manager hears then.
class StuckDoor final : public doors::Door {
 public:
  explicit StuckDoor(const Manager& manager) : manager_(manager) {}
  void handle(const Incoming&) override {}
  void peer_has_turned() override {
    if (!stuck) return;
    while (manager_.hear(0ms)) continue;
    heard_meanwhile = manager_.hear(500ms).has_value();
    stuck = false;
    was_stuck = true;
  }

  bool stuck = false;
  bool was_stuck = false;
  bool heard_meanwhile = false;

 private:
  const Manager& manager_;
};

}  // namespace

TEST_CASE("the service manager hears of readiness, status, reload and leave, and is kept content") {
  const CommandMesh mesh;
  const Manager manager((mesh.directory() / "notify").string());
  auto command = mesh.command({"peer", "--door", "unix:" + (mesh.directory() / "door").string()});
  command.environment["NOTIFY_SOCKET"] = manager.path();
  command.environment["WATCHDOG_USEC"] = "200000";
  support::Process peer(command);

  const auto ready = manager.hear_of("READY=1");
  CHECK(contains(ready, "STATUS=0 peers ready, 0 messages held"));
  CHECK(std::filesystem::is_socket(mesh.directory() / "door"));
  CHECK(contains(manager.hear_of("WATCHDOG=1"), "STATUS="));
  CHECK(contains(manager.hear_of("WATCHDOG=1"), "STATUS="));
  peer.send(SIGHUP);
  CHECK(contains(manager.hear_of("RELOADING=1"), "MONOTONIC_USEC="));
  CHECK(contains(manager.hear_of("READY=1"), "STATUS="));
  peer.send(SIGTERM);
  CHECK(contains(manager.hear_of("STOPPING=1"), "STATUS=leaves the mesh"));
  CHECK(ended(peer) == 0);
}

TEST_CASE("a peer that can't listen is never called ready") {
  const CommandMesh mesh;
  const Manager manager((mesh.directory() / "notify").string());
  auto command = mesh.command({"peer", "--door", "unix:/nowhere/at/all/door"});
  command.environment["NOTIFY_SOCKET"] = manager.path();
  support::Process peer(command);
  CHECK(ended(peer) == 1);
  CHECK_FALSE(manager.hear(0ms));
}

TEST_CASE("a session that stands still does not feed the watchdog") {
  const support::TemporaryDirectory directory("notify");
  const Manager manager((directory.path() / "notify").string());
  const Variable socket("NOTIFY_SOCKET", manager.path());
  const Variable bound("WATCHDOG_USEC", "100000");
  MemoryMesh mesh;
  const auto peer = peer::drive({.mesh = "memory"}, mesh.world("alone"));
  commands::Session session(*peer, nullptr);
  const auto told = service_manager::ServiceManager::open(session.reactor(), *peer);
  REQUIRE(told);
  StuckDoor door(manager);
  session.add(*told);
  session.add(door);

  // While nothing else happens.
  const auto feeds = [&] { return manager.hear(0ms).has_value(); };
  CHECK(session.run(10s, feeds) == commands::SessionEnd::reached);
  CHECK(session.run(10s, feeds) == commands::SessionEnd::reached);
  door.stuck = true;
  CHECK(session.run(10s, [&] { return door.was_stuck; }) == commands::SessionEnd::reached);
  CHECK_FALSE(door.heard_meanwhile);
  CHECK(session.run(10s, feeds) == commands::SessionEnd::reached);
}

TEST_CASE("a service writes its log to the journal with fields, and to standard error if asked") {
  const CommandMesh mesh;
  const auto journal = [&](const Arguments& more) {
    Arguments arguments = {"sub", "a", "--timeout", "100ms", "--log-level", "info"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto command = mesh.command(arguments);
    command.arguments.insert(command.arguments.begin(),
                             {"/usr/bin/python3", TIDEGATE_SOURCE_ROOT "/tests/live/journal.py"});
    command.environment["TIDEGATE_DATABASE"] = "host=127.0.0.1 port=1";
    return CommandMesh::finish(support::Process(command)).output;
  };
  const auto fields = journal({});
  CAPTURE(fields);
  CHECK(contains(fields, "standard error: b''"));
  CHECK(contains(fields, "|PRIORITY=4|SYSLOG_IDENTIFIER=tidegate|TIDEGATE_LEFT_OUT=0|"));
  CHECK(contains(fields, "|TIDEGATE_EVENT=trouble"));
  const auto text = journal({"--log-format", "logfmt"});
  CHECK(contains(text, "level=warning event=trouble "));
  CHECK(lacks(text, "TIDEGATE_EVENT"));
}

TEST_CASE("without a service manager there is nothing to tell") {
  MemoryMesh mesh;
  const auto peer = peer::drive({.mesh = "memory"}, mesh.world("alone"));
  commands::Session session(*peer, nullptr);
  CHECK(service_manager::ServiceManager::open(session.reactor(), *peer) == nullptr);
}

TEST_CASE("the status in one line tells the oldest trouble, harmless for a terminal") {
  Status status;
  status.held = 1;
  status.peers.resize(1);
  status.peers[0].state = PeerState::ready;
  CHECK(service_manager::one_line(status) == "1 peer ready, 1 message held");
  status.troubles.resize(1);
  status.troubles[0].text = "the replica\nstands still";
  CHECK(service_manager::one_line(status) ==
        "1 peer ready, 1 message held; the replica\\x0astands still");
}
