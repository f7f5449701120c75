// Reads an outbox for one durable subscription: each row once, none that is not committed, none
// missed, whatever the order in which transactions commit.
//
// Ids are handed out before the commit, so a reader that asks for ids behind its last misses the
// rows of whoever commits later. This one keeps the transaction before which all were settled at
// its last reading, asks for all rows from there on, and knows which of them it has got. A long
// transaction that writes makes that set grow, up to a bound; then only rows of settled
// transactions are read until it has ended.
//
// 1. A row is delivered once, and again only if it was not done before a restart.
// 2. cursor() covers what is done and nothing else: a reader that begins there misses nothing.
// 3. Rows that were removed before they were read, and a past that a failover has undone, are told
//    with their range. In the second case the reader goes back to a state that the server still
//    has, and rows from there on come again.
//
// Not safe for several threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "lib/outbox/cursor.hpp"
#include "lib/outbox/reading.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/time.hpp"

namespace tidegate::outbox {

class Reader {
 public:
  // Begins with rows that are not committed yet, or with all that are kept.
  enum class From : std::uint8_t { now, earliest };
  explicit Reader(From from) : skipping_(from == From::now) {}
  explicit Reader(Cursor from);

  // The reading to ask for; nothing while too many rows are not done.
  [[nodiscard]] std::optional<Question> question() const;

  struct Delivery {
    std::uint64_t ticket = 0;  // for done()
    Row row;
  };
  using Loss = OutboxLost;
  struct Taken {
    std::vector<Delivery> deliveries;
    std::optional<Loss> loss;
    std::vector<Unreadable> unreadable;  // each is told once
    bool again = false;                  // there is more to read at once
  };
  // The answer to question(), asked since the last call.
  [[nodiscard]] Taken take(Reading reading, Instant now);

  // The application has taken it. Others may still be under way, in any order. Nothing: it was
  // handed out before the reader went back.
  std::optional<RowKey> done(std::uint64_t ticket);

  // Nothing until the first readings have told where it begins.
  [[nodiscard]] std::optional<Cursor> cursor() const;

  // Where the server was that showed all rows that were handed out.
  [[nodiscard]] const std::optional<Position>& seen() const { return seen_; }
  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
  // The server keeps it waiting: a transaction has been open for too long.
  [[nodiscard]] bool waits_for_settling() const { return settled_only_; }

 private:
  struct UnderWay {
    RowKey key;
    std::size_t bytes = 0;
  };

  [[nodiscard]] CursorState present() const;
  [[nodiscard]] TransactionId done_before() const;  // all rows of earlier transactions are
  void begin_at(const CursorState& state);
  [[nodiscard]] bool is_new(const RowKey& key);
  void finish(const RowKey& key);
  [[nodiscard]] std::optional<Loss> go_back(const Tide& tide);
  [[nodiscard]] std::optional<Loss> removed(TransactionId before);
  void advance(TransactionId settled);
  void forget_settled();
  void bound_set();
  void mark(Instant now);

  bool skipping_ = false;
  bool settled_only_ = false;
  std::optional<Position> seen_;
  TransactionId settled_ = 0;           // before it all rows were handed out,
  DeliveredSet delivered_;              // and behind it these
  DeliveredSet done_;                   // those not before the first that is under way
  TransactionId forgotten_before_ = 0;  // of those
  TransactionId known_before_ = 0;      // rows were removed up to here
  TransactionId told_before_ = 0;       // and that was told up to here

  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, UnderWay> under_way_;  // by ticket
  std::size_t under_way_bytes_ = 0;
  std::set<RowKey> under_way_keys_;

  std::optional<CursorState> mark_;    // states of before, the newest that is old enough
  std::optional<CursorState> before_;  // and the one before that
  Instant marked_{};
};

}  // namespace tidegate::outbox
