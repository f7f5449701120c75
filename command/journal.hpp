// systemd's journal as a reader of the log that takes fields. Of the two files behind this header
// one is built: that of libsystemd, or where it is not installed the one that finds no journal.
#pragma once

#include "command/log_format.hpp"

namespace tidegate::command {

// Whether standard error goes to the journal, which JOURNAL_STREAM tells.
[[nodiscard]] bool has_journal();

// With MESSAGE and PRIORITY, TIDEGATE_EVENT and TIDEGATE_LEFT_OUT.
void write_to_journal(const LogEntry& entry);

}  // namespace tidegate::command
