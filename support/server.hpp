// One private PostgreSQL server: a postmaster that is our child, in a directory of its own, which
// ends with us. `pg_ctl` was rejected: it would detach the server from us.
//
// Every failure is a std::runtime_error that ends with the last lines of the server's log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/session.hpp"

namespace tidegate::support {

// The user that PostgreSQL runs as: it refuses to be root, so as root it is `postgres`, or `nobody`
// where that does not exist. "" (ourselves) if we are not root.
[[nodiscard]] std::string server_user();

// The path of a program of PostgreSQL, such as "initdb": in the folder that $TEST_POSTGRES names
// (the `dev` script sets it for --postgres), where it is set, else of the newest version installed.
// All are of one version: a client program refuses a server that is newer, or its files.
[[nodiscard]] std::optional<std::string> find_postgres_program(const std::string& name);
// The same; throws with the cure when there is none.
[[nodiscard]] std::string postgres_program(const std::string& name);

class Server {
 public:
  // `directory` has to exist, to belong to server_user() and to hold the database as `data`.
  // `tcp`: listens on 127.0.0.1 too, and connection_string() names that.
  Server(std::string name, std::filesystem::path directory, bool tcp);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // ends it at once

  // Returns when it answers queries.
  void start();
  // Ends sessions and writes a checkpoint; on a primary, connected replicas get everything first.
  void stop();
  // `kill -9` to the whole server, as when the machine loses power: nothing is written any more.
  void crash();
  void restart();
  [[nodiscard]] bool running() { return process_ && process_->running(); }

  // Returns when it is a primary.
  void promote();
  // Makes a replica receive from another server from now on.
  void follow(const Server& primary);

  // A connection string for libpq. `extra` is appended: "dbname=other replication=database".
  [[nodiscard]] std::string connection_string(const std::string& extra = "") const;
  [[nodiscard]] Session connect(const std::string& extra = "") const;
  // Each in a session of its own.
  void execute(const std::string& sql) { query(sql); }
  std::vector<Row> query(const std::string& sql);
  // The one value that the statement returns.
  std::string value(const std::string& sql);

  // Lines for its configuration. A running server reads them at once, and new sessions have them
  // when this returns; what only counts at a start needs restart().
  void append_config(const std::string& lines);

  [[nodiscard]] std::string log_text() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::filesystem::path data_directory() const { return directory_ / "data"; }
  [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "log"; }
  [[nodiscard]] const std::filesystem::path& socket_directory() const { return directory_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Of the postmaster; it must be running.
  [[nodiscard]] pid_t pid() const { return process_.value().pid(); }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void reload();

  std::string name_;
  std::filesystem::path directory_;
  bool tcp_;
  std::uint16_t port_;
  std::optional<Process> process_;
};

}  // namespace tidegate::support
