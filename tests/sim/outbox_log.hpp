// The outboxes of the simulated clusters: what transactions write into the log of a primary, and
// what a snapshot on a server shows of it.
//
// It has what a reader has to stand: ids of transactions and rows are handed out before anything
// is in the log, transactions end in any order and some never, a crash ends all of them and hands
// out their ids once more if nothing of them was flushed, ids of rows have gaps, and old rows are
// removed in slices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lib/base/random.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {

using Xid = std::uint64_t;
using RowNumber = std::size_t;  // of all rows of a run; its payload says it

class OutboxLog {
 public:
  struct Row {
    std::size_t session = 0;
    std::uint64_t system = 0;
    Xid xid = 0;
    std::uint64_t id = 0;
    bool readable = true;
    Instant announced;
    ChangeId commit = no_such_change;
    std::vector<ChangeId> removals = {};  // one on each timeline that does it
  };

  // All that a snapshot shows, and what a recovery that ends there begins with.
  class Shown {
   public:
    std::map<std::pair<Xid, std::uint64_t>, RowNumber> rows;  // in order
    Xid removed_before = 0;
    Xid next_xid = 1;
    std::uint64_t next_id = 1;
    [[nodiscard]] Xid horizon() const;

   private:
    friend class OutboxLog;
    void observe(Xid xid);
    void end(Xid xid);

    std::map<Xid, std::vector<RowNumber>> running_;
    Xid completed_ = 0;
  };

  OutboxLog(Database& database, const History& history, EventQueue& events, base::Random random,
            Trace& trace)
      : database_(database), history_(history), events_(events), random_(random), trace_(trace) {}

  // On a primary that is up. Only commits may be flushed when they return.
  [[nodiscard]] Xid begin(ServerId id) { return live(id).next_xid++; }
  void announce(ServerId id, Xid xid, std::size_t session);
  void end(ServerId id, Xid xid, bool commits, bool sync);
  // Rows that were announced before then, of settled transactions, the oldest first.
  void remove(ServerId id, Instant announced_before, std::size_t most);

  // Until the next call.
  [[nodiscard]] const Shown& shown(ServerId id);

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  struct Record {
    enum class Kind : std::uint8_t { row, committed, rolled_back, recovered, removed };
    Kind kind = Kind::row;
    Xid xid = 0;
    RowNumber row = 0;
    std::vector<RowNumber> removed = {};
  };
  // Of a primary, in one life of it.
  struct Live {
    std::uint32_t life = 0;
    std::uint32_t timeline = 0;
    Xid next_xid = 1;
    std::uint64_t next_id = 1;
  };
  // Folded up to a record, for one life of a server on one timeline: it moves on only.
  struct Folded {
    std::uint32_t life = 0;
    std::uint32_t timeline = 0;
    std::size_t next = 0;
    Shown shown;
  };

  Live& live(ServerId id);
  ChangeId write(ServerId id, Record record, bool sync);
  const Shown& fold(ServerId id);
  void apply(const Record& record, Shown& shown) const;

  Database& database_;
  const History& history_;
  EventQueue& events_;
  base::Random random_;
  Trace& trace_;
  std::vector<Record> records_;  // the changes of the history, from the first
  std::vector<Row> rows_;
  std::map<ServerId, Live> live_;
  std::map<ServerId, Folded> folded_;
};

}  // namespace tidegate::sim
