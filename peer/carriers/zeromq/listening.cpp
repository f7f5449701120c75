#include "peer/carriers/zeromq/listening.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>

#include <poll.h>

#include "peer/carriers/zeromq/sockets.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::zeromq {
namespace {

// Until a port that was given back is free; measured: 4 ms at the worst, without other load.
constexpr Duration patience = std::chrono::seconds(2);

// The first port from `from` on at which `bind` returns no error; 0: none.
template <typename Bind>
std::uint16_t first_free(std::uint32_t from, std::uint16_t last, Bind bind) {
  for (auto port = from; port <= last; ++port) {
    if (bind(static_cast<std::uint16_t>(port)) == 0) return static_cast<std::uint16_t>(port);
  }
  return 0;
}

// Also where it does not listen.
void stop(zmq::socket_t& socket, const std::string& address, std::uint16_t port) {
  for (const auto& endpoint : endpoints_at({address}, port)) {
    try {
      uninterrupted([&] { socket.unbind(endpoint); });
    } catch (const zmq::error_t&) {
      // It is not bound there.
    }
  }
}

}  // namespace

bool Listening::begin(const std::vector<std::string>& addresses, std::uint16_t first_port,
                      std::uint16_t last_port) {
  std::vector<std::string> ipv4;
  std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(ipv4),
               [](const std::string& address) { return address.find(':') == std::string::npos; });
  ports_.publish = first_free(first_port, last_port, [&](std::uint16_t port) {
    return bind_everywhere(publish_, ipv4, port);
  });
  if (ports_.publish == 0) return false;
  ports_.direct = first_free(ports_.publish + std::uint32_t{1}, last_port,
                             [&](std::uint16_t port) { return callers_.listen(ipv4, port); });
  addresses_.insert(ipv4.begin(), ipv4.end());
  return ports_.direct != 0;
}

std::vector<std::string> Listening::also_on(const std::vector<std::string>& addresses) {
  std::vector<std::string> taken;
  for (const auto& address : addresses) {
    if (addresses_.contains(address)) continue;
    int error = bind_everywhere(publish_, {address}, ports_.publish);
    if (error == 0) {
      error = callers_.listen({address}, ports_.direct);
      if (error != 0) unbind_everywhere(publish_, {address}, ports_.publish);
    }
    if (error == 0) addresses_.insert(address);
    if (error == EADDRINUSE) taken.push_back(address);
  }
  return taken;
}

void Listening::publish_anew() {
  for (const auto& address : addresses_) stop(publish_, address, ports_.publish);
  begin_again([this](const std::string& address) {
    return bind_everywhere(publish_, {address}, ports_.publish);
  });
}

void Listening::direct_anew() {
  for (const auto& address : addresses_) callers_.leave(address, ports_.direct);
  begin_again(
      [this](const std::string& address) { return callers_.listen({address}, ports_.direct); });
}

void Listening::begin_again(const std::function<int(const std::string&)>& bind) {
  const auto end = io::clock_now() + patience;
  std::vector<std::string> failed;
  for (const auto& address : addresses_) {
    int error = bind(address);
    while (error == EADDRINUSE && io::clock_now() < end) {
      (void)poll(nullptr, 0, 1);
      error = bind(address);
    }
    if (error != 0) failed.push_back(address);
  }
  for (const auto& address : failed) leave(address);
}

void Listening::leave(const std::string& address) {
  stop(publish_, address, ports_.publish);
  callers_.leave(address, ports_.direct);
  addresses_.erase(address);
}

}  // namespace tidegate::zeromq
