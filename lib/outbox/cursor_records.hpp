// The file of a cursor, as text: the whole cursor in its first line, and a line for each row that
// was done since, so that an acknowledgement costs a few bytes however long the cursor is.
//
//     outbox1 postgres:7:1:0/16B3748 745 12-30@746
//     seen postgres:7:1:0/16B4000
//     done 747 33
//
// `done` names the transaction and the id of a row, `seen` the position that covers the rows behind
// it: an id may be given once more by a server that has not seen the first.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/outbox/cursor.hpp"
#include "lib/outbox/reading.hpp"
#include "tidegate/result.hpp"

namespace tidegate::outbox {

struct CursorFile {
  std::optional<Cursor> cursor;  // none: the text is empty
  std::size_t torn = 0;          // bytes at the end that are no whole line
};

// An error says why it can't be understood.
[[nodiscard]] Result<CursorFile> read_cursor_file(std::string_view text);

// Appends a line; the whole cursor comes first.
void write_whole(std::string& to, const Cursor& cursor);
void write_seen(std::string& to, const Position& position);
void write_done(std::string& to, const RowKey& row);

}  // namespace tidegate::outbox
