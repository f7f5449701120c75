#include "discovery/interfaces.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::discovery;

namespace {

const std::vector<Interface> host = {
    {.name = "lo", .index = 1, .up = true, .loopback = true, .address = base::Ipv4{0x7F000001}},
    {.name = "eth0", .index = 2, .up = true, .address = base::Ipv4{0xC0000207}},
    {.name = "eth1", .index = 3, .up = false, .address = base::Ipv4{0xC0000208}},
    {.name = "eth2", .index = 4, .up = true},
};

std::string refusal(const std::vector<Interface>& interfaces, std::string_view name) {
  const auto chosen = choose_interface(interfaces, name);
  REQUIRE_FALSE(chosen.ok());
  return chosen.error().message;
}

}  // namespace

TEST_CASE("an interface is chosen by its name") {
  CHECK(*choose_interface(host, "eth0") == host[1]);
}

TEST_CASE("an interface that can't be used is refused with a list of those that can") {
  const std::string rest = "; usable are: lo (127.0.0.1), eth0 (192.0.2.7)";
  CHECK(refusal(host, "eth9") == "interface 'eth9' does not exist" + rest);
  CHECK(refusal(host, "eth1") == "interface 'eth1' is down" + rest);
  CHECK(refusal(host, "eth2") == "interface 'eth2' has no IPv4 address" + rest);
  CHECK(refusal(host, "") == "interface '' does not exist" + rest);
  CHECK(refusal({host[2], host[3]}, "eth1") ==
        "interface 'eth1' is down; no interface of this host is up with an IPv4 address");
}
