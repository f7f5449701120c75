#include "peer/servers/postgres/host_list.hpp"

#include <doctest/doctest.h>

using namespace tidegate::postgres;

TEST_CASE("hosts, addresses and ports of a connection string belong together one by one") {
  CHECK(read_host_list("a,b", "", "5432") == HostList{{"a", "", "5432"}, {"b", "", "5432"}});
  CHECK(read_host_list("a,b", "192.0.2.1,", "1,2") ==
        HostList{{"a", "192.0.2.1", "1"}, {"b", "", "2"}});
  CHECK(read_host_list("", "192.0.2.1", "") == HostList{{"", "192.0.2.1", ""}});
  CHECK(read_host_list("", "", "5432") == HostList{{"", "", "5432"}});
  CHECK(read_host_list("a,b", "192.0.2.1", "1").empty());
  CHECK(read_host_list("a", "", "1,2").empty());
  const auto values = write_host_list({{"a", "192.0.2.1", "1"}, {"/run", "", "2"}});
  CHECK(values.hosts == "a,/run");
  CHECK(values.addresses == "192.0.2.1,");
  CHECK(values.ports == "1,2");
}

TEST_CASE("sockets and addresses are not looked up") {
  CHECK(needs_lookup({"db.example", "", ""}));
  CHECK(needs_lookup({"localhost", "", ""}));
  CHECK_FALSE(needs_lookup({"db.example", "192.0.2.1", ""}));
  for (const auto* host : {"", "/run/postgresql", "@abstract", "192.0.2.1", "::1"}) {
    CHECK_FALSE(needs_lookup({host, "", ""}));
  }
}

TEST_CASE("each address of a name gets its turn, and a name without one is left out") {
  const HostList list = {{"a", "", "1"}, {"/run", "", "2"}, {"b", "", "3"}, {"c", "", "4"}};
  CHECK(with_addresses(list, {{"a", {"192.0.2.1", "::1"}}, {"b", {}}}) ==
        HostList{{"a", "192.0.2.1", "1"}, {"a", "::1", "1"}, {"/run", "", "2"}});
}

TEST_CASE("a list of hosts can begin at any of them") {
  const HostList list = {{"a", "", ""}, {"b", "", ""}, {"c", "", ""}};
  CHECK(rotated(list, 0) == list);
  CHECK(rotated(list, 1) == HostList{{"b", "", ""}, {"c", "", ""}, {"a", "", ""}});
  CHECK(rotated(list, 5) == HostList{{"c", "", ""}, {"a", "", ""}, {"b", "", ""}});
  CHECK(rotated({}, 3).empty());
}
