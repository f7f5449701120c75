// The STOMP door of `tidegate peer` with clients in use, stomp.py and Net::Stomp of Debian, and
// with frames written by hand.
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/stomp/hand_written.hpp"
#include "tests/paths.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

std::string script(const std::string& name) {
  return std::string(TIDEGATE_SOURCE_ROOT) + "/tests/live/stomp/" + name;
}

// Two peers that have met, each with a TCP door.
struct Doors {
  explicit Doors(const CommandMesh& mesh, const Arguments& more = {},
                 const std::string& database = "")
      : port_a(std::to_string(unused_port())),
        port_b(std::to_string(unused_port())),
        a(mesh.start(arguments("a", port_a, more, ""))),
        b(mesh.start(arguments("b", port_b, more, database))) {
    wait_for(a, "peer_ready");
    wait_for(b, "peer_ready");
  }

  static Arguments arguments(const std::string& name, const std::string& port,
                             const Arguments& more, const std::string& database) {
    Arguments all{"peer", "--name", name, "--door", "tcp:127.0.0.1:" + port};
    all.insert(all.end(), more.begin(), more.end());
    if (!database.empty()) all.insert(all.end(), {"--database", database});
    return all;
  }

  std::string port_a;
  std::string port_b;
  Process a;
  Process b;
};

void run_client(const Arguments& arguments) {
  Command command;
  command.arguments = arguments;
  command.output = Stream::pipe;
  command.errors = Stream::pipe;
  const auto ran = CommandMesh::finish(Process(command));
  CHECK(ran.errors == "");
  CHECK(ran.output == "done\n");
  CHECK(ran.status == 0);
}

std::string send_of(const std::string& topic, const std::string& receipt, const std::string& body) {
  return "SEND\ndestination:" + topic + "\ndepends:none\nreceipt:" + receipt + "\n\n" + body +
         "\0"s;
}

}  // namespace

TEST_CASE("stomp.py talks through the doors of two peers in all versions of STOMP") {
  const CommandMesh mesh;
  const Doors doors(mesh);
  for (const auto* version : {"1.0", "1.1", "1.2"}) {
    CAPTURE(version);
    run_client({"/usr/bin/python3", script("stomp_py.py"), doors.port_a, doors.port_b, version});
  }
}

TEST_CASE("Net::Stomp talks through the doors of two peers") {
  const CommandMesh mesh;
  const Doors doors(mesh);
  run_client({"perl", script("net_stomp.pl"), doors.port_a, doors.port_b});
}

TEST_CASE("messages of stomp.py wait for their commit on a real primary and its replica") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 100ms});
  const CommandMesh mesh;
  const Doors doors(mesh, {"--primary", cluster.primary().connection_string()},
                    replica.connection_string());
  for (const auto* version : {"1.1", "1.2"}) {
    run_client(
        {"/usr/bin/python3", script("stomp_py.py"), doors.port_a, doors.port_b, version, "commit"});
  }
}

TEST_CASE("a program on a Unix socket hears others through the door, and they hear it") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto a = mesh.start({"peer", "--name", "a", "--door", "unix:" + path, "--door-mode", "0660"});
  auto b = mesh.start({"peer", "--name", "b"});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0660);
  HandWritten client(path);
  client.connect().write("SUBSCRIBE\nid:1\ndestination:/topic/jobs.*\nreceipt:s\n\n\0"s);
  CHECK(receipt_of(client.frame()) == "RECEIPT s");
  b.write("{\"topic\":\"other\",\"payload\":\"no\"}\n{\"topic\":\"jobs/7\",\"payload\":\"yes\"}\n");
  const auto message = client.frame();
  CHECK(message.body == "yes");
  CHECK(*message.find("destination") == "/topic/jobs.7");
  client.write(send_of("jobs/8", "r", "hello"));
  CHECK(receipt_of(client.frame()) == "RECEIPT r");
  CHECK(wait_for(b, "delivery")["payload"] == "hello");
  // Standard output of that peer is nobody's, so nothing is written there but notices.
  a.send(SIGTERM);
  while (const auto line = a.read_line(command_bound)) {
    CHECK(json::parse(*line)["type"] != "delivery");
  }
}

TEST_CASE("frames that make no sense are answered by an ERROR and the end, and logged") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto peer = mesh.start({"peer", "--door", "unix:" + path});
  for (const auto& bytes : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n"s, "SEND\n\n\0"s, "\0\0\0\0"s,
                            "CONNECT\nno colon\n\n\0"s}) {
    HandWritten client(path);
    client.write(bytes);
    CHECK(client.frame().command == "ERROR");
    CHECK(client.frame().command == "END");
  }
  wait_for_log(peer, "a frame begins with a command, and this is none");
}

TEST_CASE("SENDs that are followed at once by SIGTERM are all sent, or answered as unsent") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto a = mesh.start({"peer", "--name", "a", "--door", "unix:" + path});
  auto b = mesh.start({"peer", "--name", "b"});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  HandWritten client(path);
  client.connect();
  std::string frames;
  for (int i = 0; i < 300; ++i) frames += send_of("t", std::to_string(i), std::to_string(i));
  client.write(frames);
  a.send(SIGTERM);
  int receipts = 0;
  auto frame = client.frame();
  for (; frame.command == "RECEIPT"; frame = client.frame()) ++receipts;
  CHECK(receipts == 300);
  CHECK(frame.command == "ERROR");
  CHECK(contains(frame.body, "the peer leaves"));
  for (int i = 0; i < 300; ++i) CHECK(wait_for(b, "delivery")["payload"] == std::to_string(i));
}

TEST_CASE("a client that does not read is cut, and the others get everything meanwhile") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto a = mesh.start({"peer", "--name", "a", "--door", "unix:" + path});
  auto b = mesh.start({"peer", "--name", "b", "--door", "unix:" + path + "-b"});
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  HandWritten slow(path);
  HandWritten fast(path);
  const auto subscribe = "SUBSCRIBE\nid:1\ndestination:#\nreceipt:s\n\n\0"s;
  for (auto* client : {&slow, &fast}) {
    client->connect().write(subscribe);
    CHECK(receipt_of(client->frame()) == "RECEIPT s");
  }
  HandWritten publisher(path + "-b");
  publisher.connect();
  const std::string body(500'000, 'x');
  int messages = 0;
  // The bound is 64 MiB.
  for (; messages < 180; ++messages) {
    publisher.write(send_of("t", "r", body));
    CHECK(receipt_of(publisher.frame()) == "RECEIPT r");
    CHECK(fast.frame().body.size() == body.size());
  }
  wait_for_log(a, "too slow");
  auto last = slow.frame();
  int heard = 0;
  for (; last.command == "MESSAGE"; last = slow.frame()) ++heard;
  CHECK(heard < messages);
  CHECK(last.command == "ERROR");
  CHECK(slow.frame().command == "END");
  publisher.write(send_of("t", "r", "last"));
  CHECK(fast.frame().body == "last");
}

TEST_CASE("a client too many is told so, and the next one has the place of one that went") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto peer = mesh.start({"peer", "--door", "unix:" + path});
  std::vector<HandWritten> clients;
  for (int i = 0; i < 64; ++i) clients.emplace_back(path).connect();
  HandWritten one_more(path);
  CHECK(contains(one_more.frame().body, "64 clients already"));
  CHECK(one_more.frame().command == "END");
  clients.pop_back();
  CHECK(eventually(command_bound, [&] {
    HandWritten next(path);
    next.write("CONNECT\n\n\0"s);
    return next.frame().command == "CONNECTED";
  }));
}

TEST_CASE("a login is asked for where the environment sets one") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto command = mesh.command({"peer", "--door", "unix:" + path});
  command.environment["TIDEGATE_DOOR_LOGIN"] = "me:se:cret";
  Process peer(command);
  HandWritten stranger(path);
  stranger.write("CONNECT\n\n\0"s);
  CHECK(contains(stranger.frame().body, "Auth"));
  HandWritten client(path);
  client.write("CONNECT\nlogin:me\npasscode:se:cret\n\n\0"s);
  CHECK(client.frame().command == "CONNECTED");
}

TEST_CASE("a door takes the socket that the service manager hands over") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "activated").string();
  auto command = mesh.command({"peer", "--door", "systemd"});
  command.arguments.insert(command.arguments.begin(),
                           {"/usr/bin/python3", script("socket_activation.py"), path});
  Process peer(command);
  HandWritten(path).connect();
  const auto without = mesh.run({"peer", "--door", "systemd"});
  CHECK(without.status == 1);
  CHECK(contains(without.errors, "got no socket"));
}

TEST_CASE("a door that would be open to a network is refused") {
  const CommandMesh mesh;
  const auto refused = [&](const std::string& door) {
    const auto ran = mesh.run({"peer", "--door", door});
    CHECK(ran.status == 2);
    return ran.errors;
  };
  CHECK(contains(refused("tcp:0.0.0.0:61613"), "would be open to a network"));
  CHECK(contains(refused("tcp:192.168.1.2:61613"), "write tcp:127.0.0.1:61613"));
  CHECK(contains(refused("tcp:[::]:61613"), "would be open to a network"));
  CHECK(contains(refused("tcp:127.0.0.1"), "has no port"));
  CHECK(contains(refused("unix:door"), "no path"));
  CHECK(contains(refused("61613"), "write unix:/path"));
}

TEST_CASE("clients of one door get each other's messages") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto peer = mesh.start({"peer", "--door", "unix:" + path});
  HandWritten reader(path);
  reader.connect().write("SUBSCRIBE\nid:1\ndestination:builds/#\nreceipt:s\n\n\0"s);
  CHECK(receipt_of(reader.frame()) == "RECEIPT s");
  HandWritten writer(path);
  writer.connect().write(send_of("builds/42", "r", "hello"));
  CHECK(receipt_of(writer.frame()) == "RECEIPT r");
  const auto message = reader.frame();
  CHECK(message.command == "MESSAGE");
  CHECK(message.body == "hello");
}

TEST_CASE("a client asks whether its write is visible on the replica, and who is behind") {
  Cluster cluster;
  auto& replica = cluster.add_replica();
  const CommandMesh mesh;
  const auto primary = cluster.primary().connection_string();
  const auto door = [&](const std::string& name) { return (mesh.directory() / name).string(); };
  auto a = mesh.start({"peer", "--name", "a", "--door", "unix:" + door("a"), "--primary", primary});
  auto b = mesh.start({"peer", "--name", "b", "--door", "unix:" + door("b"), "--database",
                       replica.connection_string()});
  wait_for(a, "peer_ready");
  wait_for(b, "server_up");
  replica.execute("SELECT pg_wal_replay_pause()");
  cluster.primary().execute("CREATE TABLE seen ()");
  HandWritten writer(door("a"));
  writer.connect().write("SEND\ndestination:a\nreceipt:sent\n\n\0"s);
  const auto token = *writer.frame().find("position");
  HandWritten reader(door("b"));
  reader.connect();
  const auto ask = [&](const std::string& more) {
    reader.write("SEND\ndestination:/tidegate/wait\nreceipt:q\nposition:" + token + more +
                 "\n\n\0"s);
    return reader.frame();
  };
  CHECK(*ask("").find("covered") == "pending");
  const auto everywhere = ask("\neverywhere:true");
  CHECK(*everywhere.find("covered") == "pending");
  CHECK(*everywhere.find("behind") == "b");
  replica.execute("SELECT pg_wal_replay_resume()");
  CHECK(*ask("\ntimeout-ms:10000").find("covered") == "visible");
  CHECK(ask("\ntimeout-ms:10000\neverywhere:true").find("behind") == nullptr);
}

TEST_CASE("a receipt that waits for all peers is given once they have the message") {
  const CommandMesh mesh;
  const auto path = (mesh.directory() / "door").string();
  auto writer = mesh.start({"peer", "--name", "writer", "--door", "unix:" + path});
  auto reader = mesh.start({"peer", "--name", "reader"});
  wait_for(writer, "peer_ready");
  wait_for(reader, "peer_ready");
  HandWritten client(path);
  client.connect().write(
      "SEND\ndestination:a\ndepends:none\nreceipt:r\nreceipt-when:received\n\nhello\0"s);
  const auto receipt = client.frame();
  CHECK(receipt_of(receipt) == "RECEIPT r");
  CHECK(receipt.find("sequence") != nullptr);
  CHECK(receipt.find("without") == nullptr);
  writer.send(SIGKILL);
  CHECK(wait_for(reader, "delivery")["payload"] == "hello");

  // With nobody there it is given at once.
  auto alone = mesh.start({"peer", "--name", "alone", "--door", "unix:" + path + "2"});
  reader.send(SIGTERM);
  HandWritten other(path + "2");
  other.connect().write(
      "SEND\ndestination:a\ndepends:none\nreceipt:r\nreceipt-when:received\n\n\0"
      "DISCONNECT\nreceipt:d\n\n\0"s);
  CHECK(receipt_of(other.frame()) == "RECEIPT r");
  CHECK(receipt_of(other.frame()) == "RECEIPT d");
}
