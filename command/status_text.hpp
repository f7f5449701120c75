// The status of a peer, as an operator reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tidegate/status.hpp"

namespace tidegate::command {

// Several lines, each with its line break: how the peer stands, its numbers, and who is there.
[[nodiscard]] std::string status_text(const Status& status);

// The table of `tidegate peers`. The peer whose view it is comes first; in the second it is left
// out, since it only came to look.
[[nodiscard]] std::string peers_text(const Status& status);
[[nodiscard]] std::string others_text(const Status& status);

// Troubles for an operator, each a sentence that names the culprit; empty when all is well.
[[nodiscard]] std::vector<std::string> troubles(const Status& status);

// How much WAL the server must still replay before the next held message goes out, in bytes.
// Nothing when nothing is held, the server is down, or the two can't be subtracted because a
// failover lies between them.
[[nodiscard]] std::optional<std::uint64_t> bytes_behind(const Status& status);

// Columns as wide as their widest cell, two blanks between them; the first row is the head.
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace tidegate::command
