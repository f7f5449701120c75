#include "peer/servers/postgres/host_list.hpp"

#include <algorithm>

#include "peer/io/resolver.hpp"

namespace tidegate::postgres {
namespace {

std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> elements;
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    elements.emplace_back(list.substr(0, end));
    if (end == list.size()) return elements;
    list.remove_prefix(end + 1);
  }
}

}  // namespace

HostList read_host_list(std::string_view hosts, std::string_view addresses,
                        std::string_view ports) {
  const auto all_hosts = elements_of(hosts);
  const auto all_addresses = elements_of(addresses);
  const auto all_ports = elements_of(ports);
  const auto count = addresses.empty() ? all_hosts.size() : all_addresses.size();
  const bool match = (hosts.empty() || all_hosts.size() == count) &&
                     (all_ports.size() == 1 || all_ports.size() == count);
  if (!match) return {};
  HostList list;
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back({hosts.empty() ? "" : all_hosts[i], addresses.empty() ? "" : all_addresses[i],
                    all_ports[all_ports.size() == 1 ? 0 : i]});
  }
  return list;
}

HostValues write_host_list(const HostList& list) {
  HostValues values;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto* separator = i == 0 ? "" : ",";
    values.hosts += separator + list[i].host;
    values.addresses += separator + list[i].address;
    values.ports += separator + list[i].port;
  }
  return values;
}

bool needs_lookup(const HostEntry& entry) {
  if (!entry.address.empty() || entry.host.empty()) return false;
  const bool unix_socket = entry.host.front() == '/' || entry.host.front() == '@';
  return !unix_socket && !io::is_address(entry.host);
}

HostList with_addresses(const HostList& list,
                        const std::map<std::string, std::vector<std::string>>& addresses) {
  HostList all;
  for (const auto& entry : list) {
    if (!needs_lookup(entry)) {
      all.push_back(entry);
      continue;
    }
    const auto found = addresses.find(entry.host);
    if (found == addresses.end()) continue;
    for (const auto& address : found->second) all.push_back({entry.host, address, entry.port});
  }
  return all;
}

HostList rotated(HostList list, std::size_t first) {
  if (list.empty()) return list;
  const auto middle = list.begin() + static_cast<std::ptrdiff_t>(first % list.size());
  std::rotate(list.begin(), middle, list.end());
  return list;
}

}  // namespace tidegate::postgres
