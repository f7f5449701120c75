// `tidegate outbox`: its SQL goes through psql, its questions to a primary and a standby.
#include <fstream>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

const Arguments print_sql = {"outbox", "--sql", "--app", "shop", "--reader", "tide"};

// As an operator does it. It speaks with servers of any version.
void run_in_psql(const std::string& sql, const Server& server) {
  Command psql;
  psql.arguments = {"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", server.connection_string()};
  psql.input = psql.output = psql.errors = Stream::pipe;
  const auto ran = CommandMesh::finish(Process(psql), sql);
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
}

// A primary with the outbox, and a role that announces, one that reads and one that does neither.
struct Site {
  explicit Site(const ClusterOptions& options = {}) : cluster(options) {
    primary.execute("CREATE ROLE shop LOGIN; CREATE ROLE tide LOGIN; CREATE ROLE other LOGIN");
    run_in_psql(mesh.run(print_sql).output, primary);
  }

  [[nodiscard]] Ran check(const std::string& extra = "") const {
    return mesh.run({"outbox", "--check", "--database", primary.connection_string(extra)});
  }
  [[nodiscard]] json status(const Server& server) const {
    const auto ran =
        mesh.run({"outbox", "status", "--json", "--database", server.connection_string()});
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    return json::parse(ran.output);
  }

  CommandMesh mesh;
  Cluster cluster;
  Server& primary = cluster.primary();
};

}  // namespace

TEST_CASE("the schema that outbox prints is applied by psql, again without harm, with its roles") {
  Site site;
  site.primary.connect("user=shop").execute("SELECT tidegate.announce('t', 'kept')");
  run_in_psql(site.mesh.run(print_sql).output, site.primary);
  CHECK(site.primary.value("SELECT count(*) FROM tidegate.outbox") == "1");
  CHECK_THROWS(site.primary.connect("user=shop").execute("SELECT * FROM tidegate.outbox"));
  CHECK_THROWS(site.primary.connect("user=other").execute("SELECT tidegate.announce('t', '')"));
  CHECK(site.primary.connect("user=tide").value("SELECT count(*) FROM tidegate.outbox") == "1");
  CHECK(lacks(site.mesh.run({"outbox", "--sql"}).output, "GRANT "));
}

TEST_CASE("the check of an outbox names what is wrong, each on a line") {
  Site site;
  site.primary.execute("CREATE DATABASE bare");
  const auto bare = site.check("dbname=bare");
  CHECK(bare.status == 1);
  CHECK(contains(bare.output, "there is no schema tidegate in the database bare: run "));
  CHECK(contains(bare.errors, "tidegate outbox --sql"));

  const auto right = site.check("user=tide");
  CHECK(right.status == 0);
  CHECK(contains(right.output, " is right\n"));
  CHECK(right.errors.empty());
  CHECK(contains(site.check("user=shop").output, "the role shop may not "));

  site.primary.execute("DROP TABLE tidegate.lineage; DROP FUNCTION tidegate.note_timeline()");
  const auto broken = site.check();
  CHECK(broken.status == 1);
  CHECK(contains(broken.output, "there is no table tidegate.lineage: run "));
  CHECK(contains(broken.output, "there is no function tidegate.note_timeline(): run "));
  run_in_psql(site.mesh.run(print_sql).output, site.primary);
  CHECK(site.check("user=tide").status == 0);
}

TEST_CASE("the check of an outbox is asked of a standby too, and answers with JSON") {
  Site site;
  auto& standby = site.cluster.add_replica();
  const Arguments question = {"outbox", "--check", "--json", "--database",
                              standby.connection_string("user=tide")};
  auto ran = site.mesh.run(question);
  CHECK(ran.status == 0);
  auto answer = json::parse(ran.output);
  CHECK(answer["problems"].empty());
  CHECK(contains(answer["server"].get<std::string>(), std::to_string(standby.port())));

  site.primary.execute("ALTER TABLE tidegate.outbox RESET (vacuum_truncate)");
  REQUIRE(eventually(20s, [&] {
    ran = site.mesh.run(question);
    return ran.status == 1;
  }));
  answer = json::parse(ran.output);
  REQUIRE(answer["problems"].size() == 1);
  CHECK(contains(answer["problems"][0].get<std::string>(), "tidegate.outbox"));
}

TEST_CASE("the flags of outbox that don't fit are told all at once") {
  const CommandMesh mesh;
  const auto none = mesh.run({"outbox"});
  CHECK(none.status == 2);
  CHECK(contains(none.errors, "outbox: give exactly one of --sql, --check and status"));
  const auto all = mesh.run({"outbox", "--sql", "--check", "status", "--json", "--app", "a\"b",
                             "--reader", "A", "--rolls", "x"});
  CHECK(all.status == 2);
  CHECK(all.output.empty());
  for (const auto* part :
       {"outbox: give exactly one of --sql, --check and status", "--json: is for --check and",
        "--app: 'a\"b' is no name", "--reader: 'A' is no name", "--rolls: there is no such flag"}) {
    CHECK(contains(all.errors, part));
  }
  const auto roles = mesh.run({"outbox", "--check", "--app", "a", "--reader", "b"});
  CHECK(roles.status == 2);
  CHECK(contains(roles.errors, "--app: is for --sql alone"));
  CHECK(contains(roles.errors, "--reader: is for --sql alone"));
  CHECK(contains(mesh.run({"outbox", "statsu"}).errors, "write `tidegate outbox status`"));
}

TEST_CASE("the outbox of one server is asked, and one that can't be reached is told") {
  const CommandMesh mesh;
  const std::string nowhere = "host=127.0.0.1 port=1 password=hush";
  for (const auto* what : {"--check", "status"}) {
    CAPTURE(what);
    const auto gone = mesh.run({"outbox", what, "--json", "--primary", nowhere});
    CHECK(gone.status == 1);
    CHECK(gone.output.empty());
    CHECK(contains(gone.errors, "no connection to the server: "));
    CHECK(contains(gone.errors, "refused"));
    CHECK(lacks(gone.errors, "hush"));
    const auto two = mesh.run({"outbox", what, "--primary", "host=a", "--database", "host=b"});
    CHECK(two.status == 2);
    CHECK(contains(two.errors, "give either --database or --primary"));
    const auto none = mesh.run({"outbox", what});
    CHECK(none.status == 2);
    CHECK(contains(none.errors, "there is no server to ask"));
  }
}

TEST_CASE(
    "of two servers in the settings the outbox of the database is asked, unless a flag says") {
  Site site;
  const auto asked = [&](const Arguments& more) {
    auto command = site.mesh.command({"outbox", "--check", "--json"});
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
    command.environment["TIDEGATE_DATABASE"] = "host=127.0.0.1 port=1";
    command.environment["TIDEGATE_PRIMARY"] = "host=127.0.0.1 port=2";
    return CommandMesh::finish(Process(command));
  };
  CHECK(contains(asked({}).errors, "port 1 "));
  CHECK(asked({"--primary", site.primary.connection_string()}).status == 0);
}

TEST_CASE("the status of an outbox has its rows, and who holds the horizon back, on a primary") {
  Site site({.config = "max_prepared_transactions = 2"});
  auto& primary = site.primary;
  auto status = site.status(primary);
  CHECK(status["primary"] == true);
  CHECK(status["rows"] == 0);
  CHECK(status["oldest"].is_null());
  CHECK(status["newest"].is_null());
  CHECK(status["oldest_writer"].is_null());
  CHECK(status["removed_before"] == 0);

  const auto announce = [](Session& session) {
    return std::stoull(session.value(
        "SELECT tidegate.announce('t', 'x'); SELECT pg_current_xact_id_if_assigned()"));
  };
  auto session = primary.connect("application_name=open");
  session.execute("BEGIN");
  const auto first = announce(session);
  session.execute("COMMIT; BEGIN; CREATE TABLE t (i int)");
  const auto open = std::stoull(session.value("SELECT pg_current_xact_id()"));
  auto other = primary.connect();
  other.execute("SELECT tidegate.announce('t', 'y'); BEGIN");
  const auto last = announce(other);
  other.execute("COMMIT");

  status = site.status(primary);
  CHECK(status["rows"] == 3);
  CHECK(status["bytes"] > 8192);
  CHECK(status["oldest"]["transaction"] == first);
  CHECK(status["newest"]["transaction"] == last);
  CHECK(status["oldest"]["age_ms"] >= status["newest"]["age_ms"]);
  const auto announced = primary.value(
      "SELECT (extract(epoch FROM min(announced)) * 1000000)::bigint FROM tidegate.outbox");
  CHECK(std::to_string(status["oldest"]["announced"].get<std::int64_t>()) == announced);
  CHECK(status["horizon"] == open);
  CHECK(status["oldest_writer"]["transaction"] == open);
  CHECK(status["oldest_writer"]["open_ms"] > 0);
  CHECK(status["oldest_writer"]["process"] > 0);
  CHECK(status["oldest_writer"]["application"] == "open");
  CHECK(status["oldest_writer"]["role"] == "postgres");

  // A role without a right to the sessions of others sees the transaction all the same.
  const auto plain =
      site.mesh.run({"outbox", "status", "--primary", primary.connection_string("user=tide")});
  CHECK(plain.status == 0);
  CHECK(contains(plain.output, "transaction " + std::to_string(open) + ", open for a time"));

  session.execute("PREPARE TRANSACTION 'two phases'");
  CHECK(primary.value("SELECT tidegate.remove_announced('0', NULL, 9)") == "1");
  status = site.status(primary);
  CHECK(status["rows"] == 2);
  CHECK(status["removed_before"] == first + 1);
  CHECK(status["oldest_writer"]["transaction"] == open);
  CHECK(status["oldest_writer"]["prepared"] == "two phases");
  CHECK(status["oldest_writer"]["process"] == 0);
  primary.execute("ROLLBACK PREPARED 'two phases'");
  CHECK(site.status(primary)["oldest_writer"].is_null());
}

TEST_CASE("the numbers of old transactions are whole where a session tells 32 bits of its own" *
          doctest::skip(!find_postgres_program("pg_resetwal"))) {
  Site site;
  auto& primary = site.primary;
  primary.stop();
  Command reset;
  reset.arguments = {postgres_program("pg_resetwal"), "-e", "3", primary.data_directory()};
  reset.user = server_user();
  run(reset, 20s);
  primary.start();
  auto session = primary.connect();
  session.execute("BEGIN");
  const auto open = std::stoull(session.value("SELECT pg_current_xact_id()"));
  REQUIRE((open >> 32U) == 3);
  const auto status = site.status(primary);
  CHECK(status["horizon"] == open);
  CHECK(status["oldest_writer"]["transaction"] == open);
}

TEST_CASE("the status of an outbox is asked of a standby too, where the writers are not known") {
  Site site;
  auto& standby = site.cluster.add_replica();
  auto open = site.primary.connect();
  open.execute("BEGIN; SELECT pg_current_xact_id()");
  site.primary.execute("SELECT tidegate.announce('t', 'x')");
  json status;
  REQUIRE(eventually(20s, [&] {
    status = site.status(standby);
    return status["rows"] == 1;
  }));
  CHECK(status["primary"] == false);
  CHECK(status["oldest_writer"].is_null());
  CHECK(status["oldest"]["transaction"] == status["newest"]["transaction"]);
  CHECK(status["horizon"] <= status["oldest"]["transaction"]);
  const auto words =
      site.mesh.run({"outbox", "status", "--database", standby.connection_string()}).output;
  CHECK(contains(words, ", a standby\n"));
  CHECK(contains(words, "  rows            1, "));
}

TEST_CASE("the status of a database without an outbox says so") {
  Cluster cluster;
  const CommandMesh mesh;
  const auto ran =
      mesh.run({"outbox", "status", "--database", cluster.primary().connection_string()});
  CHECK(ran.status == 1);
  CHECK(ran.output.empty());
  CHECK(contains(ran.errors, "this database has no outbox"));
  CHECK(contains(ran.errors, "tidegate outbox --check"));
}

TEST_CASE("a role's own operators don't answer for those of the server about an outbox") {
  Site site;
  site.primary.execute(
      "CREATE SCHEMA mine; GRANT USAGE ON SCHEMA mine TO tide;"
      "CREATE FUNCTION mine.minus(timestamptz, timestamptz) RETURNS interval LANGUAGE sql"
      " AS $$ SELECT interval '9 years' $$;"
      "CREATE OPERATOR mine.- (LEFTARG = timestamptz, RIGHTARG = timestamptz,"
      " FUNCTION = mine.minus);"
      "CREATE FUNCTION mine.equal(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
      "CREATE OPERATOR mine.= (LEFTARG = name, RIGHTARG = name, FUNCTION = mine.equal);"
      "ALTER ROLE tide SET search_path = mine, pg_catalog;"
      "ALTER ROLE tide SET default_transaction_isolation = serializable;"
      "SELECT tidegate.announce('t', '')");
  const auto ran = site.mesh.run(
      {"outbox", "status", "--json", "--database", site.primary.connection_string("user=tide")});
  CHECK(json::parse(ran.output)["oldest"]["age_ms"] < 1e9);
  CHECK(site.check("user=tide").status == 0);
}

TEST_CASE("the doctor looks at the outbox where there is one") {
  Site site;
  const auto outbox = [&](const std::string& extra) {
    const auto ran =
        site.mesh.run({"doctor", "--json", "--database", site.primary.connection_string(extra)});
    json found;
    const auto report = json::parse(ran.output);
    for (const auto& finding : report["findings"]) {
      if (finding["about"] == "outbox") found = finding;
    }
    CHECK(ran.status == (report["problems"] == 0 ? 0 : 1));
    return found;
  };
  CHECK(outbox("")["verdict"] == "ok");
  CHECK(outbox("dbname=template1").is_null());
  site.primary.execute("DROP TABLE tidegate.outbox");
  const auto wrong = outbox("user=tide");
  CHECK(wrong["verdict"] == "problem");
  CHECK(contains(wrong["what"].get<std::string>(), "there is no table tidegate.outbox"));
  CHECK(contains(wrong["cure"].get<std::string>(), "--reader tide"));
}

TEST_CASE("the status of an outbox has the cursors of this host, with what each has not taken") {
  Site site;
  site.primary.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(1, 5) AS n");
  const auto directory = (site.mesh.directory() / "state").string();
  const auto database = site.primary.connection_string();
  const auto taken = site.mesh.run({"sub", "--durable", "mails", "--state-dir", directory, "--from",
                                    "earliest", "--count", "2", "--database", database});
  CHECK(taken.status == 0);
  std::ofstream(directory + "/broken.outbox") << "nonsense\n";
  const auto ran = site.mesh.run(
      {"outbox", "status", "--json", "--state-dir", directory, "--database", database});
  const auto cursors = json::parse(ran.output)["cursors"];
  REQUIRE(cursors.size() == 2);
  CHECK(contains(cursors[0]["trouble"].get<std::string>(), "can't be understood"));
  CHECK(cursors[1]["name"] == "mails");
  CHECK(cursors[1]["rows"] == 3);
  CHECK(cursors[1]["trouble"] == "");
}

TEST_CASE("the doctor names cursors of this host that are broken, behind, or have missed rows") {
  Site site;
  const auto directory = (site.mesh.directory() / "state").string();
  const auto database = site.primary.connection_string();
  const auto read = [&](const std::string& name, const std::string& count) {
    CHECK(site.mesh
              .run({"sub", "--durable", name, "--state-dir", directory, "--from", "earliest",
                    "--count", count, "--database", database})
              .status == 0);
  };
  const auto findings = [&] {
    const auto ran =
        site.mesh.run({"doctor", "--json", "--state-dir", directory, "--database", database});
    std::map<std::string, json> found;
    const auto report = json::parse(ran.output);
    for (const auto& finding : report["findings"]) {
      const auto about = finding["about"].get<std::string>();
      if (about.starts_with("cursor ")) found[about.substr(7)] = finding;
    }
    return found;
  };
  CHECK(findings().empty());
  site.primary.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(1, 3) AS n");
  read("some", "1");
  site.primary.execute("UPDATE tidegate.outbox SET announced = announced - interval '2 hours'");
  site.primary.execute("SELECT tidegate.announce('t', '4')");
  read("all", "4");
  std::ofstream(directory + "/broken.outbox") << "nonsense\n";
  auto found = findings();
  CHECK(found.size() == 3);
  CHECK(contains(found["broken"]["what"].get<std::string>(), "can't be understood"));
  CHECK(found["broken"]["verdict"] == "problem");
  CHECK(contains(found["some"]["what"].get<std::string>(), "3 rows wait, the first for 2 h 0 min"));
  CHECK(contains(found["some"]["cure"].get<std::string>(), directory + "/some.outbox"));
  CHECK(found["all"]["what"] == "no row waits");

  site.primary.execute(
      "DELETE FROM tidegate.outbox; UPDATE tidegate.outbox_removed SET before = "
      "pg_snapshot_xmin(pg_current_snapshot())");
  CHECK(contains(findings()["some"]["what"].get<std::string>(), "were removed"));
}
