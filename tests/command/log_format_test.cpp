// Lines of the log as programs read them.
#include "command/log_format.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::command;
using namespace std::chrono_literals;

namespace {

LogEntry entry(std::string_view text) {
  const std::chrono::system_clock::time_point time(1795776560s + 17ms);
  return {time, LogLevel::warning, "undelivered", 2, text};
}

}  // namespace

TEST_CASE("a line of logfmt has time, level, event, the number of those left out, and the text") {
  CHECK(logfmt_line(entry("lost \"a\\b\"")) ==
        "time=2026-11-27T10:49:20.017Z level=warning event=undelivered left_out=2 "
        "msg=\"lost \\\"a\\\\b\\\"\"");
}

TEST_CASE("a line of JSON has the same as one object") {
  CHECK(json_line(entry("lost \"a\"")) ==
        R"({"time":"2026-11-27T10:49:20.017Z","level":"warning","event":"undelivered",)"
        R"("left_out":2,"message":"lost \"a\""})");
}

TEST_CASE("a line without an event, of which none was left out, says nothing of either") {
  auto plain = entry("leaving");
  plain.event = {};
  plain.left_out = 0;
  CHECK(logfmt_line(plain) == "time=2026-11-27T10:49:20.017Z level=warning msg=\"leaving\"");
  CHECK(json_line(plain) ==
        R"({"time":"2026-11-27T10:49:20.017Z","level":"warning","message":"leaving"})");
}

TEST_CASE("a notice has the event that its JSON line has as type") {
  CHECK(std::string(describe(Warning{"x"}).event) == "warning");
  CHECK(std::string(describe(Undelivered{}).event) == "undelivered");
}
