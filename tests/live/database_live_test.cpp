#include <chrono>
#include <csignal>
#include <string>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "peer/io/descriptor.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/promotion.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/port.hpp"
#include "tests/support/turning.hpp"

using namespace tidegate;
using namespace tidegate::postgres;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

// Gives Database the form of the machines above it.
struct Single {
  static Result<std::unique_ptr<Single>> create(
      const std::string& connection_string, Database::Timeouts timeouts = {},
      Database::Session session = Database::Session::plain) {
    auto database = Database::create(connection_string, session, timeouts);
    if (!database) return database.error();
    return std::make_unique<Single>(Single{std::move(*database)});
  }
  [[nodiscard]] io::Interest interest() const { return database.interest(); }
  [[nodiscard]] Instant deadline() const { return database.deadline(); }
  void advance(Instant now, std::vector<Database::Event>& events) {
    if (auto event = database.advance(now)) events.push_back(std::move(*event));
  }

  Database database;
};

class Connection : public Turning<Single, Database::Event> {
 public:
  using Turning::Turning;

  std::vector<Database::Row> rows(const std::string& sql) {
    (*this)->database.query(sql, current_time());
    return next<Database::Answer>().rows;
  }
};

// A socket that listens and never accepts, as a server that hangs; the kernel completes the
// connection.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(unused_port()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_.get(), 10) == 0);
  }

  [[nodiscard]] std::string port() const { return std::to_string(port_); }

 private:
  io::Descriptor socket_;
  std::uint16_t port_;
};

// For the tests that leave a server as it was: a new one costs a second.
Server& shared_server() {
  static Cluster cluster({.tcp = true});
  return cluster.primary();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a connection string that libpq can't read is refused with its words") {
  const auto refused = Single::create("host=a prot=5432");
  REQUIRE_FALSE(refused.ok());
  CHECK(contains(refused.error().message, "invalid connection option \"prot\""));
}

TEST_CASE("no error shows a piece of the password") {
  for (const std::string text : {
           "host=a password=hush hush",
           "password=hush hush=1",
           "postgresql://me:hush%zz@a/db",
           "postgresql://me:hu@hush@a/db",
           "postgresql://me:a/hush@a/db",
           "postgresql://me:hu?hush@hush@a/db",
       }) {
    const auto refused = Single::create(text);
    CAPTURE(text);
    REQUIRE_FALSE(refused.ok());
    CHECK_FALSE(contains(refused.error().message, "hush"));
  }
}

TEST_CASE("a query is answered with rows of text and NULL") {
  Connection connection(Single::create(shared_server().connection_string()));
  CHECK_FALSE(connection->database.idle());
  connection.next<Database::Connected>();
  CHECK(connection->database.idle());
  CHECK(connection->database.deadline() == never);
  CHECK(connection.rows("SELECT 1, NULL, 'a' UNION ALL SELECT 2, 'b', ''") ==
        std::vector<Database::Row>{{"1", std::nullopt, "a"}, {"2", "b", ""}});
  CHECK(connection.rows("SET work_mem = '1MB'").empty());
  CHECK(connection.rows("SELECT application_name FROM pg_stat_activity WHERE pid = "
                        "pg_backend_pid()") == std::vector<Database::Row>{{"tidegate"}});
  CHECK(
      connection.rows("SELECT length(repeat('x', 1000000)), repeat('x', 1000000)")[0][1]->size() ==
      1000000);
}

TEST_CASE("an idle connection wakes the loop for nothing") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  const auto turns = connection.turns();
  connection.pass(300ms);
  CHECK(connection.turns() <= turns + 2);
}

TEST_CASE("a query that fails leaves the connection usable") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  connection->database.query("SELECT 1/0", current_time());
  const auto failure = connection.next<Database::QueryFailed>();
  CHECK(failure.sqlstate == "22012");
  CHECK(contains(failure.message, "division by zero"));
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}

TEST_CASE("replication commands and SQL share one connection") {
  Connection connection(
      Single::create(shared_server().connection_string(), {}, Database::Session::replication));
  connection.next<Database::Connected>();
  CHECK(connection.rows("IDENTIFY_SYSTEM")[0][1] == "1");
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}

TEST_CASE("where no server is, attempts follow within 100 ms, then doubling to 5 s") {
  Connection connection(Single::create("host=/nonexistent user=x dbname=x"));
  auto now = current_time();
  for (const auto bound : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    const auto event = connection->database.advance(now);
    REQUIRE(event.has_value());
    REQUIRE(std::holds_alternative<Database::Lost>(*event));
    CHECK(contains(std::get<Database::Lost>(*event).reason, "/nonexistent"));
    const auto next = connection->database.deadline();
    CHECK(next > now);
    CHECK(next < now + bound);
    CHECK(connection->database.interest().descriptor == -1);
    CHECK_FALSE(connection->database.advance(next - 1ns).has_value());
    now = next;
  }
}

TEST_CASE("a wrong database is tried again more rarely than a server that is away") {
  Connection connection(Single::create(shared_server().connection_string("dbname=absent"), {}));
  connection.next<Database::Lost>();
  Duration longest{};
  for (int attempt = 0; attempt < 3; ++attempt) {
    longest = std::max(longest, connection->database.deadline() - current_time());
    connection.next<Database::Lost>(30s);
  }
  CHECK(longest > 200ms);
  CHECK(longest < 4s);
}

TEST_CASE("a refusal carries the server's words and SQLSTATE, and no password") {
  const auto base = "host=127.0.0.1 port=" + std::to_string(shared_server().port()) + " ";
  {
    Connection connection(Single::create(base + "user=nobody dbname=postgres password=hush"));
    const auto lost = connection.next<Database::Lost>();
    CHECK(lost.sqlstate == "28000");
    CHECK(contains(lost.reason, "role \"nobody\" does not exist"));
    CHECK_FALSE(contains(lost.reason, "LOCATION"));
    CHECK_FALSE(contains(lost.reason, "hush"));
  }
  Connection connection(Single::create(base + "user=postgres dbname=absent"));
  CHECK(connection.next<Database::Lost>().sqlstate == "3D000");
}

TEST_CASE("a wrong password is told as such, without it") {
  Cluster cluster;
  auto& server = cluster.primary();
  server.execute("CREATE ROLE someone LOGIN PASSWORD 'right'");
  const auto rules = server.data_directory() / "pg_hba.conf";
  run({.arguments = {"sed", "-i", "1i local all someone scram-sha-256", rules}}, 5s);
  server.append_config("\n");
  const auto base = "host=" + server.socket_directory().string() +
                    " port=5432 user=someone dbname=postgres password=";
  Connection wrong(Single::create(base + "hush"));
  const auto lost = wrong.next<Database::Lost>();
  CHECK(lost.sqlstate == "28P01");
  CHECK_FALSE(contains(lost.reason, "hush"));
  Connection right(Single::create(base + "right"));
  right.next<Database::Connected>();
}

TEST_CASE("an unknown host and a closed port are losses with a reason") {
  Connection unknown(Single::create("host=no-such-host.invalid user=x dbname=x"));
  CHECK(contains(unknown.next<Database::Lost>().reason, "no-such-host.invalid"));
  Connection closed(
      Single::create("host=127.0.0.1 user=x dbname=x port=" + std::to_string(unused_port())));
  CHECK(contains(closed.next<Database::Lost>().reason, "Connection refused"));
}

TEST_CASE("a host that does not answer loses its turn after the connect timeout") {
  SilentServer silent;
  Connection connection(
      Single::create("host=127.0.0.1 user=x dbname=x port=" + silent.port(), {.connect = 200ms}));
  const auto begin = current_time();
  const auto lost = connection.next<Database::Lost>();
  CHECK(current_time() - begin >= 200ms);
  CHECK(contains(lost.reason, "127.0.0.1 port " + silent.port()));
}

TEST_CASE("connect_timeout of the connection string is obeyed") {
  SilentServer silent;
  Connection connection(
      Single::create("host=127.0.0.1 user=x dbname=x connect_timeout=1 port=" + silent.port()));
  const auto begin = current_time();
  CHECK(contains(connection.next<Database::Lost>().reason, "for 1 s"));
  CHECK(current_time() - begin < 3s);
}

TEST_CASE("after a silent host the next attempt begins with the next one") {
  SilentServer silent;
  Connection connection(Single::create(
      "host=127.0.0.1,127.0.0.1 user=postgres dbname=postgres port=" + silent.port() + "," +
          std::to_string(shared_server().port()),
      {.connect = 200ms}));
  connection.next<Database::Lost>();
  connection.next<Database::Connected>();
  CHECK(contains(connection->database.server(), std::to_string(shared_server().port())));
}

TEST_CASE("a server that leaves a question unanswered for too long counts as lost") {
  Connection connection(Single::create(shared_server().connection_string(), {.answer = 200ms}));
  connection.next<Database::Connected>();
  const auto begin = current_time();
  connection->database.query("SELECT pg_sleep(30)", begin);
  CHECK(contains(connection.next<Database::Lost>().reason, "has not answered"));
  CHECK(current_time() - begin >= 200ms);
  CHECK(current_time() - begin < 5s);
}

TEST_CASE("an idle connection that the server ends is noticed at once, with the server's words") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  const auto pid = *connection.rows("SELECT pg_backend_pid()")[0][0];
  shared_server().execute("SELECT pg_terminate_backend(" + pid + ")");
  const auto lost = connection.next<Database::Lost>(2s);
  CHECK(lost.sqlstate == "57P01");
  CHECK(contains(lost.reason, "terminating connection due to administrator command"));
  connection.next<Database::Connected>();
}

TEST_CASE("a query under way is lost with its connection") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  const auto pid = *connection.rows("SELECT pg_backend_pid()")[0][0];
  connection->database.query("SELECT pg_sleep(30)", current_time());
  shared_server().execute("SELECT pg_terminate_backend(" + pid + ")");
  const auto lost = connection.next<Database::Lost>(2s);
  CHECK(lost.sqlstate == "57P01");
  CHECK(contains(lost.reason, "terminating connection due to administrator command"));
}

TEST_CASE("a question to a server that has just gone is lost, and the next connection is whole") {
  Cluster cluster;
  auto& server = cluster.primary();
  Connection connection(Single::create(server.connection_string()));
  connection.next<Database::Connected>();
  server.crash();
  server.start();
  connection->database.query("SELECT 1", current_time());
  connection.next<Database::Lost>();
  connection.next<Database::Connected>();
  connection.pass(50ms);
  CHECK(connection.quiet());
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}

TEST_CASE("a server that goes away and returns is found again") {
  Cluster cluster;
  auto& server = cluster.primary();
  Connection connection(Single::create(server.connection_string()));
  connection.next<Database::Connected>();
  const auto before = connection->database.interest();
  server.crash();
  connection.next<Database::Lost>(2s);
  CHECK(connection.until([&] { return !connection.quiet(); }));  // the next attempt fails
  server.start();
  connection.forget();
  CHECK(connection.until([&] { return connection->database.idle(); }));
  CHECK(connection->database.interest().socket != before.socket);
  connection.forget();
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}

TEST_CASE("a connection that lived for longer than the next pause is tried again quickly") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  auto now = current_time();
  Duration longest{};
  for (int i = 0; i < 20; ++i) {  // short lives: the pauses go on growing
    connection->database.drop(now);
    longest = std::max(longest, connection->database.deadline() - now);
  }
  CHECK(longest > 1s);
  connection->database.reconnect(now);
  connection.next<Database::Connected>();
  now = current_time() + 5s;
  connection->database.drop(now);
  CHECK(connection->database.deadline() < now + 100ms);
}

TEST_CASE("a list of hosts finds the primary") {
  Cluster cluster({.tcp = true});
  auto& replica = cluster.add_replica();
  const auto primary_port = std::to_string(cluster.primary().port());
  Connection connection(Single::create(
      "host=127.0.0.1,127.0.0.1 port=" + std::to_string(replica.port()) + "," + primary_port +
      " user=postgres dbname=postgres "
      "target_session_attrs=primary"));
  connection.next<Database::Connected>();
  CHECK(connection->database.server() == "127.0.0.1 port " + primary_port);
  CHECK(connection.rows("SELECT pg_is_in_recovery()") == std::vector<Database::Row>{{"f"}});
}

TEST_CASE("a socket that may be another one is marked as such, even under the same number") {
  Connection connection(Single::create(shared_server().connection_string()));
  connection.next<Database::Connected>();
  const auto first = connection->database.interest();
  connection->database.drop(current_time());
  CHECK(connection->database.interest().descriptor == -1);
  connection.next<Database::Connected>();
  const auto second = connection->database.interest();
  CHECK(second.descriptor == first.descriptor);  // the lowest free number
  CHECK(second.socket != first.socket);
}

TEST_CASE("the beginning of a timeline can be read on every server of its history") {
  Cluster cluster;
  auto& heir = cluster.add_replica({.name = "heir"});
  auto& follower = cluster.add_replica({.name = "follower", .follow = &heir});
  cluster.primary().crash();
  heir.promote();
  heir.execute("CREATE TABLE t (i int)");
  REQUIRE(eventually(10s, [&] {
    return follower.value("SELECT count(*) FROM pg_class WHERE relname = 't'") == "1";
  }));

  const auto promoted = [](Server& server) {
    Connection connection(
        Single::create(server.connection_string(), {}, Database::Session::replication));
    connection.next<Database::Connected>();
    connection.rows("IDENTIFY_SYSTEM");  // before it a standby of PostgreSQL 14 sends no WAL
    const auto history = *connection.rows("TIMELINE_HISTORY 2").at(0).at(1);
    const auto begin = history.substr(2, history.find('\t', 2) - 2);
    connection->database.read_wal("START_REPLICATION PHYSICAL " + begin + " TIMELINE 2",
                                  promotion_bytes, current_time());
    const auto answer = connection.next<Database::Answer>();
    const auto time =
        promotion_time(*answer.rows.at(0).at(0), parse_lsn(begin).value(), {8192, 1U << 20U});
    // The session goes on as if nothing had been streamed.
    CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
    return time;
  };
  const auto at_heir = promoted(heir);
  REQUIRE(at_heir);
  CHECK(promoted(follower) == at_heir);
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  CHECK(*at_heir <= now.count());
  CHECK(*at_heir > now.count() - 60'000'000);
}

TEST_CASE("a server that has written no more is not waited for once its WAL is enough") {
  const auto begin = shared_server().value("SELECT redo_lsn FROM pg_control_checkpoint()");
  Connection connection(
      Single::create(shared_server().connection_string(), {}, Database::Session::replication));
  connection.next<Database::Connected>();
  // As if it were asked in an hour, so that the time for it can't end here.
  const auto some = [](std::string_view wal) { return !wal.empty(); };
  connection->database.read_wal("START_REPLICATION PHYSICAL " + begin, 1U << 30U,
                                current_time() + 1h, some);
  CHECK(connection.next<Database::Answer>().rows.at(0).at(0)->size() < 1U << 30U);
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}

TEST_CASE("the WAL of a timeline that is not there is refused, and the session goes on") {
  Connection connection(
      Single::create(shared_server().connection_string(), {}, Database::Session::replication));
  connection.next<Database::Connected>();
  connection->database.read_wal("START_REPLICATION PHYSICAL 0/1000000 TIMELINE 7", 100,
                                current_time());
  connection.next<Database::QueryFailed>();
  CHECK(connection.rows("SELECT 1") == std::vector<Database::Row>{{"1"}});
}
