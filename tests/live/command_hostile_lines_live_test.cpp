// Input that nobody writes on purpose for a peer: deep, endless or with countless members, on
// standard input, on the socket of `pub` and in the file with the settings. Each costs its writer
// an error, and the peer next to nothing.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include "peer/io/listener.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/support/sanitized.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() + text.size() <= bytes) all += text;
  return all;
}

// The most memory that a process has had, in megabytes.
std::size_t peak_memory(const Process& process) {
  std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

std::string publish_socket_of(const std::string& suffix, const CommandMesh& mesh) {
  for (const auto& entry : std::filesystem::directory_iterator(mesh.sockets())) {
    if (entry.path().string().ends_with(suffix)) return entry.path().string();
  }
  return "";
}

// Until the other side has closed it.
std::string all_from(const tidegate::io::Descriptor& socket) {
  std::string all;
  const auto end = std::chrono::steady_clock::now() + command_bound;
  while (std::chrono::steady_clock::now() < end) {
    pollfd entry{socket.get(), POLLIN, 0};
    if (poll(&entry, 1, 100) <= 0) continue;
    std::string part(65536, '\0');
    const auto count = recv(socket.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (count <= 0) break;
    all.append(part, 0, static_cast<std::size_t>(count));
  }
  return all;
}

std::string many_members() {
  std::string text = "{";
  for (int i = 0; i < 300000; ++i) text += "\"m" + std::to_string(i) + "\":1,";
  return text + "\"topic\":\"a\"}";
}

// Of a peer with the usual payload-bytes.
constexpr std::size_t longest = 6'000'000;

}  // namespace

TEST_CASE("a line of six megabytes of brackets or members neither stops a peer nor fills it") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer"});
  peer.write("{\"topic\":\"x\",\"id\":\"before\"}\n");
  CHECK(wait_for(peer, "sent")["id"] == "before");
  const auto before = peak_memory(peer);
  const std::vector<std::pair<std::string, std::string>> lines = {
      {repeated("[", longest), "deeper"},
      {repeated("[", longest / 2) + repeated("]", longest / 2), "deeper"},
      {repeated("{\"a\":", longest), "deeper"},
      {"[\"trust\"," + repeated("[", longest), "deeper"},
      {"{\"topic\":[" + repeated("0,", longest) + "0]}", "more than 1024 values"},
      {many_members(), "more than 64 members"},
      {repeated("x", 3 * longest), "longer than any message"},
  };
  std::uint64_t number = 1;
  for (const auto& one : lines) {
    const auto& [line, reason] = one;
    CAPTURE(one.first.substr(0, 20));
    CAPTURE(number);
    const auto begin = std::chrono::steady_clock::now();
    peer.write(line + "\n{\"topic\":\"x\",\"id\":" + std::to_string(++number) + "}\n");
    const auto error = wait_for(peer, "error");
    CHECK(error["line"] == 2 * (number - 1));
    CHECK(contains(error["message"], reason));
    CHECK(wait_for(peer, "sent")["id"] == number);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
  CHECK(peak_memory(peer) - before < memory_bound(50));
}

TEST_CASE("a client of the publish socket that reads no answer does not fill the peer") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const auto before = peak_memory(pair.a);
  const auto socket = tidegate::io::connect_to_unix(publish_socket_of("-a.sock.pub", mesh));
  REQUIRE(socket.ok());
  REQUIRE(*socket);
  const auto nonsense = repeated("x\n", 60000);
  // Each line has an answer, so the peer stops to read once those that wait are many.
  std::size_t sent = 0;
  bool stopped = false;
  for (const auto end = std::chrono::steady_clock::now() + 30s;
       !stopped && std::chrono::steady_clock::now() < end;) {
    const auto count =
        send(socket->get(), nonsense.data(), nonsense.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    pollfd room{.fd = socket->get(), .events = POLLOUT, .revents = 0};
    stopped = poll(&room, 1, 1000) == 0;
  }
  CHECK(stopped);
  CHECK(peak_memory(pair.a) - before < memory_bound(30));
  CHECK(mesh.run({"pub", "good", "1", "--name", "a"}).status == 0);
  CHECK(wait_for(pair.b, "delivery")["topic"] == json{"good"});

  // Once it reads it gets the answer to each of its lines, the last one unfinished.
  REQUIRE(shutdown(socket->get(), SHUT_WR) == 0);
  const auto answers = all_from(*socket);
  CHECK(answers.find("\"line\":" + std::to_string((sent + 1) / 2) + ",") != answers.npos);
}

TEST_CASE("a file of settings that is endless, deep or another program's is refused at once") {
  const CommandMesh mesh;
  const auto refused = [&](const std::string& text) {
    const auto path = mesh.directory() / "settings.toml";
    std::ofstream(path) << text;
    const auto ran = mesh.run({"peer", "--check", "--config", path.string()});
    CHECK(ran.status == 2);
    return ran.errors;
  };
  CHECK(contains(refused(repeated("a.", 200000) + "a = 1\n"), "more dots"));
  CHECK(contains(refused("[" + repeated("a.", 200000) + "a]\n"), "more dots"));
  CHECK(contains(refused("a = " + repeated("[", 200000)), "nested"));
  CHECK(contains(refused(repeated("#", 300000)), "more than 262144 bytes"));
  std::string keys;
  for (int i = 0; i < 10000; ++i) keys += "key" + std::to_string(i) + " = 1\n";
  CHECK(contains(refused(keys), "another program's file"));
  const auto endless = mesh.run({"peer", "--check", "--config", "/dev/zero"});
  CHECK(endless.status == 2);
  CHECK(contains(endless.errors, "more than 262144 bytes"));
}
