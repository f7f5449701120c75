// Where the commands keep the cursors of durable subscriptions to an outbox: a file for each name,
// in the state directory of the user or of the service.
#pragma once

#include <string>

#include "tidegate/result.hpp"

namespace tidegate::commands {

// `given`, or the first of $STATE_DIRECTORY (systemd), $XDG_STATE_HOME/tidegate and
// ~/.local/state/tidegate; it is made if it is not there.
[[nodiscard]] Result<std::string> state_directory(const std::string& given);

// The same, without making it; empty: there is none.
[[nodiscard]] std::string present_state_directory(const std::string& given);

[[nodiscard]] std::string cursor_path(const std::string& directory, const std::string& name);

}  // namespace tidegate::commands
