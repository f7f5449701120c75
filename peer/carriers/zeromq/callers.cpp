#include "peer/carriers/zeromq/callers.hpp"

#include <algorithm>
#include <cstring>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "peer/carriers/zeromq/curve.hpp"
#include "peer/carriers/zeromq/sockets.hpp"

namespace tidegate::zeromq {
namespace {

// A member says little: a hello, requests, probes.
constexpr std::int64_t longest_call = 4096;
static_assert(base::limits::trace_pattern_bytes + 1024 < longest_call);
constexpr Allowance of_caller{
    .at_once = 256 << 10U, .per_second = 256 << 10U, .untaken = 8 << 20U, .modest = 8 << 10U};

void draw_all_ids(zmq::socket_t& bound) {
  for (const int raw : {1, 0}) {
    const int set = zmq_setsockopt(bound.handle(), ZMQ_ROUTER_RAW, &raw, sizeof raw);
    if (set != 0) throw zmq::error_t();
  }
}

}  // namespace

zmq::socket_t Callers::make() const {
  zmq::socket_t socket(context_, zmq::socket_type::router);
  set_common_options(socket);
  socket.set(zmq::sockopt::sndhwm, direct_queue);
  expect_small_messages(socket, longest_call);
  if (keyring_.empty()) {
    ask_doorkeeper(socket);
  } else {
    make_curve_server(socket, keyring_.first().direct.secret);
  }
  return socket;
}

void Callers::watch_with(Watcher watcher) {
  watcher_ = std::move(watcher);
  for (auto& [number, router] : routers_) router.ready = watcher_(router.socket, number);
}

int Callers::listen(const std::vector<std::string>& addresses, std::uint16_t port) {
  const auto before = last_;
  try {
    for (const auto& endpoint : endpoints_at(addresses, port)) begin(endpoint);
  } catch (const zmq::error_t& error) {
    const auto number = error.num();
    routers_.erase(routers_.upper_bound(before), routers_.end());
    return number;
  }
  return 0;
}

void Callers::begin(const std::string& endpoint) {
  auto socket = make();
  auto guarded = guard_->watch(socket, Guard::Side::listens, of_caller);
  uninterrupted([&] { socket.bind(endpoint); });
  draw_all_ids(socket);
  const auto number = ++last_;
  auto ready = watcher_ ? watcher_(socket, number) : io::Reactor::Watch();
  routers_.emplace(number, Router{std::move(socket), std::move(guarded), std::move(ready),
                                  Inlet(!keyring_.empty(), true), endpoint});
}

void Callers::leave(const std::string& address, std::uint16_t port) {
  const auto endpoints = endpoints_at({address}, port);
  std::erase_if(routers_, [&](const auto& entry) {
    return std::find(endpoints.begin(), endpoints.end(), entry.second.endpoint) != endpoints.end();
  });
}

Callers::Router* Callers::find(Number number) {
  const auto found = routers_.find(number);
  return found == routers_.end() ? nullptr : &found->second;
}

mesh::RoutingId Callers::route(Number number, std::string_view id) {
  mesh::RoutingId route(sizeof number, '\0');
  std::memcpy(route.data(), &number, sizeof number);
  return route.append(id);
}

std::pair<Callers::Number, std::string_view> Callers::parse(const mesh::RoutingId& route) {
  Number number = 0;
  TIDEGATE_MUST(route.size() > sizeof number);
  std::memcpy(&number, route.data(), sizeof number);
  return {number, std::string_view(route).substr(sizeof number)};
}

}  // namespace tidegate::zeromq
