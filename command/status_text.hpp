// The status of a peer, as an operator reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/doors/stomp/door_counters.hpp"
#include "command/outbox_removal.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

// Several lines, each with its line break: how the peer stands, its numbers, and who is there.
// `all`: also of the peers that have left. `door`: its STOMP clients, if it serves some; `removal`:
// of old rows of an outbox, if it removes some.
[[nodiscard]] std::string status_text(const Status& status, bool all = true,
                                      const std::optional<stomp_door::DoorCounters>& door = {},
                                      const std::optional<OutboxRemoval>& removal = {});

// "5fee04e7807a7ebf is used, accepted too: 0123456789abcdef".
[[nodiscard]] std::string key_words(const std::vector<std::string>& keys);

// The table of `tidegate peers`, living ones first. The peer whose view it is comes first; in the
// second it is left out, since it only came to look. Unless `all` are wanted, those that have left
// are one line with their number.
[[nodiscard]] std::string peers_text(const Status& status, bool all = true);
[[nodiscard]] std::string others_text(const Status& status, bool all = true);

// Living peers first, each part by name and address.
void sort_peers(Status& status);

// How much WAL the server must still replay before the next held message goes out, in bytes.
// Nothing when nothing is held, the server is down, or the two can't be subtracted because a
// failover lies between them.
[[nodiscard]] std::optional<std::uint64_t> bytes_behind(const Status& status);

// So much of a text as a screen of that size shows; the last line tells how many lines more there
// are.
[[nodiscard]] std::string fitted(const std::string& text, std::size_t columns, std::size_t rows);

// The text broken at blanks into lines of so many columns, of which the first `left` are blank
// behind the first line; 0 columns, or too few: as it is.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t columns, std::size_t left);

// Columns as wide as their widest cell, two blanks between them; the first row is the head.
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace tidegate::command
