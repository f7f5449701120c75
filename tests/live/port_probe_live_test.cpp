// Ports that are dialled without a word, on the loopback interface.
#include <chrono>
#include <map>
#include <string>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "peer/io/clock.hpp"
#include "peer/io/port_probe.hpp"
#include "support/port.hpp"

using namespace tidegate;
using namespace tidegate::io;
using namespace std::chrono_literals;

namespace {

// Takes connections, and says this to each.
class Listener {
 public:
  explicit Listener(std::string words)
      : words_(std::move(words)),
        port_(support::unused_port()),
        socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_.get(), 8) == 0);
  }

  void serve() {
    Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    if (!words_.empty()) (void)send(client.get(), words_.data(), words_.size(), MSG_NOSIGNAL);
    client_ = std::move(client);
  }
  [[nodiscard]] base::Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  std::string words_;
  std::uint16_t port_;
  Descriptor socket_;
  Descriptor client_;
};

}  // namespace

TEST_CASE("a port that is dialled bare is told apart by what it does") {
  Reactor reactor;
  PortProbe probe(reactor, 500ms, [](std::string_view first) { return first == "peer"; });
  Listener peer("peer");
  Listener other("HTTP/1.1 400 Bad Request");
  Listener silent("");
  const base::Endpoint nobody{"127.0.0.1", support::unused_port()};
  const base::Endpoint nowhere{"not an address", 1};
  for (const auto& endpoint :
       {peer.endpoint(), other.endpoint(), silent.endpoint(), nobody, nowhere}) {
    probe.ask(endpoint, clock_now());
  }
  std::map<std::string, PortAnswer> answers;
  const auto end = clock_now() + 5s;
  while (answers.size() < 5 && clock_now() < end) {
    peer.serve();
    other.serve();
    silent.serve();
    reactor.run_once(10ms);
    for (const auto& tested : probe.take(clock_now())) {
      answers[to_string(tested.endpoint)] = tested.answer;
    }
  }
  CHECK(answers[to_string(peer.endpoint())] == PortAnswer::speaks);
  CHECK(answers[to_string(other.endpoint())] == PortAnswer::other);
  CHECK(answers[to_string(silent.endpoint())] == PortAnswer::silent);
  CHECK(answers[to_string(nobody)] == PortAnswer::refused);
  CHECK(answers[to_string(nowhere)] == PortAnswer::unreachable);
  CHECK(probe.deadline() == never);
}
