#include "lib/mesh/resend_window.hpp"

#include <doctest/doctest.h>

#include "lib/message/footprint.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::mesh;
using std::chrono::seconds;
using tidegate::testing::a_message;

namespace {

constexpr Instant start = Instant(std::chrono::hours(5));
const std::size_t small = footprint(a_message("a", "0"));

std::string read(const ResendWindow& window, std::uint64_t first, std::uint64_t last,
                 std::size_t most_bytes = 1'000'000) {
  std::string text;
  for (const auto& one : window.read(first, last, most_bytes)) text += one.payload;
  return text;
}

// Messages 1 to 9 with their sequence as payload, a second apart.
ResendWindow window_of_nine(std::size_t most_bytes, Duration longest = seconds(100)) {
  ResendWindow window(most_bytes, longest);
  for (int i = 1; i <= 9; ++i) {
    window.append(a_message("a", std::to_string(i)), start + seconds(i));
  }
  return window;
}

}  // namespace

TEST_CASE("a fresh window keeps nothing, and the first message will be the first kept") {
  const ResendWindow window(1000, seconds(1));
  CHECK(window.first() == 1);
  CHECK(window.size() == 0);
  CHECK(read(window, 1, 9).empty());
}

TEST_CASE("any range of the retained messages can be read again") {
  const auto window = window_of_nine(100 * small);
  CHECK(read(window, 1, 9) == "123456789");
  CHECK(read(window, 4, 6) == "456");
  CHECK(read(window, 8, 99) == "89");
  CHECK(read(window, 10, 99).empty());
}

TEST_CASE("beyond the bound in bytes the oldest go, to the byte") {
  auto window = window_of_nine(3 * small);
  CHECK(window.first() == 7);
  CHECK(window.bytes() == 3 * small);
  CHECK(read(window, 7, 9) == "789");
  CHECK(window_of_nine(3 * small - 1).first() == 8);
}

TEST_CASE("messages older than the longest time go, and the numbering stays") {
  auto window = window_of_nine(100 * small, seconds(3));
  CHECK(window.first() == 6);
  window.expire(start + seconds(11));
  CHECK(window.first() == 8);
  window.expire(start + seconds(99));
  CHECK(window.size() == 0);
  CHECK(window.bytes() == 0);
  CHECK(window.first() == 10);
  window.append(a_message("a", "x"), start + seconds(99));
  CHECK(read(window, 10, 10) == "x");
}

TEST_CASE("as much is read as fits, but at least one message") {
  const auto window = window_of_nine(100 * small);
  CHECK(read(window, 2, 9, 3 * small) == "234");
  CHECK(read(window, 2, 9, 3 * small - 1) == "23");
  CHECK(read(window, 2, 9, 1) == "2");
}
