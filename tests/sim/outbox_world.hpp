// The simulator's second world: clusters with an outbox, and what reads it for durable
// subscriptions, in virtual time from a seed.
//
// It does for a reader of lib/outbox what a peer does: asks a server, waits until what the answer
// rests upon is flushed, hands out rows, takes acknowledgements in any order, keeps the cursor in a
// file. A process may be killed and goes on from what it has written; a machine may end, and then
// only what was synced is left; a file may be lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/outbox/reader.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/outbox_log.hpp"
#include "tests/sim/outbox_oracle.hpp"
#include "tests/sim/outbox_profile.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

struct OutboxCounts {
  std::uint64_t announced = 0;
  std::uint64_t readings = 0;
  std::uint64_t delivered = 0;
  std::uint64_t again = 0;    // of those
  std::uint64_t removed = 0;  // losses that were told
  std::uint64_t undone = 0;
  std::uint64_t foreign = 0;
  std::uint64_t restarts = 0;

  void add(const OutboxCounts& other);
};

class OutboxWorld {
 public:
  OutboxWorld(std::uint64_t seed, const OutboxProfile& profile, Trace& to);

  EventQueue events;
  base::Random random;
  Trace& trace;
  History history;
  Database database;
  OutboxLog log;
  OutboxOracle oracle;
  OutboxCounts counts;

  // A peer: several subscriptions, one server.
  struct Host {
    ServerId server = 0;
    bool up = true;
    std::vector<std::size_t> subscriptions;
  };
  std::vector<Host> hosts;
  bool files_lie = false;  // what was synced is not: for a test of the oracle

  void start();
  void run_for(Duration duration);
  [[nodiscard]] bool broken() const { return oracle.violation().has_value(); }

  // --- faults ---------------------------------------------------------------------------------
  // Down, until start_host.
  void end_host(std::size_t host, bool with_its_machine);
  void start_host(std::size_t host);
  void lose_file(std::size_t id);
  void lead_to(std::size_t host, ServerId server);
  // Nobody writes any more; all transactions end.
  void stop_sessions();

  // Announces one row on the primary of a cluster, and tells whether all are done with it, and with
  // all else.
  void announce_last(std::uint64_t system);
  [[nodiscard]] bool all_are_done() const;
  [[nodiscard]] bool all_have_begun() const;
  [[nodiscard]] std::size_t subscriptions() const { return subscriptions_.size(); }

 private:
  struct File {
    std::string text = {};
    OutboxOracle::State state = {};
  };
  struct Subscription {
    std::size_t host = 0;
    std::optional<outbox::Reader> reader = {};
    bool wants_all = false;
    bool asking = false;
    std::uint32_t life = 0;                             // plans of an earlier one are void
    std::map<std::uint64_t, RowNumber> under_way = {};  // by ticket
    std::vector<std::uint64_t> stale = {};              // tickets of a past that was undone
    std::set<RowNumber> seen = {};
    bool has_last = false;
    File written = {};
    File synced = {};
  };
  // The connection of one who writes.
  struct Session {
    std::uint64_t system = 0;
    std::size_t name = 0;  // of this connection
    std::optional<ServerId> server = {};
    std::uint32_t life = 0;  // of the server
    std::optional<Xid> transaction = {};
    Instant open_until = {};
  };
  struct Answer {
    outbox::Reading reading;
    OutboxOracle::Reading places;
    ServerId server = 0;
    std::uint32_t server_life = 0;
  };

  // Runs it again and again, about so often.
  void repeat(Duration often, void (OutboxWorld::*what)());
  void write_something();
  void connect(Session& session);
  void remove_something();
  [[nodiscard]] std::optional<ServerId> any_primary(std::uint64_t system);

  void begin(std::size_t id);
  void poll(std::size_t id);
  void poll_later(std::size_t id, Duration after);
  [[nodiscard]] outbox::Reading read(ServerId id, const outbox::Question& question);
  void tell_tide(std::size_t id, Answer answer);
  void wait_for_flush(std::size_t id, Answer answer);
  void take(std::size_t id, Answer answer);
  void hand_out(std::size_t id, outbox::Reader::Taken taken, const Answer& answer);
  void work(std::size_t id);
  void keep(std::size_t id);
  void say(std::size_t id, const std::string& what);

  OutboxProfile profile_;
  std::vector<Session> sessions_;
  std::size_t names_ = 0;
  bool writing_ = true;
  std::optional<RowNumber> last_row_;
  std::vector<Subscription> subscriptions_;
};

}  // namespace tidegate::sim
