#include "lib/mesh/outbound_stream.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::mesh;
using tidegate::testing::a_message;
using tidegate::testing::position;

namespace {

// The position that a message gets which asks for `at`; empty: it announces no change.
std::optional<Position> append(OutboundStream& stream, std::string_view at = {}) {
  auto sent = a_message("a", "", at);
  (void)stream.append(sent);
  return sent.position;
}

}  // namespace

TEST_CASE("a stream counts its messages from 1 without a hole") {
  OutboundStream stream;
  CHECK(stream.last() == 0);
  for (std::uint64_t expected = 1; expected <= 5; ++expected) {
    auto sent = a_message("a", "");
    CHECK(stream.append(sent) == expected);
    CHECK(stream.last() == expected);
  }
}

TEST_CASE("a message keeps the position of its change") {
  OutboundStream stream;
  CHECK(append(stream, "1:0/10") == position("1:0/10"));
  CHECK(append(stream, "1:0/20") == position("1:0/20"));
  CHECK(stream.position() == position("1:0/20"));
}

TEST_CASE("before anything is known a message without a change waits for nothing") {
  OutboundStream stream;
  CHECK(append(stream) == std::nullopt);
}

TEST_CASE("the positions of a stream never go back") {
  OutboundStream stream;
  CHECK(append(stream, "1:0/20") == position("1:0/20"));
  CHECK(append(stream, "1:0/10") == position("1:0/20"));
  CHECK(append(stream, "2:0/05") == position("2:0/05"));
  CHECK(append(stream, "1:0/30") == position("2:0/05"));
}

TEST_CASE("a message without a change carries the highest position published or delivered") {
  OutboundStream stream;
  stream.delivered(position("1:0/10"));
  CHECK(append(stream) == position("1:0/10"));
  CHECK(append(stream, "1:0/20") == position("1:0/20"));
  CHECK(append(stream) == position("1:0/20"));
  stream.delivered(position("1:0/15"));
  CHECK(append(stream) == position("1:0/20"));
  stream.delivered(position("1:0/30"));
  CHECK(append(stream) == position("1:0/30"));
}

TEST_CASE("a peer that is moved to another cluster no longer waits for a place of the old one") {
  OutboundStream stream;
  (void)append(stream, "3:F/0");
  const Position elsewhere{testing::home - 1, 1, Lsn{1}};
  stream.delivered(elsewhere);
  CHECK(append(stream) == elsewhere);
}

TEST_CASE("a peer that is given messages of two clusters still never goes back in either") {
  OutboundStream stream;
  const Position elsewhere{testing::home - 1, 1, Lsn{0x10}};
  CHECK(append(stream, "2:0/60") == position("2:0/60"));
  stream.delivered(elsewhere);
  CHECK(append(stream) == elsewhere);
  stream.delivered(position("2:0/50"));
  CHECK(append(stream) == position("2:0/60"));
  stream.delivered({testing::home - 1, 1, Lsn{0x5}});
  CHECK(append(stream) == elsewhere);
}

TEST_CASE("a position of a timeline that the stream has left is outdated") {
  OutboundStream stream;
  CHECK_FALSE(stream.outdated(a_message("a", "", "1:0/30")));
  stream.delivered(position("2:0/05"));
  CHECK(stream.outdated(a_message("a", "", "1:0/30")));
  CHECK_FALSE(stream.outdated(a_message("a", "", "2:0/04")));
  CHECK_FALSE(stream.outdated(a_message("a", "", "3:0/01")));
  CHECK_FALSE(stream.outdated(a_message("a", "")));
}
