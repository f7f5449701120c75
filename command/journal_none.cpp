#include "command/journal.hpp"

namespace tidegate::command {

bool has_journal() { return false; }
void write_to_journal(const LogEntry&) {}

}  // namespace tidegate::command
