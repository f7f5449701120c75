#include "peer/carriers/zeromq/stranger_check.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <unistd.h>

#include "lib/base/must.hpp"
#include "peer/carriers/zeromq/sockets.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::zeromq {
namespace {

constexpr Duration patience = std::chrono::seconds(5);
constexpr int seen_events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

enum class Outcome { open, let_in, turned_away };

// One that dials, and the events of its handshake.
struct Caller {
  const char* who;
  Outcome expected;
  zmq::socket_t socket;
  zmq::socket_t events;
  Outcome outcome = Outcome::open;

  Caller(const char* name, Outcome wanted, zmq::context_t& context, zmq::socket_type type)
      : who(name),
        expected(wanted),
        socket(context, type),
        events(context, zmq::socket_type::pair) {
    set_common_options(socket);
    // Each name is used once: that of a monitor that has ended may still be taken.
    const auto endpoint = std::string("inproc://check/") +
                          (type == zmq::socket_type::sub ? "stream/" : "direct/") + who;
    TIDEGATE_MUST(zmq_socket_monitor(socket.handle(), endpoint.c_str(), seen_events) == 0);
    events.set(zmq::sockopt::linger, 0);
    events.connect(endpoint);
  }
  // The monitor ends before its reader does: the other way round libzmq would wait for ever.
  ~Caller() { (void)zmq_socket_monitor(socket.handle(), nullptr, 0); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void take_event() {
    zmq::message_t event;
    zmq::message_t address;
    if (!uninterrupted([&] { return events.recv(event, zmq::recv_flags::dontwait); })) return;
    (void)uninterrupted([&] { return events.recv(address, zmq::recv_flags::dontwait); });
    std::uint16_t kind = 0;
    TIDEGATE_MUST(event.size() >= sizeof kind);
    std::memcpy(&kind, event.data(), sizeof kind);
    if (outcome != Outcome::open) return;
    outcome = kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? Outcome::let_in : Outcome::turned_away;
  }
};

std::optional<Error> judge(const Caller& caller) {
  if (caller.outcome == caller.expected) return std::nullopt;
  const std::string who(caller.who);
  if (caller.outcome == Outcome::open) {
    return Error{"it can't be proven that the mesh is closed: " + who +
                 " got no answer in 5 s; look whether this host is overloaded, and start again"};
  }
  return Error{"the mesh would not be closed: " + who +
               (caller.outcome == Outcome::let_in ? " was let in" : " was turned away") +
               "; libzmq does not do what its key options say, try another build of it"};
}

}  // namespace

std::optional<Error> check_strangers(zmq::context_t& context, Doorkeeper& doorkeeper,
                                     zmq::socket_t& server, const keys::PublicKey& server_key,
                                     const keys::CurveKeys& member) {
  const keys::CurveKeys stranger(draw_secret());
  const auto kind =
      server.get(zmq::sockopt::type) == ZMQ_XPUB ? zmq::socket_type::sub : zmq::socket_type::dealer;
  Caller as_member("a member", Outcome::let_in, context, kind);
  Caller as_stranger("a stranger", Outcome::turned_away, context, kind);
  Caller plain("a caller without a key", Outcome::turned_away, context, kind);
  make_curve_client(as_member.socket, member, server_key);
  make_curve_client(as_stranger.socket, stranger, server_key);
  const std::array<Caller*, 3> callers = {&as_member, &as_stranger, &plain};

  const auto endpoint = "ipc://@tidegate-check-" + std::to_string(getpid()) + "-" +
                        std::to_string(io::wall_clock_microseconds());
  server.bind(endpoint);
  for (auto* caller : callers) caller->socket.connect(endpoint);
  const auto end = io::clock_now() + patience;
  const auto answered = [&] {
    return std::all_of(callers.begin(), callers.end(),
                       [](const Caller* caller) { return caller->outcome != Outcome::open; });
  };
  while (!answered() && io::clock_now() < end) {
    std::vector<zmq::pollitem_t> items = {{doorkeeper.socket().handle(), 0, ZMQ_POLLIN, 0}};
    for (auto* caller : callers) items.push_back({caller->events.handle(), 0, ZMQ_POLLIN, 0});
    uninterrupted([&] { (void)zmq::poll(items, std::chrono::milliseconds(100)); });
    while (doorkeeper.answer(16)) {
    }
    for (auto* caller : callers) caller->take_event();
  }
  server.unbind(endpoint);
  for (const auto* caller : callers) {
    if (auto error = judge(*caller)) return error;
  }
  return std::nullopt;
}

}  // namespace tidegate::zeromq
