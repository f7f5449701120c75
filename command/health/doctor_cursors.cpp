#include "command/health/doctor_cursors.hpp"

#include <chrono>

#include <fmt/format.h>

#include "command/units.hpp"

namespace tidegate::health {
namespace {

// A reader that is there takes what comes within seconds.
constexpr Duration long_wait = std::chrono::hours(1);

std::string rows_that_wait(const postgres::CursorLag& lag) {
  if (lag.rows == 0) return "no row waits";
  return fmt::format("{}{} {}, the first for {}", lag.rows,
                     lag.rows == postgres::most_counted_behind ? " or more" : "",
                     lag.rows == 1 ? "row waits" : "rows wait",
                     command::rough_duration(lag.waits.value_or(Duration::zero())));
}

void judge(const CursorFacts& cursor, std::vector<Finding>& findings) {
  const auto add = [&](Verdict verdict, std::string what, std::string cure) {
    findings.push_back({verdict, "cursor " + cursor.name, std::move(what), std::move(cure)});
  };
  if (!cursor.unreadable.empty()) {
    return add(Verdict::problem, cursor.unreadable,
               "let this user read " + cursor.file +
                   ", or, if it is damaged, move it away: the subscription then begins anew");
  }
  if (!cursor.begun) {
    return add(Verdict::warning, "it has not begun: its reader has not reached an outbox yet",
               "start its reader with a server that has an outbox, or remove " + cursor.file);
  }
  if (!cursor.lag) return add(Verdict::ok, "its file is readable", "");
  const auto& lag = *cursor.lag;
  if (lag.lost) {
    add(Verdict::warning,
        fmt::format("rows of transactions from {} on were removed, and it may not have read them; "
                    "its reader is told when it starts",
                    lag.settled),
        "start its reader, let rows be kept for longer (outbox-retain-for, outbox-retain-bytes), "
        "or remove " +
            cursor.file + " if nobody needs it any more");
  }
  if (lag.waits && *lag.waits >= long_wait) {
    return add(Verdict::warning, rows_that_wait(lag),
               "start its reader, look why it takes nothing, or remove " + cursor.file +
                   " if nobody needs it any more");
  }
  if (!lag.lost) add(Verdict::ok, rows_that_wait(lag), "");
}

}  // namespace

std::vector<Finding> judge_cursors(const std::vector<CursorFacts>& cursors) {
  std::vector<Finding> findings;
  for (const auto& cursor : cursors) judge(cursor, findings);
  return findings;
}

}  // namespace tidegate::health
