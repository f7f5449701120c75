// A running peer over HTTP, as the tools of administrators read it: metrics, probes, status, events
// and the page.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <string>

#include <doctest/doctest.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <sys/socket.h>

#include "command/doors/http/http_door.hpp"
#include "command/doors/network_thread.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/command/doors/http/prometheus_text.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"
#include "tests/support/raw_websocket.hpp"
#include "tests/support/raw_zmtp.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

const std::string token = "a-token-of-this-test";

std::string request(std::uint16_t port, const std::string& method, const std::string& target,
                    const std::string& lines = "") {
  return http_answer(port,
                     method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n");
}

// A peer with an HTTP server.
struct Watched {
  explicit Watched(const CommandMesh& mesh, const Arguments& more = {},
                   const std::string& address = "127.0.0.1:", const std::string& secret = "")
      : port(unused_port()), peer(command(mesh, address, more, secret)) {
    wait_for_log(peer, "HTTP is served at http://" + address);
  }

  [[nodiscard]] Command command(const CommandMesh& mesh, const std::string& address,
                                const Arguments& more, const std::string& secret) const {
    Arguments all{"peer", "--name", "watched", "--http", address + std::to_string(port)};
    all.insert(all.end(), more.begin(), more.end());
    auto made = mesh.command(all);
    if (!secret.empty()) made.environment["TIDEGATE_HTTP_TOKEN"] = secret;
    return made;
  }
  [[nodiscard]] std::string get(const std::string& target, const std::string& lines = "") const {
    return request(port, "GET", target, lines);
  }
  [[nodiscard]] Scrape scrape() const { return read_scrape(body(get("/metrics"))); }
  [[nodiscard]] static std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  std::uint16_t port;
  Process peer;
};

std::string status_of(const std::string& answer) {
  return answer.substr(9, answer.find(' ', 9) - 9);
}

// A client of /events.
class Listener {
 public:
  explicit Listener(std::uint16_t port) : socket_(connect_tcp(port)) {
    const auto head = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"s;
    CHECK(send(socket_.get(), head.data(), head.size(), 0) > 0);
  }

  // All that has come once `part` has; "" when it does not come.
  std::string until(const std::string& part) {
    while (read_.find(part) == std::string::npos) {
      pollfd wait{socket_.get(), POLLIN, 0};
      if (poll(&wait, 1, 20'000) <= 0) return "";
      std::string more(65536, '\0');
      const auto got = recv(socket_.get(), more.data(), more.size(), 0);
      if (got <= 0) return "";
      read_.append(more, 0, static_cast<std::size_t>(got));
    }
    return read_;
  }
  // The data of the next event of that name; those before it are skipped.
  json next(const std::string& name) {
    const auto head = "event: " + name + "\ndata: ";
    REQUIRE(!until(head).empty());
    read_.erase(0, read_.find(head) + head.size());
    REQUIRE(!until("\n\n").empty());
    return json::parse(read_.substr(0, read_.find("\n\n")));
  }

 private:
  io::Descriptor socket_;
  std::string read_;
};

}  // namespace

TEST_CASE("metrics, readiness and status of a peer follow a replica that is paused and goes on") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  const auto primary = cluster.primary().connection_string();
  Watched watched(mesh, {"--database", replica.connection_string(), "--subscribe", "#"});
  CHECK(eventually(command_bound, [&] { return status_of(watched.get("/readyz")) == "200"; }));
  replica.execute("SELECT pg_wal_replay_pause()");
  const auto pub = mesh.run({"pub", "made", "x", "--primary", primary, "--after",
                             "CREATE TABLE t ()", "--json", "--peers", "1"});
  CAPTURE(pub.errors);
  REQUIRE(eventually(command_bound,
                     [&] { return watched.scrape().samples["tidegate_held_messages"] == 1; }));
  CHECK(eventually(command_bound,
                   [&] { return status_of(watched.get("/readyz?lag=500ms")) == "503"; }));
  CHECK(json::parse(Watched::body(watched.get("/status")))["held"] == 1);
  replica.execute("SELECT pg_wal_replay_resume()");
  wait_for(watched.peer, "delivery");
  CHECK(status_of(watched.get("/readyz?lag=500ms")) == "200");
  auto read = watched.scrape();
  CHECK(read.problems.empty());
  CHECK(read.samples["tidegate_held_seconds_count"] == 1);
  CHECK(read.samples["tidegate_held_seconds_sum"] > 0.5);
  CHECK(read.samples["tidegate_release_delay_seconds_count"] == 1);
  CHECK(read.samples["tidegate_release_delay_seconds_sum"] < 0.5);
  CHECK(read.samples["tidegate_replay_read_seconds_count"] > 0);
  CHECK(read.samples["tidegate_server_up{server=\"database\"}"] == 1);
}

TEST_CASE("a peer whose loop hangs does not say that it is well") {
  io::Reactor hanging;  // nobody turns it
  spdlog::logger log("quiet");
  const auto thread = doors::NetworkThread::start(hanging);
  REQUIRE(thread);
  const auto port = unused_port();
  http_door::HttpOptions options;
  options.addresses.emplace_back(base::Endpoint{"127.0.0.1", port});
  const auto door = http_door::HttpDoor::open(
      options, **thread, hanging, [](auto, const auto&) {}, [] { return json_lines::PeerReport(); },
      log);
  REQUIRE(door);
  for (const auto* path : {"/healthz", "/readyz", "/metrics"}) {
    const auto answer = request(port, "GET", path);
    CHECK(status_of(answer) == "503");
    CHECK(contains(Watched::body(answer), "this peer does not answer"));
  }
}

TEST_CASE("what is served is typed, is never stored, and is there to be read alone") {
  const CommandMesh mesh;
  const Watched watched(mesh);
  const auto metrics = watched.get("/metrics?any=thing");
  CHECK(status_of(metrics) == "200");
  CHECK(contains(metrics, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(contains(metrics, "Cache-Control: no-store\r\n"));
  CHECK(contains(watched.get("/status"), "Content-Type: application/json\r\n"));
  CHECK(Watched::body(watched.get("/healthz")) == "ok\n");
  CHECK(status_of(watched.get("/readyz?lag=soon")) == "400");
  const auto head = request(watched.port, "HEAD", "/metrics");
  CHECK(status_of(head) == "200");
  CHECK(contains(head, "Content-Length: "));
  CHECK(head.find("Content-Length: 0\r\n") == std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    CAPTURE(method);
    const auto refused = request(watched.port, method, "/metrics");
    CHECK(status_of(refused) == "405");
    CHECK(contains(refused, "Allow: GET, HEAD\r\n"));
  }
  CHECK(status_of(watched.get("/metrics", "Origin: https://evil.example\r\n")) == "403");
  CHECK(status_of(http_answer(watched.port,
                              "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")) == "421");
}

TEST_CASE("an HTTP server with a token may be open to a network, and answers those that have it") {
  const CommandMesh mesh;
  const Watched watched(mesh, {}, "0.0.0.0:", token);
  for (const auto* target : {"/metrics", "/status", "/events", "/", "/nowhere", "/stomp"}) {
    CAPTURE(target);
    const auto refused = watched.get(target);
    CHECK(status_of(refused) == "401");
    CHECK(contains(refused, "WWW-Authenticate: Basic realm=\"tidegate\""));
    CHECK(status_of(watched.get(target, "Authorization: Bearer wrong\r\n")) == "401");
  }
  CHECK(status_of(watched.get("/metrics", "Authorization: Bearer " + token + "\r\n")) == "200");
  CHECK(status_of(watched.get("/healthz")) == "200");
  CHECK(status_of(watched.get("/readyz")) == "200");
}

TEST_CASE("a token stands in the environment, and nowhere else") {
  const CommandMesh mesh;
  const auto given = mesh.run({"peer", "--http-token", token});
  CHECK(given.status == 2);
  auto command = mesh.command({"peer", "--check", "--http", "127.0.0.1:1"});
  command.environment["TIDEGATE_HTTP_TOKEN"] = "short";
  const auto checked = CommandMesh::finish(Process(command));
  CHECK(checked.status == 2);
  CHECK(contains(checked.errors, "openssl rand -hex 32"));
}

TEST_CASE("events tell the status at once, and deliveries without their payload") {
  const CommandMesh mesh;
  Watched watched(mesh, {"--subscribe", "#"});
  auto other = mesh.start({"peer", "--name", "other"});
  wait_for(watched.peer, "peer_ready");
  wait_for(other, "peer_ready");
  Listener listener(watched.port);
  CHECK(contains(listener.until("\r\n\r\n"), "Content-Type: text/event-stream\r\n"));
  CHECK(listener.next("status")["name"] == "watched");
  other.write("{\"topic\":\"builds/1\",\"payload\":\"secret\"}\n");
  const auto told = listener.next("deliveries");
  CHECK(told["delivered"] == 1);
  REQUIRE(told["newest"].size() == 1);
  CHECK(told["newest"][0]["topic"] == json{"builds", "1"});
  CHECK(told["newest"][0]["bytes"] == 6);
  CHECK(told["newest"][0]["name"] == "other");
  CHECK(told.dump().find("secret") == std::string::npos);
  // A change is told before the second is over, so at least one of the next statuses shows it.
  other.send(SIGTERM);
  for (int i = 0; i < 20; ++i) {
    const auto status = listener.next("status");
    if (status["peers"][0]["state"] == "left") return;
  }
  FAIL("nobody has told that the other peer has left");
}

TEST_CASE("clients of events have a bound, and the place of one that leaves is free again") {
  const CommandMesh mesh;
  const Watched watched(mesh);
  std::deque<Listener> listeners;
  for (int i = 0; i < 16; ++i) {
    listeners.emplace_back(watched.port);
    (void)listeners.back().next("status");
  }
  CHECK(status_of(watched.get("/events")) == "503");
  listeners.pop_back();
  CHECK(eventually(command_bound, [&] {
    Listener next(watched.port);
    return contains(next.until("\r\n\r\n"), " 200 OK");
  }));
}

TEST_CASE("the page is one file that loads nothing else") {
  const CommandMesh mesh;
  const Watched watched(mesh);
  const auto page = watched.get("/");
  CHECK(status_of(page) == "200");
  CHECK(page.size() < 100'000);
  CHECK(contains(page, "Content-Type: text/html; charset=utf-8\r\n"));
  CHECK(contains(page, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
  CHECK(page.find("unsafe") == std::string::npos);
  for (const auto* outside : {" src=", "@import", "stylesheet", "https://"}) {
    CAPTURE(outside);
    CHECK(Watched::body(page).find(outside) == std::string::npos);
  }
}

TEST_CASE("promtool, where it is installed, has nothing to say about metrics and alert rules") {
  if (std::system("command -v promtool >/dev/null") != 0) return;  // of Debian's prometheus
  const auto checked = [](const Arguments& arguments, const std::string& input) {
    Command command;
    command.arguments = arguments;
    command.input = Stream::pipe;
    command.output = Stream::pipe;
    command.errors = Stream::merge;
    return CommandMesh::finish(Process(command), input);
  };
  const CommandMesh mesh;
  const Watched watched(mesh);
  const auto metrics =
      checked({"promtool", "check", "metrics"}, Watched::body(watched.get("/metrics")));
  CHECK(metrics.status == 0);
  CHECK(metrics.output == "");
  CHECK(checked({"promtool", "check", "rules", TIDEGATE_SOURCE_ROOT "/docs/monitoring/alerts.yml"},
                "")
            .status == 0);
}
