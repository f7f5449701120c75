// The facts that `tidegate doctor` gathers: of this host, and, through doctor_database, of the
// servers. The rest of doctor.hpp is in doctor.cpp.
#include <algorithm>
#include <chrono>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "command/health/doctor.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/key_file.hpp"

namespace tidegate::health {
namespace {

constexpr Duration hearing_bound = std::chrono::milliseconds(500);
constexpr postgres::Database::Timeouts server_timeouts{.connect = std::chrono::seconds(5),
                                                       .answer = std::chrono::seconds(5)};

// As the peer binds: without SO_REUSEPORT, so that a used port is seen.
bool can_bind(base::Ipv4 address, std::uint16_t port) {
  const io::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(address.value);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 &&
         listen(socket.get(), 1) == 0;
}

std::vector<std::uint16_t> free_ports(const Options& options,
                                      const std::vector<base::Ipv4>& addresses) {
  constexpr std::size_t wanted = 2;
  std::vector<std::uint16_t> found;
  for (int port = options.first_port; port <= options.last_port && found.size() < wanted; ++port) {
    const auto number = static_cast<std::uint16_t>(port);
    if (std::all_of(addresses.begin(), addresses.end(),
                    [&](base::Ipv4 address) { return can_bind(address, number); })) {
      found.push_back(number);
    }
  }
  return found;
}

HostFacts gather_host(const Options& options) {
  HostFacts host;
  host.keyring = peer::open_keyring(options);
  const auto all = discovery::list_interfaces();
  std::vector<base::Ipv4> addresses;
  for (const auto& name : options.interfaces) {
    auto chosen =
        all ? discovery::choose_interface(*all, name) : Result<discovery::Interface>(all.error());
    InterfaceFacts facts{name, chosen, std::nullopt};
    if (chosen) {
      facts.hearing = probe_loopback(name, hearing_bound);
      if (chosen->address) addresses.push_back(*chosen->address);
    }
    host.interfaces.push_back(std::move(facts));
  }
  host.free_ports = free_ports(options, addresses);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    host.descriptors_now = limit.rlim_cur;
    host.descriptors_most = limit.rlim_max;
  }
  return host;
}

}  // namespace

Facts gather_facts(const Options& options) {
  Facts facts;
  facts.host = gather_host(options);
  if (options.database) facts.database = examine_server(*options.database, server_timeouts);
  if (options.primary) facts.primary = examine_server(*options.primary, server_timeouts);
  return facts;
}

}  // namespace tidegate::health
