#include "command/health/doctor.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::discovery;
using namespace tidegate::health;
using tidegate::testing::contains;

namespace {

constexpr ClusterId cluster = 7423456789012345678;

ServerFacts replica() {
  ServerFacts facts;
  facts.server.incarnation = {cluster, 1700000000000000};
  facts.server.in_recovery = true;
  facts.server.login = "tide";
  facts.server.description = "standby r port 5432";
  facts.connected_to = "r (10.0.0.2) port 5432";
  facts.own_address = "10.0.0.2";
  facts.second_instance = facts.server.incarnation;
  facts.replication = true;
  facts.timeline = 1;
  facts.max_wal_senders = 10;
  facts.lsn = {0x3000000};
  facts.receiving = true;
  facts.synchronous_commit = "on";
  return facts;
}

ServerFacts primary() {
  auto facts = replica();
  facts.server.incarnation.started += 5;
  facts.second_instance = facts.server.incarnation;
  facts.server.in_recovery = false;
  facts.server.description = "primary p port 5432";
  facts.receiving = false;
  return facts;
}

Interface ethernet() {
  return {
      .name = "eth0", .index = 2, .up = true, .multicast = true, .address = base::Ipv4{0x0A000001}};
}

// A host where all is well.
Facts healthy() {
  Facts facts;
  facts.host.interfaces.push_back(
      {"eth0", ethernet(),
       Result<LoopbackProbe>(LoopbackProbe{.multicast = true, .broadcast = true})});
  facts.host.free_ports = {17900, 17901};
  facts.host.descriptors_now = 1024;
  facts.host.descriptors_most = 1048576;
  facts.database = replica();
  facts.primary = primary();
  return facts;
}

std::vector<Finding> troubles(const Facts& facts, const Options& options = {}) {
  auto findings = judge(options, facts);
  findings.erase(std::remove_if(findings.begin(), findings.end(),
                                [](const auto& f) { return f.verdict == Verdict::ok; }),
                 findings.end());
  return findings;
}

// The one finding that is not ok; it must say what to do.
Finding only_trouble(const Facts& facts) {
  const auto found = troubles(facts);
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found.front().cure.empty());
  return found.front();
}

}  // namespace

TEST_CASE("the doctor finds nothing where all is well") { CHECK(troubles(healthy()).empty()); }

TEST_CASE("an interface that can't be used is a problem") {
  auto facts = healthy();
  facts.host.interfaces.front() = {"eth7", Error{"there is no interface eth7"}, std::nullopt};
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(trouble.about == "interface eth7");
}

TEST_CASE("one of multicast and broadcast is enough, none is a problem") {
  auto facts = healthy();
  auto& hearing = facts.host.interfaces.front().hearing;
  hearing = Result<LoopbackProbe>(LoopbackProbe{.multicast = true});
  CHECK(troubles(facts).empty());
  hearing = Result<LoopbackProbe>(LoopbackProbe{.broadcast = true});
  CHECK(troubles(facts).empty());
  hearing = Result<LoopbackProbe>(LoopbackProbe{.trouble = "no route"});
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(contains(trouble.what, "no route"));
  CHECK(contains(trouble.cure, "--seeds"));
}

TEST_CASE("only loopback is a warning, unless seeds are named") {
  auto facts = healthy();
  auto loopback = ethernet();
  loopback.loopback = true;
  facts.host.interfaces.front().interface = loopback;
  CHECK(only_trouble(facts).verdict == Verdict::warning);
  Options options;
  options.seeds = {"a:17901"};
  const auto findings = judge(options, facts);
  CHECK(std::all_of(findings.begin(), findings.end(),
                    [](const auto& f) { return f.verdict == Verdict::ok; }));
}

TEST_CASE("fewer than two free ports are a problem") {
  auto facts = healthy();
  facts.host.free_ports = {17900};
  CHECK(only_trouble(facts).verdict == Verdict::problem);
}

TEST_CASE("a hard limit of open files that leaves room for few peers is a warning") {
  auto facts = healthy();
  facts.host.descriptors_most = 64 + 6 * 50 - 1;
  CHECK(contains(only_trouble(facts).what, "room for 49 peers"));
  facts.host.descriptors_most = 64 + 6 * 50;
  CHECK(troubles(facts).empty());
  facts.host.descriptors_most = 10;
  CHECK(contains(only_trouble(facts).what, "room for 0 peers"));
}

TEST_CASE("no database is a warning, one that does not answer a problem") {
  auto facts = healthy();
  facts.database.reset();
  CHECK(only_trouble(facts).verdict == Verdict::warning);
  facts.database = ServerTrouble{ServerTrouble::When::connecting, "", "connection refused"};
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(contains(trouble.what, "connection refused"));
}

TEST_CASE("a wrong password, a wrong database and an unreadable string have cures of their own") {
  struct Case {
    ServerTrouble trouble;
    std::string what;
    std::string cure;
  };
  using When = ServerTrouble::When;
  for (const auto& one : {
           Case{{When::reading_string, "", "w"}, "unreadable connection string: w", "correct --"},
           Case{{When::connecting, "28P01", "w"}, "wrong password, or none: w", "PGPASSWORD"},
           Case{{When::connecting, "28000", "w"}, "not let in: w", "pg_hba.conf"},
           Case{{When::connecting, "3D000", "w"}, "wrong database: w", "dbname of --primary"},
           Case{{When::connecting, "53300", "w"}, "no connection is free: w", "max_connections"},
           Case{{When::connecting, "08P01", "w"}, "pooler", "log of the pooler"},
           Case{{When::connecting, "", "w"}, "not reached: w", "host and port of --primary"},
           Case{{When::asking, "42501", "w"}, "does not answer what a peer asks: w", "grant"},
       }) {
    auto facts = healthy();
    facts.primary = one.trouble;
    const auto trouble = only_trouble(facts);
    CAPTURE(trouble.what);
    CHECK(trouble.verdict == Verdict::problem);
    CHECK(contains(trouble.what, one.what));
    CHECK(contains(trouble.cure, one.cure));
  }
}

TEST_CASE("a pooler before a server is a warning") {
  auto facts = healthy();
  auto database = replica();
  database.pooled = true;
  facts.database = database;
  CHECK(contains(only_trouble(facts).what, "a pooler speaks for standby r"));
}

TEST_CASE("each reason why replication commands fail has a cure of its own") {
  auto facts = healthy();
  auto database = replica();
  database.replication = false;
  database.replication_refusal = "42501";
  facts.database = database;
  CHECK(contains(only_trouble(facts).cure, "ALTER ROLE tide REPLICATION"));
  database.replication_refusal = "53300";
  facts.database = database;
  CHECK(contains(only_trouble(facts).cure, "max_wal_senders"));
  database.replication_refusal = "28000";
  facts.database = database;
  CHECK(contains(only_trouble(facts).cure, "pg_hba.conf"));
}

TEST_CASE("two connections that reach two servers are a problem") {
  auto facts = healthy();
  auto database = replica();
  database.second_instance.started += 1;
  facts.database = database;
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(contains(trouble.cure, "load balancer"));
}

TEST_CASE("a server with another address than the one asked is a warning") {
  auto facts = healthy();
  auto database = replica();
  database.own_address = "10.0.0.9";
  facts.database = database;
  CHECK(contains(only_trouble(facts).what, "10.0.0.9"));
  database.own_address = "";  // a Unix socket
  facts.database = database;
  CHECK(troubles(facts).empty());
}

TEST_CASE("a paused replay is a problem with the statement that ends it") {
  auto facts = healthy();
  auto database = replica();
  database.replay_paused = true;
  facts.database = database;
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(contains(trouble.cure, "pg_wal_replay_resume()"));
}

TEST_CASE("a replica that follows nobody is a warning") {
  auto facts = healthy();
  auto database = replica();
  database.receiving = false;
  facts.database = database;
  CHECK(contains(only_trouble(facts).what, "no WAL receiver"));
}

TEST_CASE("a replica far behind the primary is a warning with the distance") {
  auto facts = healthy();
  auto far = primary();
  far.lsn.bytes += std::uint64_t{20} << 20U;
  facts.primary = far;
  CHECK(contains(only_trouble(facts).what, "20.0 MiB behind"));
}

TEST_CASE("a primary of another cluster is a problem") {
  auto facts = healthy();
  auto other = primary();
  other.server.incarnation.cluster = 1;
  other.second_instance = other.server.incarnation;
  facts.primary = other;
  CHECK(only_trouble(facts).verdict == Verdict::problem);
}

TEST_CASE("different timelines are a warning, an unknown one is not") {
  auto facts = healthy();
  auto promoted = primary();
  promoted.timeline = 2;
  facts.primary = promoted;
  CHECK(contains(only_trouble(facts).what, "timeline 2"));
  promoted.timeline = 0;
  facts.primary = promoted;
  CHECK(troubles(facts).empty());
}

TEST_CASE("a primary that is a standby is a problem") {
  auto facts = healthy();
  facts.primary = replica();
  CHECK(only_trouble(facts).verdict == Verdict::problem);
}

TEST_CASE(
    "an outbox that is not as it should be is one problem, named with the role that reads it") {
  auto facts = healthy();
  auto database = replica();
  database.outbox_problems = {"not asked for"};
  facts.database = database;
  CHECK(troubles(facts).empty());
  database.has_outbox = true;
  database.outbox_problems = {"there is no table a", "there is no table b"};
  facts.database = database;
  const auto trouble = only_trouble(facts);
  CHECK(trouble.verdict == Verdict::problem);
  CHECK(trouble.about == "outbox");
  CHECK(trouble.what == "there is no table a; there is no table b");
  CHECK(contains(trouble.cure, "`tidegate outbox --sql --reader tide`"));
}

TEST_CASE("the outbox of the primary counts only where no database is read") {
  auto facts = healthy();
  auto other = primary();
  other.has_outbox = true;
  other.outbox_problems = {"the role may not use the schema"};
  facts.primary = other;
  CHECK(troubles(facts).empty());
  facts.database.reset();
  CHECK(troubles(facts).size() == 2);
  CHECK(troubles(facts).back().about == "outbox");
}

TEST_CASE("synchronous_commit off decides what a message may depend on") {
  auto facts = healthy();
  auto careless = primary();
  careless.synchronous_commit = "off";
  facts.primary = careless;
  CHECK(contains(only_trouble(facts).cure, "never with \"durable\":true"));
}

TEST_CASE("a database that is a primary serves as the primary too") {
  auto facts = healthy();
  facts.primary.reset();
  facts.database = primary();
  CHECK(troubles(facts).empty());
  facts.database = replica();
  CHECK(contains(only_trouble(facts).cure, "--primary"));
}

TEST_CASE("the doctor tells a key that can't be used, and a network without one") {
  auto facts = healthy();
  facts.host.keyring = Error{"key-file /k: others may read or write it"};
  REQUIRE(troubles(facts).size() == 1);
  CHECK(troubles(facts)[0].verdict == Verdict::problem);
  CHECK(contains(troubles(facts)[0].what, "others may read"));

  facts.host.keyring = keys::Keyring();
  CHECK(troubles(facts).empty());
  Options open;
  open.insecure = true;
  REQUIRE(troubles(facts, open).size() == 1);
  CHECK(contains(troubles(facts, open)[0].what, "everybody who reaches this peer can read"));

  keys::Secret other;
  other.buffer()[0] = 1;
  facts.host.keyring = keys::Keyring({keys::Secret(), other}, "default");
  CHECK(troubles(facts).empty());
  const auto all = judge(Options(), facts);
  CHECK(std::any_of(all.begin(), all.end(), [](const Finding& finding) {
    return finding.about == "key" && contains(finding.what, " is used, accepted too: ");
  }));
}
