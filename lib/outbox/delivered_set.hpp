// The rows of an outbox that a cursor has got although their transactions are not settled yet: by
// id, in ranges, since ids are handed out one by one and most neighbours come together.
//
// A row is forgotten once all transactions up to its own are settled. Ids in one range have one
// bound for that, the highest transaction among them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace tidegate::outbox {

// Of PostgreSQL's xid8, which is never used twice on one history.
using TransactionId = std::uint64_t;

class DeliveredSet {
 public:
  struct Range {
    std::uint64_t first = 0;  // both included
    std::uint64_t last = 0;
    TransactionId highest = 0;  // no row of it is of a later transaction

    friend bool operator==(const Range&, const Range&) = default;
  };

  // May join ranges that touch; those that are there already are joined as well.
  void add(Range range);
  // Forgets ranges all of whose transactions are before this one.
  void forget_before(TransactionId settled);

  [[nodiscard]] bool has(std::uint64_t id) const;
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }  // in ranges
  [[nodiscard]] std::uint64_t ids() const { return ids_; }
  [[nodiscard]] TransactionId highest() const;  // 0: it is empty
  [[nodiscard]] std::vector<Range> ranges() const;

  friend bool operator==(const DeliveredSet&, const DeliveredSet&) = default;

 private:
  struct End {
    std::uint64_t last = 0;
    TransactionId highest = 0;

    friend bool operator==(const End&, const End&) = default;
  };
  std::map<std::uint64_t, End> ranges_;  // by the first; they never touch each other
  std::uint64_t ids_ = 0;
};

}  // namespace tidegate::outbox
