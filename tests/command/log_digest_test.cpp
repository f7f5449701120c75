// A flood of like lines does not fill the log, and nothing of it is lost from the sums.
#include "command/log_digest.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::command;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

LogLine line(const std::string& text) { return {LogLevel::warning, text}; }

}  // namespace

TEST_CASE("1,796 like lines within a second and a half are two lines") {
  LogDigest digest;
  Instant now{};
  std::size_t written = 0;
  for (int i = 1; i <= 1796; ++i) {
    now += std::chrono::microseconds(800);
    written += digest.add("unpublished", line("not sent " + std::to_string(i)), now).size();
    written += digest.due(now).size();
  }
  CHECK(written == 1);
  const auto sum = digest.due(digest.deadline());
  REQUIRE(sum.size() == 1);
  CHECK(sum.front().text == "not sent 1796 (1795 like this within 2.0 s, the last one shown)");
  CHECK(sum.front().left_out == 1794);  // all but those two
  CHECK(digest.due(digest.deadline()).empty());
  CHECK(digest.deadline() == never);
  CHECK(digest.add("unpublished", line("later"), now + seconds(60)).size() == 1);
}

TEST_CASE("lines of other kinds, and those without a kind, are written at once") {
  LogDigest digest;
  CHECK(digest.add("a", line("1"), Instant{}).size() == 1);
  CHECK(digest.add("b", line("2"), Instant{}).size() == 1);
  CHECK(digest.add("", line("3"), Instant{}).size() == 1);
  CHECK(digest.add("", line("4"), Instant{}).size() == 1);
}

TEST_CASE("a lasting flood is summed up ever more rarely") {
  LogDigest digest;
  Instant now{};
  std::size_t written = 0;
  for (int second = 0; second < 3600; ++second) {
    now += seconds(1);
    written += digest.add("a", line("x"), now).size() + digest.due(now).size();
  }
  CHECK(written <= 20);
  CHECK(digest.rest(now).size() <= 1);
  CHECK(digest.deadline() == never);
}

TEST_CASE("a second line alone is shown as it is") {
  LogDigest digest;
  CHECK(digest.add("a", line("1"), Instant{}).size() == 1);
  CHECK(digest.add("a", line("2"), Instant{} + milliseconds(1)).empty());
  const auto rest = digest.rest(Instant{} + milliseconds(2));
  REQUIRE(rest.size() == 1);
  CHECK(rest.front().text == "2");
}
