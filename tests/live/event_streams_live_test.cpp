// Clients of /events on pairs of sockets, some of which nobody reads.
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include "command/doors/http/event_streams.hpp"
#include "command/doors/network_thread.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/reactor.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using http_door::EventStreams;
using support::eventually;

namespace {

struct Streams {
  Streams()
      : thread(doors::NetworkThread::start(reactor).value()),
        streams(std::make_shared<EventStreams>([this](std::size_t count) { open = count; },
                                               [this](const std::string&) { ++cut; })) {}

  // The end of a client.
  io::Descriptor connect() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    thread->run([this, fd = ends[0]] {
      EventStreams::Socket socket(thread->context());
      socket.assign(EventStreams::Socket::protocol_type(AF_UNIX, 0), fd);
      streams->open(std::move(socket), "head\n", "client");
    });
    return io::Descriptor(ends[1]);
  }
  void send(const std::string& event) {
    thread->run([this, &event] { streams->send(event); });
  }

  io::Reactor reactor;
  std::unique_ptr<doors::NetworkThread> thread;
  std::atomic<std::size_t> open = 0;
  std::atomic<int> cut = 0;
  std::shared_ptr<EventStreams> streams;
};

// Reads so much, or up to the end.
std::size_t read(const io::Descriptor& client, std::size_t most) {
  std::string buffer(most, '\0');
  std::size_t all = 0;
  pollfd wait{client.get(), POLLIN, 0};
  while (all < most && poll(&wait, 1, 10'000) > 0) {
    const auto got = recv(client.get(), buffer.data(), most - all, 0);
    if (got <= 0) break;
    all += static_cast<std::size_t>(got);
  }
  return all;
}

}  // namespace

TEST_CASE("a client of events that does not read is cut at its bound, and the others go on") {
  Streams all;
  const auto slow = all.connect();
  const auto quick = all.connect();
  CHECK(all.open == 2);
  CHECK(read(quick, 5) == 5);
  const std::string event(64 << 10U, 'x');
  int sent = 0;
  while (all.cut == 0 && sent < 200) {
    all.send(event);
    ++sent;
    REQUIRE(read(quick, event.size()) == event.size());
  }
  CHECK(all.cut == 1);
  CHECK(all.open == 1);
  CHECK(sent > 15);  // 1 MiB, and as much as the system takes
  CHECK(read(slow, event.size() * 200) < event.size() * 200);
  all.send(event);
  CHECK(read(quick, event.size()) == event.size());
}

TEST_CASE("a client of events that leaves is forgotten") {
  Streams all;
  auto client = all.connect();
  CHECK(all.open == 1);
  client = io::Descriptor();
  CHECK(eventually(10s, [&] { return all.open == 0; }));
  all.send("event");
  CHECK(all.cut == 0);
}
