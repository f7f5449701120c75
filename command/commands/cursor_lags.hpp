// The cursors of durable subscriptions to an outbox that are kept on this host, that of bridges,
// and what each has still to take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/outbox/cursor.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/outbox_status.hpp"
#include "tidegate/result.hpp"

namespace tidegate::commands {

struct KeptCursor {
  std::string name;
  std::string file;
  Result<std::optional<outbox::Cursor>> cursor;  // nullopt: it has not begun
};

// Those of `tidegate sub --durable` in that directory, and those of the door of the peer with that
// state file; either may be empty. In the order of their names. The files are read as they are: a
// subscription that is in use may have gone on meanwhile.
[[nodiscard]] std::vector<KeptCursor> kept_cursors(const std::string& directory,
                                                   const std::string& state_file);

// That of the bridges, which is kept in the database; nothing: there was none yet, or our role may
// not know.
[[nodiscard]] std::optional<KeptCursor> bridge_cursor(postgres::Database& database);

[[nodiscard]] postgres::CursorLag lag_of(const KeptCursor& kept, postgres::Database& database);

}  // namespace tidegate::commands
