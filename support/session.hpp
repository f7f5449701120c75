// A blocking connection to a PostgreSQL server, for tests that set something up or look something
// up. Every failure is a std::runtime_error with the server's words.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct pg_conn;

namespace tidegate::support {

using Row = std::vector<std::string>;  // NULL is ""

class Session {
 public:
  // `connection_string` as libpq takes it.
  explicit Session(const std::string& connection_string);

  // One or more statements; what they return is thrown away.
  void execute(const std::string& sql) { rows(sql); }
  // The result of the last statement.
  std::vector<Row> rows(const std::string& sql);
  // The one value that the last statement returned.
  std::string value(const std::string& sql);

  // For what needs libpq itself; lives as long as this object.
  [[nodiscard]] pg_conn* connection() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Close> connection_;
};

}  // namespace tidegate::support
