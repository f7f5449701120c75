#include "bench/carrier.hpp"

namespace tidegate::bench {

const std::vector<Carrier>& carriers() {
  static const std::vector<Carrier> all = {tidegate_caller(),
                                           tidegate_thread(),
                                           tidegate_key(),
                                           tidegate_connections(),
                                           tidegate_door(),
                                           libzmq(),
                                           nats(),
                                           redis(),
                                           rabbitmq(),
                                           mosquitto(),
                                           postgres_notify(),
                                           tcp_floor(),
                                           udp_floor(),
                                           multicast_floor()};
  return all;
}

const Carrier* find_carrier(const std::string& name) {
  for (const auto& carrier : carriers()) {
    if (carrier.name == name) return &carrier;
  }
  return nullptr;
}

}  // namespace tidegate::bench
