// Setting up ZeroMQ sockets: how endpoints are written, which options every socket has, and the
// binding of all addresses at once.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "lib/base/endpoint.hpp"
#include "tidegate/result.hpp"

namespace tidegate::zeromq {

inline constexpr const char* loopback = "127.0.0.1";

// Endpoints as ZeroMQ wants them: over TCP, and over the Unix socket of a port on this host.
[[nodiscard]] std::string tcp(const base::Endpoint& endpoint);
[[nodiscard]] std::string ipc(std::uint16_t port);

// All at which a port of these addresses listens.
[[nodiscard]] std::vector<std::string> endpoints_at(const std::vector<std::string>& addresses,
                                                    std::uint16_t port);

// The address of the other end, from what libzmq says of a connection: of a Unix socket
// "localhost:" and who is there, of IPv4 the form that an IPv6 socket has for it.
[[nodiscard]] std::string host_of(std::string_view peer_address);

// Calls ZeroMQ until no signal interrupts it: every call may be, also one that does not wait, and
// cppzmq throws then.
template <typename Call>
auto uninterrupted(Call call) {
  while (true) {
    try {
      return call();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

void set_common_options(zmq::socket_t& socket);

// For all sockets of a peer in the largest mesh.
// A socket of ZeroMQ begins so when somebody connects: with a signature of 10 bytes (ZMTP 3.1).
[[nodiscard]] bool is_greeting(std::string_view first);

[[nodiscard]] zmq::context_t make_context();

// Of a socket that others dial: none that is longer, and little in the kernel's buffer.
void expect_small_messages(zmq::socket_t& socket, std::int64_t longest);

// To the hard limit; an error when that is too low for any mesh.
[[nodiscard]] std::optional<Error> raise_descriptor_limit();

// Binds on all addresses, or on none; 0, or the errno.
[[nodiscard]] int bind_everywhere(zmq::socket_t& socket, const std::vector<std::string>& addresses,
                                  std::uint16_t port);
void unbind_everywhere(zmq::socket_t& socket, const std::vector<std::string>& addresses,
                       std::uint16_t port);

}  // namespace tidegate::zeromq
