// Looks for announced rows, on the very server that the peer reads and in the life of it that the
// peer knows: a connection of its own, opened when the peer says that the server is up and closed
// when it says that it is down.
//
// A row that is not there counts only then. A server that crashed may come back with less than it
// had shown, and what was delivered before proves nothing about it afterwards.
#pragma once

#include <optional>
#include <string>

#include "support/session.hpp"
#include "tests/soak/record.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::soak {

// Which life of which server answers on this connection.
[[nodiscard]] ServerIncarnation instance_of(support::Session& session);

class RowChecker {
 public:
  explicit RowChecker(std::string server) : server_(std::move(server)) {}

  void server_up(const ServerIncarnation& incarnation);
  void server_down(const std::string& why);

  struct Finding {
    Look look = Look::nothing;
    std::string detail = no_row;
  };
  [[nodiscard]] Finding look(const std::string& row);

 private:
  std::string server_;
  std::optional<support::Session> session_;
  std::string why_not_ = "the server was not up yet";
};

}  // namespace tidegate::soak
