#include "peer/carriers/zeromq/sockets.hpp"

#include <sys/resource.h>

#include "lib/base/limits.hpp"

namespace tidegate::zeromq {
namespace {

// A peer alone needs about thirty; below this not even a small mesh would fit.
constexpr rlim_t fewest_descriptors = 256;

}  // namespace

std::string tcp(const base::Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  const auto host = ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  return "tcp://" + host + ":" + std::to_string(endpoint.port);
}

std::string ipc(std::uint16_t port) {
  return "ipc://@tidegate-" + std::string(loopback) + ":" + std::to_string(port);
}

std::vector<std::string> endpoints_at(const std::vector<std::string>& addresses,
                                      std::uint16_t port) {
  std::vector<std::string> endpoints;
  for (const auto& address : addresses) {
    endpoints.push_back(tcp({address, port}));
    if (address == loopback) endpoints.push_back(ipc(port));
  }
  return endpoints;
}

std::string host_of(std::string_view peer_address) {
  constexpr std::string_view local = "localhost:";
  constexpr std::string_view ipv4 = "::ffff:";
  if (peer_address.starts_with(local)) return loopback;
  if (peer_address.starts_with(ipv4)) peer_address.remove_prefix(ipv4.size());
  return std::string(peer_address);
}

bool is_greeting(std::string_view first) {
  constexpr std::size_t signature = 10;
  return first.size() >= signature && first[0] == '\xFF' && first[signature - 1] == '\x7F';
}

zmq::context_t make_context() {
  zmq::context_t context;
  // Two for each peer, each with two that tell of its connections; and our own.
  context.set(zmq::ctxopt::max_sockets, static_cast<int>(7 * base::limits::peers));
  return context;
}

void set_common_options(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(base::limits::frame_bytes));
  // A full receive queue can end the process: a PING behind it, then a close. The loop takes
  // everything and drops by its own bounds, which it reports; guard.hpp bounds what comes.
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::handshake_ivl, 5'000);      // ms; a silent dialler is cut off
  socket.set(zmq::sockopt::reconnect_ivl, 50);         // ms, doubling up to the next
  socket.set(zmq::sockopt::reconnect_ivl_max, 2'000);  // ms
  socket.set(zmq::sockopt::connect_timeout, 3'000);    // ms
  socket.set(zmq::sockopt::tcp_maxrt, 10'000);         // ms; unacknowledged bytes mean a dead link
  // A connection on which we only read looks in order for ever when the other end was given up and
  // no word of that came through. While the link works there is a heartbeat, and no probe is sent.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 5);   // s
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);  // s
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 5);
  socket.set(zmq::sockopt::backlog, 1'024);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::linger, 0);
}

void expect_small_messages(zmq::socket_t& socket, std::int64_t longest) {
  socket.set(zmq::sockopt::maxmsgsize, longest);
  socket.set(zmq::sockopt::rcvbuf, 16 << 10);
}

std::optional<Error> raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < fewest_descriptors) {
    return Error{"only " + std::to_string(limit.rlim_cur) +
                 " open files are allowed; raise the hard limit (ulimit -Hn, LimitNOFILE=) to at "
                 "least " +
                 std::to_string(fewest_descriptors) + " and about 10 for each peer"};
  }
  return std::nullopt;
}

int bind_everywhere(zmq::socket_t& socket, const std::vector<std::string>& addresses,
                    std::uint16_t port) {
  const auto endpoints = endpoints_at(addresses, port);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    try {
      uninterrupted([&] { socket.bind(endpoints[i]); });
    } catch (const zmq::error_t& error) {
      const auto number = error.num();
      for (std::size_t k = 0; k < i; ++k) uninterrupted([&] { socket.unbind(endpoints[k]); });
      return number;
    }
  }
  return 0;
}

void unbind_everywhere(zmq::socket_t& socket, const std::vector<std::string>& addresses,
                       std::uint16_t port) {
  for (const auto& endpoint : endpoints_at(addresses, port)) {
    uninterrupted([&] { socket.unbind(endpoint); });
  }
}

}  // namespace tidegate::zeromq
