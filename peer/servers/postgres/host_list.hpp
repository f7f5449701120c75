// The servers that a connection string names, one by one, and with the addresses of their names.
//
// libpq takes lists of hosts, addresses and ports that belong together. Given an address beside a
// name it looks nothing up, and keeps the name for what it checks and says: the certificate, the
// password file, its messages. So each address of a name becomes an entry of its own. Pure text.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::postgres {

// Any of them may be empty, as in the list: libpq has a default for it.
struct HostEntry {
  std::string host;     // a name, an address, or the directory of a Unix socket
  std::string address;  // to connect to; no name is looked up then
  std::string port;

  friend bool operator==(const HostEntry&, const HostEntry&) = default;
};
using HostList = std::vector<HostEntry>;

// From the values of `host`, `hostaddr` and `port`. Empty: the lengths don't match, which libpq
// refuses in its own words.
[[nodiscard]] HostList read_host_list(std::string_view hosts, std::string_view addresses,
                                      std::string_view ports);

// The three values again.
struct HostValues {
  std::string hosts;
  std::string addresses;
  std::string ports;
};
[[nodiscard]] HostValues write_host_list(const HostList& list);

// Whether libpq would look a name up.
[[nodiscard]] bool needs_lookup(const HostEntry& entry);

// With an entry for each address of a name. An entry whose name has none is left out.
[[nodiscard]] HostList with_addresses(
    const HostList& list, const std::map<std::string, std::vector<std::string>>& addresses);

// Begun at another entry: a, b, c at 1 is b, c, a. Counts around.
[[nodiscard]] HostList rotated(HostList list, std::size_t first);

}  // namespace tidegate::postgres
