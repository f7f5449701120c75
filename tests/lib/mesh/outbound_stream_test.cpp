#include "lib/mesh/outbound_stream.hpp"

#include <doctest/doctest.h>

#include "lib/gate/visibility.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::mesh;
using tidegate::testing::a_message;
using tidegate::testing::history;
using tidegate::testing::place;
using tidegate::testing::position;

namespace {

// The dependency that a message inherits when it announces a change at `own`, or none.
std::optional<Position> inherited(OutboundStream& stream, std::optional<Position> own = {}) {
  auto sent = a_message("a", "");
  sent.position = own;
  (void)stream.append(sent);
  CHECK(sent.position == own);
  return sent.inherited;
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

TEST_CASE("a message that lies behind all that was before inherits nothing") {
  OutboundStream stream;
  CHECK(inherited(stream, position("1:0/10")) == std::nullopt);
  CHECK(inherited(stream, position("1:0/10")) == std::nullopt);
  CHECK(inherited(stream, position("1:0/20")) == std::nullopt);
  CHECK(inherited(stream, place(history("1 2@64"), 65)) == std::nullopt);
  CHECK(stream.position() == place(history("1 2@64"), 65));
}

TEST_CASE("of a failover that was taken back only what lies before it is inherited") {
  OutboundStream stream;
  stream.delivered(place(history("1 2@64"), 70));
  stream.delivered(place(history("1 2@64"), 80, 9));
  stream.fall_back_to(Branch(ServerKind::postgres, testing::home, history("1")));
  CHECK(inherited(stream, place(history("1"), 50)) == place(history("1"), 64));
  CHECK(inherited(stream, place(history("1"), 90)) == std::nullopt);
  CHECK(inherited(stream, place(history("1 2@64"), 75, 9)) == place(history("1 2@64"), 80, 9));
}

TEST_CASE("of a failover at a place that is not known nothing is inherited once it is taken back") {
  OutboundStream stream;
  stream.delivered(position("3:0/10"));
  stream.fall_back_to(Branch(ServerKind::postgres, testing::home, history("2")));
  CHECK(inherited(stream, position("2:0/5")) == std::nullopt);
}

TEST_CASE("what was left behind with a history is inherited again once that history goes on") {
  const auto left = place(history("1 2@64"), 80);
  const auto present = Branch(ServerKind::postgres, testing::home, history("1"));
  OutboundStream stream;
  stream.delivered(left);
  stream.fall_back_to(present);
  SUBCASE("with a change of this peer") {
    CHECK(inherited(stream, place(history("1 2@64"), 75)) == left);
  }
  SUBCASE("with a change that was delivered") { stream.delivered(place(history("1 2@64"), 75)); }
  SUBCASE("with a server that shows it") { stream.return_to(left.branch); }
  SUBCASE("with a server that shows what came behind it") {
    stream.return_to(Branch(ServerKind::postgres, testing::home, history("1 2@64 3@90")));
  }
  CHECK(inherited(stream) == left);
}

TEST_CASE("what was left behind with a history stays there when another way is gone") {
  OutboundStream stream;
  stream.delivered(place(history("1 2@64"), 80));
  stream.fall_back_to(Branch(ServerKind::postgres, testing::home, history("1")));
  stream.return_to(Branch(ServerKind::postgres, testing::home, history("1 2@64 3@70")));
  CHECK(inherited(stream) == place(history("1"), 64));
  CHECK(inherited(stream, place(history("1"), 90)) == std::nullopt);
  CHECK(inherited(stream) == place(history("1"), 90));
}

TEST_CASE("before anything is known a message without a change waits for nothing") {
  OutboundStream stream;
  CHECK(inherited(stream) == std::nullopt);
}

TEST_CASE("a message whose change lies before what was seen inherits that") {
  OutboundStream stream;
  CHECK(inherited(stream, position("1:0/20")) == std::nullopt);
  CHECK(inherited(stream, position("1:0/10")) == position("1:0/20"));
  const auto promoted = place(history("1 2@64"), 70);
  stream.delivered(promoted);
  CHECK(inherited(stream, position("1:0/30")) == promoted);
}

TEST_CASE(
    "a change that a failover has undone keeps its own position, for its receivers to judge") {
  OutboundStream stream;
  const auto promoted = place(history("1 2@64"), 70);
  stream.delivered(promoted);
  CHECK(inherited(stream, place(history("1"), 65)) == promoted);
}

TEST_CASE("a message without a change inherits the furthest position published or delivered") {
  OutboundStream stream;
  stream.delivered(position("1:0/10"));
  CHECK(inherited(stream) == position("1:0/10"));
  CHECK(inherited(stream, position("1:0/20")) == std::nullopt);
  CHECK(inherited(stream) == position("1:0/20"));
  stream.delivered(position("1:0/15"));
  CHECK(inherited(stream) == position("1:0/20"));
  stream.delivered(position("1:0/30"));
  CHECK(inherited(stream) == position("1:0/30"));
}

TEST_CASE("of diverged histories the one counts that was heard of last") {
  OutboundStream stream;
  const auto one = place(history("1 2@100/7"), 500);
  const auto other = place(history("1 2@100/8"), 150);
  stream.delivered(one);
  stream.delivered(other);
  CHECK(inherited(stream) == other);
  CHECK(inherited(stream, one) == other);
  CHECK(inherited(stream) == one);
}

TEST_CASE("in a split cluster what the own server excludes does not replace what that shows") {
  const auto shown = place(history("1 2@100/7"), 500);
  const auto published = place(history("1 2@100/8"), 150);
  std::optional<Position> excluded = published;
  constexpr std::uint64_t fork = 100;
  OutboundStream stream(0, [&](const Position& one) {
    return one.branch == excluded->branch ? fork : gate::anywhere;
  });
  stream.delivered(shown);
  CHECK(inherited(stream, published) == shown);
  CHECK(inherited(stream) == shown);
  CHECK(stream.position() == published);  // that history exists, for all who ask its past
  // Further changes of the other side, an earlier one too.
  CHECK(inherited(stream, place(history("1 2@100/8"), 170)) == shown);
  CHECK(inherited(stream, published) == shown);
  stream.delivered(place(history("1 2@100/7"), 510));
  CHECK(inherited(stream) == place(history("1 2@100/7"), 510));
  CHECK(stream.position() == place(history("1 2@100/7"), 510));
  // The own server has become one of the other side.
  excluded = shown;
  stream.return_to(published.branch);
  CHECK(inherited(stream) == place(history("1 2@100/8"), 170));
}

TEST_CASE("in a split cluster a change behind all that the own server has shown replaces that") {
  const auto shown = place(history("1"), 90);
  const auto behind = place(history("1 2@100/8"), 150);
  OutboundStream stream(
      0, [](const Position& one) { return one.timeline() == 2 ? 100 : gate::anywhere; });
  stream.delivered(shown);
  CHECK(inherited(stream, behind) == std::nullopt);
  CHECK(inherited(stream) == behind);
}

TEST_CASE("a server that was rewound before a fork brings nothing back that was left beyond it") {
  const auto shown = place(history("1 2@100/8"), 150);
  const auto beyond = place(history("1"), 170);
  bool before_fork = false;
  OutboundStream stream(0, [&](const Position& one) {
    return !before_fork && one.timeline() == 1 ? 100 : gate::anywhere;
  });
  stream.delivered(shown);
  (void)inherited(stream, beyond);
  before_fork = true;  // it may go either way
  stream.return_to(beyond.branch);
  CHECK(inherited(stream) == shown);
}

TEST_CASE("of two changes that the own server excludes the one counts that was heard of last") {
  const auto one = place(history("1 2@100/7"), 500);
  const auto other = place(history("1 2@100/8"), 150);
  OutboundStream stream(0, [](const Position&) { return 100; });
  CHECK(inherited(stream, one) == std::nullopt);
  CHECK(inherited(stream, other) == one);
  CHECK(inherited(stream) == other);
}

// The change that was delivered at 60 lies before the later fork: a message that inherits a place
// to which the way was left at 50 would not wait for it.
TEST_CASE("of two changes that the own server excludes the one counts that it has left later") {
  const auto later = place(history("1"), 170);
  const auto earlier = place(history("1 2@50/8"), 150);
  OutboundStream stream(0, [](const Position& one) { return one.timeline() == 1 ? 100 : 50; });
  stream.delivered(place(history("1"), 60));
  (void)inherited(stream, later);
  (void)inherited(stream, earlier);
  CHECK(inherited(stream) == later);
  CHECK(stream.position() == earlier);
}

TEST_CASE("a peer that is moved to another cluster no longer waits for a place of the old one") {
  OutboundStream stream;
  (void)inherited(stream, position("3:F/0"));
  const auto elsewhere = place(1, 1, testing::home - 1);
  stream.delivered(elsewhere);
  CHECK(inherited(stream) == elsewhere);
}

TEST_CASE("a peer that is given messages of two clusters still never goes back in either") {
  OutboundStream stream;
  const auto elsewhere = place(1, 0x10, testing::home - 1);
  CHECK(inherited(stream, position("2:0/60")) == std::nullopt);
  stream.delivered(elsewhere);
  CHECK(inherited(stream) == elsewhere);
  stream.delivered(position("2:0/50"));
  CHECK(inherited(stream) == position("2:0/60"));
  stream.delivered(place(1, 0x5, testing::home - 1));
  CHECK(inherited(stream) == elsewhere);
  CHECK(inherited(stream, position("2:0/55")) == position("2:0/60"));
}
