// One connection to a PostgreSQL server that never blocks the loop and comes back by itself.
//
// The loop asks what to wait for (`interest`, `deadline`) and calls `advance` when it has come;
// `advance` does what can be done now and tells what happened. Calling it early or late is
// harmless. One query at a time, by the simple protocol: a connection opened with
// replication=database takes no other.
//
// 1. A connection that is lost, refused or silent is reported once (`Lost`) and tried again, after
// a
//    random pause (lib/base/backoff.hpp): at first below 100 ms, later below 5 s. Where only people
//    can help, as with a wrong password, it is below 1 s at first and below 30 s later. A
//    connection that lived for longer than the next pause starts anew: a server that accepts and
//    hangs up at once is not hammered.
// 2. Failover is libpq's: "host=a,b target_session_attrs=primary" finds the primary. libpq's own
//    clock does not run without blocking, and it would stay with a silent host for minutes; so
//    each address gets `connect_timeout` of the connection string (seconds), or Timeouts::connect,
//    and the attempt after a timeout begins with the next one.
// 3. No password reaches an event or an error.
//
// 4. Names are resolved anew for each attempt, beside the loop (peer/io/resolver.hpp); libpq gets
//    the addresses beside the names, so that it checks certificates as before and looks nothing up.
//
// libpq itself reads ~/.pgpass and a service file, and may wait for a Kerberos or LDAP server where
// one is set up.
//
// Threads: all calls from one thread. Besides this file only commit.cpp and sql_change.cpp know
// libpq.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/random.hpp"
#include "peer/io/interest.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::postgres {

// SQLSTATEs of a refused connection.
inline constexpr auto* wrong_password = "28P01";  // or none, where one is wanted

// Why libpq can't read it, or would show a piece of a password. No password is in the error.
[[nodiscard]] std::optional<Error> check_connection_string(const std::string& text);

class Database {
 public:
  enum class Session : std::uint8_t {
    plain,
    replication,  // replication=database: SQL and replication commands on one connection
  };

  struct Timeouts {
    // For each address, and for all names together; connect_timeout overrides it.
    Duration connect = std::chrono::seconds(10);
    Duration answer = std::chrono::seconds(10);  // a server silent for longer counts as lost
    // How long a reader stays without replication commands before it tries again to get them, half
    // as long or half as long again.
    Duration full_session = std::chrono::minutes(1);
  };

  struct Connected {};

  using Row = std::vector<std::optional<std::string>>;  // nullopt is NULL
  struct Answer {
    std::vector<Row> rows;
  };

  // The server refused the query; the connection lives.
  struct QueryFailed {
    std::string sqlstate;  // five characters
    std::string message;   // one line
  };

  // The connection is gone or was not made; a query under way is gone with it, and nobody knows
  // whether the server has carried it out.
  struct Lost {
    std::string sqlstate;  // of the server's refusal; empty when the server did not say one
    std::string reason;    // one line
    bool timed_out = false;
  };

  using Event = std::variant<Connected, Answer, QueryFailed, Lost>;

  // Refuses a connection string that libpq can't read. Connects with the first advance().
  [[nodiscard]] static Result<Database> create(const std::string& connection_string,
                                               Session session, Timeouts timeouts,
                                               base::Random random = base::Random(1));

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // Another connection by the same connection string. It connects with its first advance().
  [[nodiscard]] Database sibling(Session session);

  [[nodiscard]] io::Interest interest() const;

  // When advance() must be called even if the descriptor stays quiet. Changed by advance(),
  // query() and drop(). In the past when there is something to do at once.
  [[nodiscard]] Instant deadline() const;

  // At most one event; call it again when the descriptor is still ready.
  [[nodiscard]] std::optional<Event> advance(Instant now);

  // Connected, and no query under way.
  [[nodiscard]] bool idle() const;

  // Sends one statement. Only when idle().
  void query(const std::string& sql, Instant now);

  // Sends a command that begins a stream of WAL (START_REPLICATION), takes its first `bytes`, or
  // fewer once these are enough, or as many as come within two seconds, and ends the stream. The
  // Answer is one cell with these bytes. Only when idle(), in a session of replication.
  using Enough = std::function<bool(std::string_view wal)>;
  void read_wal(const std::string& command, std::size_t bytes, Instant now,
                const Enough& enough = nullptr);

  // Closes the connection without an event; the next attempt follows after the usual pause.
  void drop(Instant now);

  // As drop(), and from now on the host behind the present one is the first to be tried.
  void leave_host(Instant now);

  // Closes the connection without an event and makes another one at once.
  void reconnect(Instant now);

  // How to connect from the next attempt on.
  void set_session(Session session);
  [[nodiscard]] Session session() const;

  // The process that serves this connection, as the other side tells it. Only while connected.
  [[nodiscard]] int backend_pid() const;

  // "host port", or "host (address) port", of the server connected to or tried last.
  [[nodiscard]] const std::string& server() const;

 private:
  class Connection;
  explicit Database(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace tidegate::postgres
