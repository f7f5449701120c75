#include "command/outbox_text.hpp"

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/units.hpp"

namespace tidegate::command {
namespace {

using postgres::OutboxStatus;

std::string line(const char* head, const std::string& text) {
  return fmt::format("  {:<15} {}\n", head, text);
}

std::string row_words(const std::optional<postgres::AnnouncedRow>& row) {
  if (!row) return "none";
  return fmt::format("of transaction {}, announced {} ago", row->transaction,
                     rough_duration(row->age));
}

std::string writer_words(const OutboxStatus& status) {
  if (!status.primary) return "known on the primary alone";
  if (!status.oldest_writer) return "none: no transaction that has written is open";
  const auto& writer = *status.oldest_writer;
  auto text = fmt::format("transaction {}, {}", writer.transaction,
                          writer.open ? "open for " + rough_duration(*writer.open)
                                      : "open for a time that this role may not see");
  text += writer.process == 0 ? ": prepared as " + harmless(writer.prepared)
                              : fmt::format(": process {}", writer.process);
  for (const auto& [what, name] :
       {std::pair("role", &writer.role), std::pair("database", &writer.database),
        std::pair("application", &writer.application)}) {
    if (!name->empty()) text += fmt::format(", {} {}", what, harmless(*name));
  }
  return text;
}

std::string cursor_words(const postgres::CursorLag& cursor) {
  const auto name = harmless(cursor.name);
  if (!cursor.trouble.empty()) return name + ": " + harmless(cursor.trouble);
  return fmt::format("{}: {} {} not taken yet{}, all before transaction {} are done{}", name,
                     cursor.rows == postgres::most_counted_behind
                         ? fmt::format("{} or more", cursor.rows)
                         : std::to_string(cursor.rows),
                     cursor.rows == 1 ? "row" : "rows",
                     cursor.waits ? ", the first for " + rough_duration(*cursor.waits) : "",
                     cursor.settled, cursor.lost ? "; some were removed, perhaps unread" : "");
}

}  // namespace

std::string outbox_text(std::string_view server, const OutboxStatus& status) {
  std::string cursors;
  for (const auto& cursor : status.cursors) cursors += line("cursor", cursor_words(cursor));
  return fmt::format("outbox on {}, a {}\n", harmless(server),
                     status.primary ? "primary" : "standby") +
         line("rows", fmt::format("{}, {} with indexes", status.rows, rough_size(status.bytes))) +
         line("oldest", row_words(status.oldest)) + line("newest", row_words(status.newest)) +
         line("horizon",
              fmt::format("transaction {}: all rows of earlier ones are settled", status.horizon)) +
         line("oldest writer", writer_words(status)) +
         line("removed before", status.removed_before == 0
                                    ? "none: nothing was removed"
                                    : fmt::format("transaction {}", status.removed_before)) +
         cursors;
}

std::string outbox_cure(std::string_view reader) {
  return fmt::format(
      "run on the primary, as the owner of the schema, what `tidegate outbox --sql --reader {}` "
      "prints; it leaves rows and other rights as they are. A table with other columns has to be "
      "renamed or dropped before that",
      reader);
}

}  // namespace tidegate::command
