// Records of real peers on real servers, held against the model.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/rows.hpp"
#include "tests/paths.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The checker's words on the records; the last line is its verdict.
std::string judged(const std::vector<std::filesystem::path>& records) {
  Command command;
  command.arguments = {"/usr/bin/python3", "-B",
                       std::string(TIDEGATE_SOURCE_ROOT) + "/tests/model/conform.py"};
  for (const auto& record : records) command.arguments.push_back(record);
  command.output = Stream::pipe;
  Process checker(command);
  std::string all;
  while (const auto line = checker.read_line(30s)) all += *line + "\n";
  return all;
}

}  // namespace

TEST_CASE("the records of two peers through a failover are those of a run of the model") {
  const TemporaryDirectory directory("record");
  const auto at_heir_record = directory.path() / "heir";
  const auto at_follower_record = directory.path() / "follower";
  Cluster cluster;
  auto& heir = cluster.add_replica({.name = "heir"});
  auto& follower = cluster.add_replica({.name = "follower"});
  auto& old = cluster.primary();
  old.execute("CREATE TABLE t (i int)");

  auto mesh = private_mesh();
  mesh.primary = either(old, heir);
  mesh.record = at_heir_record;
  auto at_heir = start_on(heir, mesh, "heir");
  mesh.record = at_follower_record;
  auto at_follower = start_on(follower, mesh, "follower");
  join({at_heir.get(), at_follower.get()});
  REQUIRE(next_notice<PrimaryUp>(*at_heir));
  REQUIRE(next_notice<PrimaryUp>(*at_follower));

  const auto announce = [&](Server& primary, Peer& from, Peer& to, int row) {
    primary.execute(insert(row));
    REQUIRE(eventually(10s, [&] {
      return from.publish(topic("t"), std::to_string(row), AfterCommit{}) == Publish::accepted;
    }));
    CHECK(next_payload(to, 20s) == std::to_string(row));
    CHECK(to.publish(topic("answer"), "", NoChange{}) == Publish::accepted);
    CHECK(next_payload(from, 20s).empty());
  };
  for (int row = 1; row <= 3; ++row) announce(old, *at_heir, *at_follower, row);
  for (int row = 4; row <= 6; ++row) announce(old, *at_follower, *at_heir, row);

  // Row 7 reaches the follower, which is then ahead of the heir; so its change is lost.
  heir.append_config("primary_conninfo = ''\n");
  old.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
  REQUIRE(eventually(10s,
                     [&] { return old.value("SELECT count(*) FROM pg_stat_replication") == "1"; }));
  old.execute(insert(7));
  CHECK(at_follower->publish(topic("t"), "7", AfterCommit{}) == Publish::accepted);
  REQUIRE(holds(*at_heir, 1));
  old.crash();
  heir.promote();
  const auto lost = next_notice<Undelivered>(*at_heir);
  REQUIRE(lost);
  heir.execute(insert(8));
  CHECK(eventually(
      10s, [&] { return at_heir->publish(topic("t"), "8", AfterCommit{}) == Publish::accepted; }));
  REQUIRE(eventually(10s, [&] { return at_heir->status().unsent == 0; }));
  at_heir.reset();
  at_follower.reset();

  const auto verdict = judged({at_heir_record, at_follower_record});
  CAPTURE(verdict);
  CHECK(contains(verdict, "2 lives of peers, "));
  CHECK(contains(verdict, ": 2 accepted, 0 refused"));

  // As if the lost change had been there.
  auto text = text_of(at_heir_record);
  const auto report = text.find("{\"at\":", text.rfind('\n', text.find("\"undelivered\"")));
  REQUIRE(report != std::string::npos);
  const auto end = text.find('\n', report);
  const auto line = text.substr(report, end - report);
  const auto name = line.find("\"from\"");
  const auto from = line.substr(name, line.find(",\"first\"") - name);
  std::string own;
  std::istringstream sent(text_of(at_follower_record));
  for (std::string one; std::getline(sent, one);) {
    const auto place = one.find("\"own\"");
    const bool sends = one.find("\"event\":\"send\"") != std::string::npos;
    if (sends && place != std::string::npos) own = one.substr(place);
  }
  text.replace(report, end - report,
               line.substr(0, line.find("\"undelivered\"")) + "\"deliver\"," + from +
                   ",\"sequence\":" + std::to_string(lost->first) + ",\"held\":0," + own);
  std::ofstream(at_heir_record) << text;
  const auto broken = judged({at_heir_record, at_follower_record});
  CAPTURE(broken);
  CHECK(contains(broken, "REFUSED by S2: "));
  CHECK(contains(broken, ": 1 accepted, 1 refused"));
}
