// STOMP over WebSocket at the HTTP server of `tidegate peer`, with a client of Debian and with
// bytes that no library would send.
#include <chrono>
#include <csignal>
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "lib/stomp/frame_reader.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/stomp/hand_written.hpp"
#include "tests/paths.hpp"
#include "tests/support/raw_websocket.hpp"
#include "tests/support/raw_zmtp.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

// A peer with an HTTP server.
struct Served {
  explicit Served(const CommandMesh& mesh, const Arguments& more = {})
      : port(unused_port()), peer(mesh.start(arguments(port, more))) {
    wait_for_log(peer, "STOMP clients may connect to ws://127.0.0.1:");
  }

  static Arguments arguments(std::uint16_t port, const Arguments& more) {
    Arguments all{"peer", "--name", "served", "--http", "127.0.0.1:" + std::to_string(port)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string get(const std::string& target, const std::string& lines = "") const {
    return http_answer(port, "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" +
                                 std::to_string(port) + "\r\n" + lines + "\r\n");
  }

  std::uint16_t port;
  Process peer;
};

// A STOMP client on a WebSocket.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket(port) {}

  Client& connect() {
    socket.send(RawWebSocket::text, "CONNECT\naccept-version:1.2\nhost:x\n\n\0"s);
    CHECK(frame().command == "CONNECTED");
    reader_.follow(stomp::Version::v1_2);
    return *this;
  }
  // The next frame; "END" when a close frame comes, or the end of the connection.
  stomp::Frame frame() {
    while (true) {
      auto frame = reader_.next();
      REQUIRE(frame.ok());
      if (*frame) return std::move(**frame);
      const auto message = socket.next();
      if (message.opcode != RawWebSocket::binary) {
        close_code = message.code();
        return {"END", {}, ""};
      }
      reader_.add(message.payload);
    }
  }
  // Its RECEIPT, as "RECEIPT id".
  std::string receipt() {
    const auto got = frame();
    const auto* id = got.find("receipt-id");
    return got.command + " " + (id == nullptr ? "" : *id);
  }

  RawWebSocket socket;
  unsigned close_code = 0;

 private:
  stomp::FrameReader reader_{std::size_t{32} << 20U};
};

std::string send_of(const std::string& topic, const std::string& receipt, const std::string& body) {
  return "SEND\ndestination:" + topic + "\ndepends:none\nreceipt:" + receipt +
         "\ncontent-length:" + std::to_string(body.size()) + "\n\n" + body + "\0"s;
}

std::string subscribe_to(const std::string& destination) {
  return "SUBSCRIBE\nid:1\ndestination:" + destination + "\nreceipt:s\n\n\0"s;
}

std::string status_of(const std::string& answer) {
  return answer.substr(0, answer.find(' ', answer.find(' ') + 1));
}

}  // namespace

TEST_CASE("both doors take the sockets that the service manager hands over, each its own") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "activated").string();
  const auto port = unused_port();
  const std::string starter = TIDEGATE_SOURCE_ROOT "/tests/live/stomp/socket_activation.py";
  auto command = mesh.command({"peer", "--door", "systemd", "--http", "systemd"});
  const auto sockets = "http:" + std::to_string(port) + "," + path;
  command.arguments.insert(command.arguments.begin(), {"/usr/bin/python3", starter, sockets});
  Process peer(command);
  HandWritten(path).connect();
  Client(port).connect();
  const auto open = "http:0.0.0.0:" + std::to_string(unused_port());
  command = mesh.command({"peer", "--http", "systemd"});
  command.arguments.insert(command.arguments.begin(), {"/usr/bin/python3", starter, open});
  const auto refused = CommandMesh::finish(Process(command));
  CHECK(refused.status == 1);
  CHECK(contains(refused.errors, "would be open to a network"));
  const auto without = mesh.run({"peer", "--http", "systemd"});
  CHECK(without.status == 1);
  CHECK(contains(without.errors, "FileDescriptorName=http"));
}

TEST_CASE("STOMP goes over a WebSocket in text and binary messages, however its frames are cut") {
  const CommandMesh mesh;
  const Served served(mesh);
  Client client(served.port);
  CHECK(contains(client.socket.opening(), "101 Switching Protocols"));
  CHECK(lacks(client.socket.opening(), "Sec-WebSocket-Protocol"));
  client.connect();
  const std::string body("a\0b\xff\n", 5);
  const auto frames = subscribe_to("jobs/*") + send_of("jobs/1", "1", body);
  client.socket.send(RawWebSocket::binary, frames.substr(0, 20), false);
  client.socket.send(RawWebSocket::ping, "are you there");
  client.socket.send(RawWebSocket::continued, frames.substr(20, 30), false);
  client.socket.send(RawWebSocket::continued, "", false);
  client.socket.send(RawWebSocket::continued, frames.substr(50, 1));
  client.socket.send(RawWebSocket::binary, frames.substr(51));
  const auto pong = client.socket.next();
  CHECK(pong.opcode == RawWebSocket::pong);
  CHECK(pong.payload == "are you there");
  CHECK(client.receipt() == "RECEIPT s");
  CHECK(client.receipt() == "RECEIPT 1");
  CHECK(client.frame().body == body);
  client.socket.send(RawWebSocket::text, send_of("jobs/2", "2", "text"));
  CHECK(client.receipt() == "RECEIPT 2");
  CHECK(client.frame().body == "text");
  client.socket.send(RawWebSocket::text, "DISCONNECT\nreceipt:bye\n\n\0"s);
  CHECK(client.receipt() == "RECEIPT bye");
  CHECK(client.frame().command == "END");
  CHECK(client.close_code == 1000);
}

TEST_CASE("a client of Debian talks STOMP over WebSocket to clients of other doors") {
  const CommandMesh mesh;
  const auto tcp = std::to_string(unused_port());
  const Served served(mesh, {"--door", "tcp:127.0.0.1:" + tcp});
  Command command;
  command.arguments = {"/usr/bin/python3",
                       TIDEGATE_SOURCE_ROOT "/tests/live/stomp/over_websocket.py",
                       std::to_string(served.port), tcp};
  command.output = Stream::pipe;
  command.errors = Stream::pipe;
  const auto ran = CommandMesh::finish(Process(command));
  CHECK(ran.errors == "");
  CHECK(ran.output == "done\n");
}

TEST_CASE("a web page uses the peer only if it is the peer's own, or is named") {
  const CommandMesh mesh;
  Served served(mesh, {"--http-origin", "https://App.example.org:443", "--http-origin",
                       "http://127.0.0.1:3000"});
  const auto own = "localhost:" + std::to_string(served.port);
  const auto opened_by = [&](const std::string& origin) {
    return status_of(RawWebSocket(served.port, "Origin: " + origin + "\r\n").opening());
  };
  for (const auto& origin :
       {"http://" + own, "https://app.example.org"s, "http://127.0.0.1:3000"s}) {
    CAPTURE(origin);
    CHECK(opened_by(origin) == "HTTP/1.1 101");
  }
  for (const auto& origin :
       {"http://localhost"s, "http://localhost:3000"s, "https://example.org"s, "null"s,
        "https://app.example.org.evil.example"s, "http://evil.example/" + own, ""s}) {
    CAPTURE(origin);
    CHECK(opened_by(origin) == "HTTP/1.1 403");
  }
  wait_for_log(served.peer, "web pages of http://localhost may not use this peer");
  const auto twice = "Origin: http://" + own + "\r\nOrigin: https://evil.example\r\n";
  CHECK(status_of(RawWebSocket(served.port, twice).opening()) == "HTTP/1.1 400");
}

TEST_CASE("a page that gives the peer a name of its own is refused") {
  const CommandMesh mesh;
  const Served served(mesh, {"--http-origin", "https://app.example.org"});
  const auto called = [&](const std::string& lines) {
    return status_of(http_answer(served.port, "GET /stomp HTTP/1.1\r\n" + lines + "\r\n"));
  };
  const auto port = std::to_string(served.port);
  for (const auto& host : {"localhost"s, "LOCALHOST:" + port, "127.0.0.1:" + port, "127.1.2.3"s,
                           "[::1]:" + port, "app.example.org"s}) {
    CAPTURE(host);
    CHECK(called("Host: " + host + "\r\n") == "HTTP/1.1 426");
  }
  for (const auto& host : {"evil.example"s, "evil.example:" + port, "localhost.evil.example"s,
                           "127.0.0.1.evil.example"s, "192.168.0.1"s, ""s}) {
    CAPTURE(host);
    CHECK(called("Host: " + host + "\r\nOrigin: http://" + host + "\r\n") == "HTTP/1.1 421");
  }
  CHECK(called("") == "HTTP/1.1 400");
  CHECK(called("Host: localhost\r\nHost: evil.example\r\n") == "HTTP/1.1 400");
}

TEST_CASE("an HTTP client that asks for something else is told what there is") {
  const CommandMesh mesh;
  const Served served(mesh);
  const auto nothing = served.get("/nowhere");
  CHECK(status_of(nothing) == "HTTP/1.1 404");
  CHECK(contains(nothing, "there is only this here: "));
  CHECK(contains(nothing, " /stomp\n"));
  CHECK(contains(nothing, "X-Content-Type-Options: nosniff"));
  CHECK(status_of(served.get("/stomp/")) == "HTTP/1.1 404");
  const auto plain = served.get("/stomp?a=b");
  CHECK(status_of(plain) == "HTTP/1.1 426");
  CHECK(contains(plain, "Upgrade: websocket"));
  CHECK(status_of(served.get("/no", "Cookie: " + std::string(20000, 'x') + "\r\n")) ==
        "HTTP/1.1 431");
  CHECK(status_of(http_answer(served.port, "CONNECT\n\n\0"s)) == "HTTP/1.1 400");
  const auto post = "POST /no HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" +
                    std::string(100000, 'x');
  CHECK(status_of(http_answer(served.port, post)) == "HTTP/1.1 404");
  const auto head = http_answer(served.port, "HEAD /no HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(head.ends_with("\r\n\r\n"));
  const auto spoken = [&](const std::string& protocols) {
    return RawWebSocket(served.port, "Sec-WebSocket-Protocol: " + protocols + "\r\n").opening();
  };
  CHECK(contains(spoken("v10.stomp, v12.stomp, v11.stomp"), "Sec-WebSocket-Protocol: v12.stomp"));
  CHECK(contains(spoken("mqtt, v10.stomp"), "Sec-WebSocket-Protocol: v10.stomp"));
  CHECK(status_of(spoken("mqtt")) == "HTTP/1.1 400");
  CHECK(status_of(http_answer(served.port, websocket_head(served.port) + "\x81\x80mask")) ==
        "HTTP/1.1 400");
}

TEST_CASE("clients that open connections and say nothing are cut, and shut out nobody") {
  const CommandMesh mesh;
  Served served(mesh);
  const auto start = std::chrono::steady_clock::now();
  std::deque<io::Descriptor> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(connect_tcp(served.port));
  // One stops in the middle of its request.
  const auto half = "GET /stomp HTTP/1.1\r\nHost: loc"s;
  CHECK(send(silent.back().get(), half.data(), half.size(), 0) > 0);
  Client(served.port).connect();
  wait_for_log(served.peer, "that have asked for nothing");
  CHECK(readable(silent.front(), command_bound));
  // The others within 10 seconds.
  CHECK(readable(silent.back(), command_bound));
  CHECK(std::chrono::steady_clock::now() - start > 5s);
}

TEST_CASE("a WebSocket too many is told so, and closed") {
  const CommandMesh mesh;
  const Served served(mesh);
  std::deque<Client> clients;
  for (int i = 0; i < 64; ++i) clients.emplace_back(served.port).connect();
  for (int i = 0; i < 6; ++i) {
    Client one_more(served.port);
    CHECK(contains(one_more.frame().body, "64 clients already"));
    CHECK(one_more.frame().command == "END");
  }
  clients.pop_back();
  CHECK(eventually(command_bound, [&] {
    Client next(served.port);
    next.socket.send(RawWebSocket::text, "CONNECT\naccept-version:1.2\n\n\0"s);
    return next.frame().command == "CONNECTED";
  }));
}

TEST_CASE("a WebSocket message has a bound, and one of the largest payload is below it") {
  const CommandMesh mesh;
  const Served served(mesh, {"--payload-bytes", "2MiB"});
  Client client(served.port);
  client.connect().socket.send(RawWebSocket::text, subscribe_to("t"));
  CHECK(client.receipt() == "RECEIPT s");
  const std::string body(std::size_t{2} << 20U, '\0');
  client.socket.send(RawWebSocket::binary, send_of("t", "r", body));
  CHECK(client.receipt() == "RECEIPT r");
  CHECK(client.frame().body == body);
  client.socket.send(RawWebSocket::binary, std::string(std::size_t{3} << 20U, '\n'));
  CHECK(client.frame().command == "END");
  CHECK(client.close_code == 1009);
}

TEST_CASE("bytes that are no WebSocket frames end the connection") {
  const CommandMesh mesh;
  const Served served(mesh);
  for (const auto& bytes : {"\x81\x05hello"s, std::string(14, '\xff'), "\x83\x80mask"s}) {
    Client client(served.port);
    client.connect().socket.send_bytes(bytes);
    CHECK(client.frame().command == "END");
    CHECK(client.close_code == 1002);
  }
  Client text(served.port);
  text.connect().socket.send(RawWebSocket::text, "\xff\xfe");
  CHECK(text.frame().command == "END");
  CHECK(text.close_code == 1007);
}

TEST_CASE("SENDs over WebSocket that are followed at once by SIGTERM are all answered") {
  const CommandMesh mesh;
  Served served(mesh);
  auto other = mesh.start({"peer", "--name", "other"});
  wait_for(other, "peer_ready");
  wait_for(served.peer, "peer_ready");
  Client client(served.port);
  client.connect();
  Client idle(served.port);
  idle.connect();
  std::string frames;  // at once, as TCP would hold back the small ones for a moment
  for (int i = 0; i < 300; ++i) {
    frames +=
        RawWebSocket::frame(RawWebSocket::text, send_of("t", std::to_string(i), std::to_string(i)));
  }
  client.socket.send_bytes(frames);
  served.peer.send(SIGTERM);
  int receipts = 0;
  auto frame = client.frame();
  for (; frame.command == "RECEIPT"; frame = client.frame()) ++receipts;
  REQUIRE(receipts == 300);
  CHECK(frame.command == "ERROR");
  CHECK(contains(frame.body, "the peer leaves"));
  CHECK(client.frame().command == "END");
  CHECK(client.close_code == 1001);
  CHECK(contains(idle.frame().body, "the peer leaves"));
  CHECK(idle.frame().command == "END");
  CHECK(idle.close_code == 1001);
  for (int i = 0; i < 300; ++i) CHECK(wait_for(other, "delivery")["payload"] == std::to_string(i));
  CHECK(ended(served.peer) == 0);
}

TEST_CASE("a WebSocket that is not read is cut, and the others go on") {
  const CommandMesh mesh;
  Served served(mesh);
  Client slow(served.port);
  slow.connect().socket.send(RawWebSocket::text, subscribe_to("#"));
  CHECK(slow.receipt() == "RECEIPT s");
  Client publisher(served.port);
  publisher.connect();
  // The bound is 64 MiB.
  constexpr int messages = 90;
  for (int i = 0; i < messages; ++i) {
    publisher.socket.send(RawWebSocket::binary, send_of("t", "r", std::string(900'000, 'x')));
  }
  for (int i = 0; i < messages; ++i) CHECK(publisher.receipt() == "RECEIPT r");
  wait_for_log(served.peer, "(ws 127.0.0.1:");
  int heard = 0;
  auto last = slow.frame();
  for (; last.command == "MESSAGE"; last = slow.frame()) ++heard;
  CHECK(heard < messages);
  // Its ERROR has two seconds to be read.
  if (last.command == "ERROR") CHECK(contains(last.body, "too slow"));
  CHECK(slow.frame().command == "END");
}

TEST_CASE("tidegate status counts the clients of a door, however they have come") {
  const CommandMesh mesh;
  const auto tcp = unused_port();
  const Served served(mesh, {"--door", "tcp:127.0.0.1:" + std::to_string(tcp)});
  Client client(served.port);
  client.connect().socket.send(RawWebSocket::text, send_of("t", "1", "text"));
  CHECK(client.receipt() == "RECEIPT 1");
  const auto stranger = connect_tcp(tcp);
  const auto bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"s;
  CHECK(send(stranger.get(), bytes.data(), bytes.size(), 0) > 0);
  const auto door = [&] { return json::parse(mesh.run({"status", "--json"}).output)["door"]; };
  REQUIRE(eventually(command_bound, [&] { return door()["cut_malformed"] == 1; }));
  const auto counts = door();
  CHECK(counts["connected"] == 2);
  CHECK(counts["published"] == 1);
  CHECK(counts["cut_slow"] == 0);
  CHECK(contains(mesh.run({"status"}).output, "connected 2, published 1, cut malformed 1"));
  const auto plain = mesh.start({"peer", "--name", "plain"});
  CHECK(eventually(command_bound, [&] {
    const auto ran = mesh.run({"status", "--json", "--name", "plain"});
    return ran.status == 0 && json::parse(ran.output)["door"].is_null();
  }));
}

TEST_CASE("a durable subscription finds the state file of a peer whose only door is HTTP") {
  const CommandMesh mesh;
  const TemporaryDirectory directory("state");
  const Served served(mesh, {"--state-file", (directory.path() / "state").string()});
  Client client(served.port);
  client.connect().socket.send(RawWebSocket::text,
                               "SUBSCRIBE\nid:1\ndestination:t\nack:client\nreceipt:s\n"
                               "durable-subscription-name:d\n\n\0"s);
  CHECK(client.receipt() == "RECEIPT s");
}

TEST_CASE("an HTTP server that would be open to a network is refused") {
  const CommandMesh mesh;
  const auto ran = mesh.run({"peer", "--http", "0.0.0.0:8080", "--http", "127.0.0.1",
                             "--http-origin", "*", "--door", "tcp:0.0.0.0:61613"});
  CHECK(ran.status == 2);
  CHECK(contains(ran.errors, "'0.0.0.0:8080' would be open to a network"));
  CHECK(contains(ran.errors, "'127.0.0.1' has no port"));
  CHECK(contains(ran.errors, "'*' would let in pages of anybody"));
  CHECK(contains(ran.errors, "'tcp:0.0.0.0:61613' would be open to a network"));
  const Served served(mesh);
  const auto taken = mesh.run({"peer", "--http", "127.0.0.1:" + std::to_string(served.port)});
  CHECK(taken.status == 1);
  CHECK(contains(taken.errors, "Address already in use"));
}
