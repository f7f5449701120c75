#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "command/doors/status_socket/places.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "support/temporary_directory.hpp"

using namespace tidegate;
using namespace tidegate::io;
using namespace tidegate::status_socket;
using namespace std::chrono_literals;
using support::TemporaryDirectory;

namespace {

// A status socket in a reactor, as in a session.
struct Served {
  explicit Served(const std::string& path)
      : socket(StatusSocket::open(path, reactor, [this] { return text; }).value()) {}

  io::Reactor reactor;
  std::string text;
  std::unique_ptr<StatusSocket> socket;
};

// The text that a client reads meanwhile.
Result<std::variant<std::string, NobodyThere>> ask(Served& served, const std::string& text) {
  std::optional<Result<std::variant<std::string, NobodyThere>>> answer;
  std::atomic<bool> answered = false;
  served.text = text;
  std::thread client([&] {
    answer = read_status(served.socket->path(), 5s);
    answered = true;
    served.reactor.wake();
  });
  while (!answered) served.reactor.run_once(5s);
  client.join();
  return *answer;
}

// A socket that can't be opened.
std::string refusal(const std::string& path) {
  io::Reactor reactor;
  const auto socket = StatusSocket::open(path, reactor, [] { return std::string(); });
  return socket ? "" : socket.error().message;
}

std::string text_of(const Result<std::variant<std::string, NobodyThere>>& answer) {
  REQUIRE(answer.ok());
  REQUIRE(std::holds_alternative<std::string>(*answer));
  return std::get<std::string>(*answer);
}

bool nobody(const std::string& path) {
  const auto answer = read_status(path, 1s);
  REQUIRE(answer.ok());
  return std::holds_alternative<NobodyThere>(*answer);
}

Descriptor connect_to(const std::string& path) {
  Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return client;
}

// A socket file whose owner is dead: bound, then closed without being removed.
void leave_stale_file(const std::string& path) {
  const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

bool exists(const std::string& path) { return std::filesystem::exists(path); }

}  // namespace

TEST_CASE("a client of the status socket gets the document and the end") {
  const TemporaryDirectory directory("status");
  Served served(directory.path() / "a.sock");
  CHECK(text_of(ask(served, "hello")) == "hello");
  CHECK(text_of(ask(served, "again")) == "again");
  const std::string large(3000000, 'x');  // more than the socket takes at once
  CHECK(text_of(ask(served, large)) == large);
  CHECK(served.socket->unfinished() == 0);
}

TEST_CASE(
    "clients that never read cost the status socket neither time nor more than a few buffers") {
  const TemporaryDirectory directory("status");
  Served served(directory.path() / "a.sock");
  served.text = std::string(1000000, 'x');
  std::vector<Descriptor> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(connect_to(served.socket->path()));
    served.reactor.run_once(0ms);
  }
  CHECK(served.socket->unfinished() == 16);
  CHECK(text_of(ask(served, "hello")) == "hello");
  clients.clear();
  served.reactor.run_once(0ms);
  CHECK(served.socket->unfinished() == 0);
}

TEST_CASE("the status socket is for its owner alone, and is removed at the end") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "a.sock";
  {
    const Served served(path);
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600);
  }
  CHECK_FALSE(exists(path));
}

TEST_CASE("a socket file that another peer has made meanwhile is left alone") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "a.sock";
  auto first = std::make_unique<Served>(path);
  std::filesystem::remove(path);
  Served second(path);
  first.reset();
  CHECK(exists(path));
  CHECK(text_of(ask(second, "second")) == "second");
}

TEST_CASE("a stale socket file is recognised and removed by the first process that meets it") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "a.sock";
  leave_stale_file(path);
  CHECK(nobody(path));
  CHECK_FALSE(exists(path));
  CHECK(nobody(path));

  leave_stale_file(path);
  Served served(path);
  CHECK(text_of(ask(served, "hello")) == "hello");
}

TEST_CASE("a peer that somebody asks while it starts keeps its socket") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "a.sock";
  std::atomic<bool> done = false;
  std::thread asks([&] {
    while (!done) (void)tidegate::io::connect_to_unix(path);
  });
  int lost = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto listener = tidegate::io::UnixListener::open(path);
    if (!listener || !exists(path)) ++lost;
  }
  done = true;
  asks.join();
  CHECK(lost == 0);
}

TEST_CASE("two peers can't have the same status socket") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "a.sock";
  const Served first(path);
  CHECK(refusal(path).find("--name") != std::string::npos);
}

TEST_CASE("a file that is no socket is never removed") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "default-a.sock";
  std::ofstream(path) << "precious";
  CHECK(refusal(path).find("is not a socket") != std::string::npos);
  CHECK(find_peer_sockets({directory.path()}).empty());
  CHECK(exists(path));
}

TEST_CASE("a path that is too long for a socket is refused with the limit") {
  const auto why = refusal("/tmp/" + std::string(200, 'x'));
  CHECK(why.find("107") != std::string::npos);
  CHECK(why.find("--socket") != std::string::npos);
  CHECK_FALSE(read_status("/tmp/" + std::string(200, 'x'), 1s).ok());
}

TEST_CASE("a peer that has stopped does not detain its client") {
  const TemporaryDirectory directory("status");
  const Served served(directory.path() / "a.sock");
  const auto answer = read_status(served.socket->path(), 50ms);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().message.find("does not answer") != std::string::npos);
}

TEST_CASE("sockets are found with the mesh and the name that the peer gave") {
  const TemporaryDirectory directory("status");
  const std::vector<std::pair<std::string, std::string>> peers = {
      {"default", "a"}, {"my-mesh", "web-1/2 \xc3\xa4"}, {"my", "mesh-a"}};
  std::vector<std::unique_ptr<Served>> sockets;
  sockets.reserve(peers.size());
  for (const auto& [mesh, name] : peers) {
    sockets.push_back(std::make_unique<Served>(directory.path() / socket_file_name(mesh, name)));
  }
  const auto found = find_peer_sockets({"/nonexistent", directory.path()});
  REQUIRE(found.size() == 3);
  CHECK(found[0].mesh == "default");
  CHECK(found[1].mesh == "my");
  CHECK(found[1].name == "mesh-a");
  CHECK(found[2].mesh == "my-mesh");
  CHECK(found[2].name == "web-1/2 \xc3\xa4");
}

TEST_CASE("a service, a login session and root have their own places for sockets") {
  CHECK(socket_directories({.runtime_directory = "/run/a:/run/b", .user = 5}).front() == "/run/a");
  CHECK(socket_directories({.xdg_runtime_directory = "/run/user/5", .user = 5}).front() ==
        "/run/user/5/tidegate");
  CHECK(socket_directories({.user = 5}).front() == "/tmp/tidegate-5");
  CHECK(socket_directories({.user = 0}).front() == "/run/tidegate");
  // Root looks at those of the other users too.
  const auto of_root =
      socket_directories({.user = 0, .of_others = {"/tmp/tidegate-0", "/tmp/tidegate-5"}});
  CHECK(of_root == std::vector<std::string>{"/run/tidegate", "/tmp/tidegate-0", "/tmp/tidegate-5"});
}

TEST_CASE("a directory that others could change is no place for a socket") {
  const TemporaryDirectory directory("status");
  const std::string path = directory.path() / "sockets";
  CHECK_FALSE(prepare_socket_directory(path).has_value());
  CHECK_FALSE(prepare_socket_directory(path).has_value());
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0700);

  REQUIRE(chmod(path.c_str(), 0777) == 0);
  CHECK(prepare_socket_directory(path).has_value());
  const std::string link = directory.path() / "link";
  std::filesystem::create_symlink(path, link);
  CHECK(prepare_socket_directory(link).has_value());
  CHECK(prepare_socket_directory("/nonexistent/a").has_value());
}
