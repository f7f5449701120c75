// A table on the primary, polled each millisecond, in batches as pgq has them: all that the
// snapshot of this reading shows and that of the last one did not. So nothing is missed, and no
// open transaction holds up the others. A standby does not know the running transactions, so this
// can't be done there.
#include <algorithm>
#include <chrono>

#include "bench/sleep.hpp"
#include "bench/sources/source.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

class PollingListener : public Listener {
 public:
  explicit PollingListener(const Places& places) : session_(places.primary) {
    last_ = session_.value("SELECT pg_current_snapshot()");
    session_.execute(
        "PREPARE batch AS SELECT pg_current_snapshot(), payload FROM (SELECT) AS always"
        " LEFT JOIN polled ON xid >= pg_snapshot_xmin($1) AND NOT pg_visible_in_snapshot(xid, $1)");
  }

  void receive(Instant until, const TakeAnnouncement& take) override {
    for (bool taken = false; !taken && io::clock_now() < until;) {
      sleep_until(std::min(until, next_));
      const auto rows = session_.rows("EXECUTE batch('" + last_ + "')");
      ++queries_;
      next_ = io::clock_now() + 1ms;
      last_ = rows.front()[0];
      for (const auto& row : rows) {
        if (row[1].empty()) continue;
        take({.number = number_of(row[1])});
        taken = true;
      }
    }
  }

  [[nodiscard]] std::uint64_t queries() const override { return queries_; }

 private:
  support::Session session_;
  std::string last_;  // snapshot
  Instant next_{};
  std::uint64_t queries_ = 0;
};

}  // namespace

Source polled_source() {
  return {
      .name = "polled",
      .title = "a table on the primary, polled each 1 ms",
      .heard = "primary",
      .schema =
          "CREATE TABLE polled (xid xid8 NOT NULL DEFAULT pg_current_xact_id(),"
          " id bigint GENERATED ALWAYS AS IDENTITY, payload text,"
          " PRIMARY KEY (xid, id))",
      .statement = std::string("INSERT INTO polled (payload) SELECT ") + payload_sql,
      .listener = [](const Places& places) { return std::make_unique<PollingListener>(places); }};
}

}  // namespace tidegate::bench
