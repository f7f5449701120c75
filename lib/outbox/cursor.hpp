// How far a durable subscription has come in an outbox, and how that is written down: by the peer
// in its file, or by an application beside what it has made of the messages.
//
//     outbox1 POSITION SETTLED RANGES [POSITION SETTLED RANGES]
//     outbox1 postgres:7:1:0/16B3748 745 12-30@746,33@747
//
// All rows of transactions before SETTLED are done with, and of the later ones those whose ids are
// in RANGES, each with the highest transaction in it; `-` for none. POSITION is where the server
// was that showed them. The second half is an earlier state of the same cursor: a failover may undo
// the later one, and the same transaction ids then name other transactions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/outbox/delivered_set.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

namespace tidegate::outbox {

struct CursorState {
  Position seen;  // no transaction that the cursor knows of committed behind this
  TransactionId settled = 0;
  DeliveredSet done;

  friend bool operator==(const CursorState&, const CursorState&) = default;
};

struct Cursor {
  CursorState now;
  std::optional<CursorState> before;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

[[nodiscard]] std::string to_text(const Cursor& cursor);
// An error names what is wrong.
[[nodiscard]] Result<Cursor> cursor_from_text(std::string_view text);

}  // namespace tidegate::outbox
