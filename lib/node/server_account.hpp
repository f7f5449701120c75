// The last word about a server that a peer asks: for its status, and for its troubles.
#pragma once

#include <string>

#include "tidegate/notice.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class ServerAccount {
 public:
  // `asked`: there is such a server.
  ServerAccount(bool asked, Instant now) : since_(now) { server_.asked = asked; }

  void begin_asking(Instant now) {
    server_.asked = true;
    since_ = now;
  }

  // Of a ServerUp or a PrimaryUp, a ServerDown or a PrimaryDown.
  template <typename Up>
  void up(const Up& notice, Instant now) {
    if (!server_.up) since_ = now;
    server_.up = true;
    server_.description = notice.description;
    server_.degraded = notice.degraded;
    server_.reason.clear();
  }
  void down(const std::string& reason, Instant now) {
    if (server_.up) since_ = now;
    server_.up = false;
    server_.primary = false;
    server_.reason = reason;
  }

  [[nodiscard]] ServerStatus status(Instant now) const {
    auto server = server_;
    server.since = now - since_;
    return server;
  }

 private:
  ServerStatus server_;
  Instant since_;
};

}  // namespace tidegate::node
