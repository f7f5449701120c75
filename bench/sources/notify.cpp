// NOTIFY in the transaction. A standby delivers none, so the listener asks the primary and reads
// its replica, which may be behind.
#include <stdexcept>

#include <libpq-fe.h>

#include "bench/carriers/socket_ready.hpp"
#include "bench/sources/source.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

struct Free {
  void operator()(PGnotify* notification) const { PQfreemem(notification); }
};

class NotifyListener : public Listener {
 public:
  explicit NotifyListener(const Places& places) : session_(places.primary) {
    session_.execute("LISTEN bench_rows");
  }

  void receive(Instant until, const TakeAnnouncement& take) override {
    for (bool taken = false; !taken;) {
      while (const auto notification = std::unique_ptr<PGnotify, Free>(PQnotifies(connection_))) {
        take({.number = number_of(notification->extra)});
        taken = true;
      }
      if (taken || !socket_ready(PQsocket(connection_), POLLIN, until)) return;
      if (PQconsumeInput(connection_) != 1) throw std::runtime_error(PQerrorMessage(connection_));
    }
  }

 private:
  support::Session session_;
  PGconn* connection_ = session_.connection();
};

}  // namespace

Source notify_source() {
  return {
      .name = "transaction-notify",
      .title = "NOTIFY in the transaction",
      .heard = "primary",
      .statement = std::string("SELECT pg_notify('bench_rows', payload) FROM (SELECT ") +
                   payload_sql + ") AS rows (payload)",
      .listener = [](const Places& places) { return std::make_unique<NotifyListener>(places); }};
}

}  // namespace tidegate::bench
