#include "tests/soak/network.hpp"

namespace tidegate::soak {
namespace {

// The bridge's end of a peer's cable.
std::string port(int peer) { return "port" + std::to_string(peer + 1); }

// All that is sent through it from now on, or no longer.
std::string drop(const std::string& device) {
  return "tc qdisc replace dev " + device + " root blackhole";
}
std::string pass(const std::string& device) { return "tc qdisc delete dev " + device + " root"; }

}  // namespace

Network::Network(int peers) {
  hub_.run("ip link add hub type bridge mcast_snooping 0 && ip link set hub up");
  for (int peer = 0; peer < peers; ++peer) {
    hosts_.push_back(std::make_unique<testing::NetworkNamespace>(&hub_));
    hub_.run("ip link add " + port(peer) + " type veth peer name " + interface + " netns " +
             std::to_string(host(peer).pid()) + " && ip link set " + port(peer) + " master hub up");
    host(peer).run("ip address add 10.17.89." + std::to_string(peer + 1) + "/24 broadcast + dev " +
                   interface + " && ip link set " + interface + " up");
  }
  // Whether what is needed for a cut works here shows before the run, not in its middle.
  for (const auto how : {Cut::deaf, Cut::mute}) {
    cut(0, how);
    mend(0, how);
  }
}

void Network::cut(int peer, Cut how) const {
  if (how == Cut::link) hub_.run("ip link set " + port(peer) + " down");
  if (how == Cut::deaf) hub_.run(drop(port(peer)));
  if (how == Cut::mute) host(peer).run(drop(interface));
}

void Network::mend(int peer, Cut how) const {
  if (how == Cut::link) hub_.run("ip link set " + port(peer) + " up");
  if (how == Cut::deaf) hub_.run(pass(port(peer)));
  if (how == Cut::mute) host(peer).run(pass(interface));
}

}  // namespace tidegate::soak
