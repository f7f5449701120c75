// TLS in front of the TCP ports of a door and of HTTP, with stomp.py, with Python's HTTP client,
// and with clients that shake no hands.
#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/live/host_peer.hpp"
#include "tests/paths.hpp"
#include "tests/support/raw_zmtp.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

constexpr const char* http_token = "a-token-of-this-test";

// A certificate that stands for itself, with its key.
struct Certificate {
  Certificate(const std::filesystem::path& directory, const std::string& name,
              const std::string& address = "127.0.0.1")
      : file((directory / (name + ".pem")).string()), key((directory / (name + ".key")).string()) {
    run({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                       "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                       "/CN=" + name, "-addext", "subjectAltName=IP:" + address, "-keyout", key,
                       "-out", file},
         .output = Stream::pipe,
         .errors = Stream::pipe},
        20s);
    std::filesystem::permissions(key, std::filesystem::perms(0600));
  }
  [[nodiscard]] Arguments options(const std::string& door) const {
    return {"--door", door, "--door-certificate", file, "--door-certificate-key", key};
  }

  std::string file;
  std::string key;
};

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// `prefix`: of the command, to run it in a network of its own.
Process start_peer(const CommandMesh& mesh, const Arguments& options,
                   const Arguments& prefix = {}) {
  auto command = mesh.command(Arguments{"peer", "--name", "served"} + options);
  command.arguments = prefix + command.arguments;
  command.environment["TIDEGATE_DOOR_LOGIN"] = "me:secret";
  command.environment["TIDEGATE_HTTP_TOKEN"] = http_token;
  return Process(command);
}

Ran run_stomp_py(const std::string& host, std::uint16_t port, const Certificate& trusted,
                 const std::string& passcode = "secret", const Arguments& prefix = {}) {
  const std::string script = TIDEGATE_SOURCE_ROOT "/tests/live/stomp/over_tls.py";
  Command command;
  command.arguments = prefix + Arguments{"/usr/bin/python3", script, host,    std::to_string(port),
                                         trusted.file,       "me",   passcode};
  command.output = Stream::pipe;
  command.errors = Stream::pipe;
  return CommandMesh::finish(Process(command));
}

// Asks for a path by HTTPS; the status, the body and, on failure, why.
Ran ask_https(const std::string& host, std::uint16_t port, const std::string& path,
              const Certificate& trusted, const Arguments& prefix) {
  constexpr auto* script =
      "import ssl, sys, urllib.request as http\n"
      "url, trusted, token = sys.argv[1:]\n"
      "request = http.Request(url, headers={'Authorization': 'Bearer ' + token})\n"
      "context = ssl.create_default_context(cafile=trusted)\n"
      "with http.urlopen(request, timeout=20, context=context) as answer:\n"
      "    print(answer.status, answer.read().decode())\n";
  Command command;
  command.arguments = prefix + Arguments{"/usr/bin/python3",
                                         "-c",
                                         script,
                                         "https://" + host + ":" + std::to_string(port) + path,
                                         trusted.file,
                                         http_token};
  command.output = command.errors = Stream::pipe;
  return CommandMesh::finish(Process(command));
}

// stomp.py closes while its other thread reads, which may say so.
void is_done(const Ran& ran) {
  CAPTURE(ran.errors);
  CHECK((ran.errors.empty() || contains(ran.errors, "EOF occurred in violation of protocol")));
  CHECK(ran.output == "done\n");
}

// All that comes until the other end closes, or nothing comes within the bound of a step.
std::string rest_of(const io::Descriptor& socket) {
  std::string all;
  std::string buffer(65536, '\0');
  while (readable(socket, command_bound)) {
    const auto got = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return all;
    all.append(buffer, 0, static_cast<std::size_t>(got));
  }
  return all + " and no end";
}

}  // namespace

TEST_CASE("stomp.py talks to a door by TLS, and only with the login") {
  const CommandMesh mesh;
  const Certificate certificate(mesh.directory(), "served");
  const auto port = unused_port();
  auto peer = start_peer(mesh, certificate.options("tcp:127.0.0.1:" + std::to_string(port)));
  wait_for_log(peer, "127.0.0.1:" + std::to_string(port) + " by TLS");
  const auto good = run_stomp_py("127.0.0.1", port, certificate);
  is_done(good);
  CHECK(run_stomp_py("127.0.0.1", port, certificate, "wrong").status != 0);
  wait_for_log(peer, "Authentication failed");
  const Certificate other(mesh.directory(), "other");
  CHECK(run_stomp_py("127.0.0.1", port, other).status != 0);
  wait_for_log(peer, "has not made a handshake of TLS: ");
}

TEST_CASE("clients that shake no hands at a TLS port are cut, and the others go on") {
  const CommandMesh mesh;
  const Certificate certificate(mesh.directory(), "served");
  const auto port = unused_port();
  auto peer = start_peer(mesh, certificate.options("tcp:127.0.0.1:" + std::to_string(port)));
  wait_for_log(peer, " by TLS");
  // Plain bytes get nothing that a client of STOMP could take for an answer.
  const auto plain = connect_tcp(port);
  const auto frame = "CONNECT\nlogin:me\npasscode:secret\naccept-version:1.2\n\n\0"s;
  CHECK(send(plain.get(), frame.data(), frame.size(), 0) > 0);
  CHECK(lacks(rest_of(plain), "CONNECTED"));
  wait_for_log(peer, "has not made a handshake of TLS: ");
  std::deque<io::Descriptor> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(connect_tcp(port));
  const auto half = "\x16\x03\x01"s;
  CHECK(send(silent.back().get(), half.data(), half.size(), 0) > 0);
  const auto good = run_stomp_py("127.0.0.1", port, certificate);
  is_done(good);
  for (const auto& socket : silent) CHECK(lacks(rest_of(socket), "no end"));
}

TEST_CASE("a TLS client gets the last frames of a peer that leaves") {
  const CommandMesh mesh;
  const Certificate certificate(mesh.directory(), "served");
  const auto port = std::to_string(unused_port());
  auto peer = start_peer(mesh, certificate.options("tcp:127.0.0.1:" + port));
  wait_for_log(peer, " by TLS");
  Process client({.arguments = {"openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
                                certificate.file, "-connect", "127.0.0.1:" + port},
                  .input = Stream::pipe,
                  .output = Stream::pipe,
                  .errors = Stream::null});
  client.write("CONNECT\nlogin:me\npasscode:secret\naccept-version:1.2\n\n\0"s);
  CHECK(client.read_line(command_bound) == "CONNECTED");
  peer.send(SIGTERM);
  std::string all;
  while (const auto line = client.read_line(command_bound)) all += *line + "\n";
  CHECK(contains(all, "ERROR\n"));
  CHECK(contains(all, "the peer leaves"));
  CHECK(ended(peer) == 0);
}

TEST_CASE("a door is open to a network with a certificate and a login, and not otherwise") {
  const CommandMesh mesh;
  const NetworkNamespace network;
  network.run("ip address add 10.17.99.1/32 dev lo");
  const Certificate certificate(mesh.directory(), "served", "10.17.99.1");
  const auto options = certificate.options("tcp:10.17.99.1:61613");
  auto peer = start_peer(mesh, options, network.prefix());
  wait_for_log(peer, "10.17.99.1:61613 by TLS");
  const auto good = run_stomp_py("10.17.99.1", 61613, certificate, "secret", network.prefix());
  is_done(good);
  const auto without_login = mesh.run(Arguments{"peer"} + options);
  CHECK(without_login.status == 2);
  CHECK(contains(without_login.errors, "set TIDEGATE_DOOR_LOGIN=NAME:PASSCODE"));
  const auto without_certificate = mesh.run({"peer", "--door", "tcp:10.17.99.1:61613"});
  CHECK(without_certificate.status == 2);
  CHECK(contains(without_certificate.errors, "give the peer --door-certificate"));
}

TEST_CASE(
    "HTTP outside loopback speaks TLS where there is a certificate, and on loopback it does not") {
  const CommandMesh mesh;
  const NetworkNamespace network;
  network.run("ip address add 10.17.99.1/32 dev lo");
  const Certificate certificate(mesh.directory(), "served", "10.17.99.1");
  auto peer =
      start_peer(mesh,
                 {"--http", "10.17.99.1:15674", "--http", "127.0.0.1:15674", "--door-certificate",
                  certificate.file, "--door-certificate-key", certificate.key},
                 network.prefix());
  wait_for_log(peer, "HTTP is served at https://10.17.99.1:15674/");
  wait_for_log(peer, "HTTP is served at http://127.0.0.1:15674/");
  const auto prefix = network.prefix();
  const auto good = ask_https("10.17.99.1", 15674, "/status", certificate, prefix);
  CAPTURE(good.errors);
  CHECK(contains(good.output, "200 {"));
  CHECK(contains(good.output, "\"name\":\"served\""));
  const Certificate other(mesh.directory(), "other", "10.17.99.1");
  CHECK(ask_https("10.17.99.1", 15674, "/status", other, prefix).status != 0);
  wait_for_log(peer, "has not made a handshake of TLS: ");
  CHECK(contains(ask_https("127.0.0.1", 15674, "/readyz", certificate, prefix).errors,
                 "WRONG_VERSION_NUMBER"));
}

TEST_CASE("callers that are silent before TLS hold no more of an HTTP server than its places") {
  constexpr std::size_t callers = 400;
  const CommandMesh mesh;
  const NetworkNamespace network;
  network.run("ip address add 10.17.99.1/32 dev lo");
  const Certificate certificate(mesh.directory(), "served", "10.17.99.1");
  auto peer = start_peer(mesh,
                         {"--http", "10.17.99.1:15674", "--door-certificate", certificate.file,
                          "--door-certificate-key", certificate.key},
                         network.prefix());
  wait_for_log(peer, "HTTP is served at https://10.17.99.1:15674/");
  constexpr auto* script =
      "import socket, sys\n"
      "calls = [socket.create_connection(('10.17.99.1', 15674)) for _ in range(400)]\n"
      "print('open', flush=True)\n"
      "sys.stdin.read()\n";
  Command command;
  command.arguments = network.prefix() + Arguments{"/usr/bin/python3", "-c", script};
  command.input = command.output = Stream::pipe;
  Process silent(command);
  REQUIRE(silent.read_line(command_bound) == "open");
  const auto open = [&] {
    const auto folder = "/proc/" + std::to_string(peer.pid()) + "/fd";
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  };
  // Three for each that waits: the connection, and a pair of sockets.
  CHECK(eventually(5s, [&] { return open() < callers; }));
  CAPTURE(open());
  CHECK(contains(ask_https("10.17.99.1", 15674, "/healthz", certificate, network.prefix()).output,
                 "200 ok"));
  silent.close_input();
  CHECK(ended(silent) == 0);
}

TEST_CASE("a certificate that can't be used stops the start, with the file and the reason") {
  const CommandMesh mesh;
  const Certificate certificate(mesh.directory(), "served");
  const Certificate other(mesh.directory(), "other");
  const auto refused = [&](const std::string& file, const std::string& key) {
    const auto ran = mesh.run({"peer", "--door", "tcp:127.0.0.1:" + std::to_string(unused_port()),
                               "--door-certificate", file, "--door-certificate-key", key});
    CHECK(ran.status == 1);
    return ran.errors;
  };
  CHECK(contains(refused(certificate.file, other.key),
                 "it has to be the key of " + certificate.file));
  CHECK(contains(refused("/nowhere", certificate.key), "door-certificate /nowhere: "));
  CHECK(contains(refused(certificate.file, "/nowhere"), "door-certificate-key /nowhere: "));
  CHECK(contains(refused(certificate.key, certificate.key), certificate.key));
  const auto encrypted = (mesh.directory() / "encrypted.key").string();
  run({.arguments = {"openssl", "pkey", "-in", certificate.key, "-aes256", "-passout", "pass:word",
                     "-out", encrypted}},
      20s);
  std::filesystem::permissions(encrypted, std::filesystem::perms(0600));
  CHECK(contains(refused(certificate.file, encrypted), encrypted + ": "));
  std::filesystem::permissions(certificate.key, std::filesystem::perms(0644));
  CHECK(contains(refused(certificate.file, certificate.key), "chmod 600 " + certificate.key));
}

TEST_CASE("a renewed certificate is taken on by SIGHUP, and a broken one is not") {
  const CommandMesh mesh;
  const Certificate certificate(mesh.directory(), "served");
  const auto port = unused_port();
  auto peer = start_peer(mesh, certificate.options("tcp:127.0.0.1:" + std::to_string(port)));
  wait_for_log(peer, " by TLS");
  const Certificate renewed(mesh.directory(), "renewed");
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(renewed.key, certificate.key, overwrite);
  peer.send(SIGHUP);
  wait_for_log(peer, "the certificate is as it was");
  std::filesystem::copy_file(renewed.file, certificate.file, overwrite);
  peer.send(SIGHUP);
  wait_for_log(peer, "the certificate of the door was read again");
  CHECK(run_stomp_py("127.0.0.1", port, renewed).output == "done\n");
}
