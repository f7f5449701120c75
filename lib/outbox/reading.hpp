// A reading of an outbox: its rows and the state of the server that showed them, in one snapshot.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/outbox/delivered_set.hpp"
#include "tidegate/headers.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::outbox {

// Rows are delivered in this order. A session's transactions have rising ids, and so have the rows
// of one transaction: each session's own order is kept.
struct RowKey {
  TransactionId transaction = 0;
  std::uint64_t id = 0;

  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

struct Row {
  RowKey key;
  std::int64_t announced = 0;  // microseconds since 1970, by the clock of the primary
  Topic topic;
  std::string payload;
  Headers headers = {};
};

// A row that somebody has written past the function that checks it.
struct Unreadable {
  RowKey key;
  std::string why;  // for people
};

struct Question {
  TransactionId from = 0;  // rows of this transaction and later ones,
  DeliveredSet except;     // but not these
  // Only rows of settled transactions, of which no more will come: the set is full.
  bool settled_only = false;
  bool unsettled_only = false;  // what is visible now is not wanted: the first readings
  std::size_t most_rows = 0;
  std::size_t most_bytes = 0;  // of payloads; a row alone may have more
};

struct Reading {
  // Read behind the rows, in the same life of the server: all of them lie before it. On a primary
  // the reading counts only once the WAL is flushed up to there; a crash could undo it otherwise,
  // and the same transaction ids would name other transactions on the same history.
  Tide tide;
  // All transactions before this one are settled (pg_snapshot_xmin), so no more rows of them come.
  // A promotion settles what was running, which the old primary may still commit. That is known
  // behind the promotion's own record only, so never at a place that both histories have.
  TransactionId horizon = 0;
  TransactionId removed_before = 0;  // rows of transactions before this one were removed by age
  std::vector<Row> rows;             // in order
  std::vector<Unreadable> unreadable;
  bool more = false;  // there are more than were asked for
};

}  // namespace tidegate::outbox
