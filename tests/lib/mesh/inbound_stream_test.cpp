#include "lib/mesh/inbound_stream.hpp"

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/base/random.hpp"
#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;
using tidegate::testing::a_message;
using tidegate::testing::origin;
using Range = InboundStream::Range;

namespace {

Data data(std::uint64_t first, std::uint64_t last, std::size_t payload_bytes = 0) {
  Data result{origin(1), first, {}};
  for (auto i = first; i <= last; ++i) {
    result.messages.push_back(a_message("a", std::string(payload_bytes, 'x')));
  }
  return result;
}

std::vector<std::uint64_t> sequences(const InboundStream::Progress& progress) {
  std::vector<std::uint64_t> result;
  for (const auto& numbered : progress.messages) result.push_back(numbered.sequence);
  return result;
}

using Sequences = std::vector<std::uint64_t>;

// A stream that began at `next`.
InboundStream begun(std::uint64_t next) {
  InboundStream stream;
  CHECK(sequences(stream.start(next)).empty());
  return stream;
}

}  // namespace

TEST_CASE("messages in order are passed on as they come") {
  auto stream = begun(3);
  CHECK(stream.next() == 3);
  CHECK(sequences(stream.arrive(data(3, 5))) == Sequences{3, 4, 5});
  const auto progress = stream.arrive(data(6, 6));
  CHECK(sequences(progress) == Sequences{6});
  CHECK(progress.duplicates == 0);
  CHECK(stream.next() == 7);
  CHECK_FALSE(stream.gap());
}

TEST_CASE("messages behind a gap wait until the gap is filled") {
  auto stream = begun(1);
  CHECK(sequences(stream.arrive(data(4, 5))).empty());
  CHECK((stream.gap() == Range{1, 3}));
  CHECK(sequences(stream.arrive(data(1, 1))) == Sequences{1});
  CHECK((stream.gap() == Range{2, 3}));
  CHECK(sequences(stream.arrive(data(2, 3))) == Sequences{2, 3, 4, 5});
  CHECK_FALSE(stream.gap());
}

TEST_CASE("messages behind a gap go on when the gap is skipped, which names it") {
  auto stream = begun(1);
  (void)stream.arrive(data(4, 5));
  (void)stream.arrive(data(8, 8));
  auto progress = stream.skip(stream.known() + 1);
  CHECK((progress.skipped == Range{1, 3}));
  CHECK(sequences(progress) == Sequences{4, 5});
  progress = stream.skip(stream.known() + 1);
  CHECK((progress.skipped == Range{6, 7}));
  CHECK(sequences(progress) == Sequences{8});
  CHECK_FALSE(stream.skip(stream.known() + 1).skipped);
}

TEST_CASE("only the part of a hole that will never come is skipped") {
  auto stream = begun(1);
  (void)stream.arrive(data(9, 9));
  CHECK((stream.skip(4).skipped == Range{1, 3}));
  CHECK((stream.gap() == Range{4, 8}));
  CHECK_FALSE(stream.skip(4).skipped);
}

TEST_CASE("a message that was passed on or skipped is not passed on again") {
  auto stream = begun(1);
  (void)stream.arrive(data(3, 5));
  (void)stream.skip(3);
  const auto progress = stream.arrive(data(1, 6));
  CHECK(sequences(progress) == Sequences{6});
  CHECK(progress.duplicates == 5);
  CHECK_FALSE(stream.gap());
}

TEST_CASE("a message that waits behind a gap and comes again is a duplicate") {
  auto stream = begun(1);
  (void)stream.arrive(data(3, 4));
  CHECK(stream.arrive(data(3, 4)).duplicates == 2);
  CHECK(sequences(stream.arrive(data(1, 2))) == Sequences{1, 2, 3, 4});
}

TEST_CASE("the publisher's word how far it is reveals a lost tail") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 2));
  stream.note_published(2);
  CHECK_FALSE(stream.gap());
  stream.note_published(4);
  CHECK((stream.gap() == Range{3, 4}));
  stream.note_published(1);
  CHECK((stream.gap() == Range{3, 4}));
}

TEST_CASE("nothing counts before the start, and nothing is missing before it") {
  InboundStream stream;
  CHECK(sequences(stream.arrive(data(7, 9))).empty());
  CHECK(stream.arrive(data(7, 9)).duplicates == 0);
  stream.note_published(20);
  CHECK_FALSE(stream.gap());
  CHECK(stream.next() == 0);
}

TEST_CASE("messages that came before the word from where they count are passed on with it") {
  InboundStream stream;
  (void)stream.arrive(data(4, 5));
  (void)stream.arrive(data(6, 7));
  const auto progress = stream.start(5);
  CHECK(sequences(progress) == Sequences{5, 6, 7});
  CHECK(progress.duplicates == 0);
  CHECK(stream.next() == 8);
}

TEST_CASE("early messages with a hole before them wait for it from the start on") {
  InboundStream stream;
  (void)stream.arrive(data(6, 6));
  CHECK(sequences(stream.start(5)).empty());
  CHECK((stream.gap() == Range{5, 5}));
}

TEST_CASE("a stream that begins with the retained messages of its publisher begins with a gap") {
  InboundStream stream;
  stream.note_published(9);
  CHECK(sequences(stream.start(4)).empty());
  CHECK((stream.gap() == Range{4, 9}));
}

TEST_CASE("messages behind a hole that go beyond the bound are part of the next hole") {
  auto stream = begun(1);
  const auto half = limits::ahead_bytes / 2 - 1000;
  (void)stream.arrive(data(2, 3, half));
  (void)stream.arrive(data(4, 4, half));
  (void)stream.arrive(data(5, 5));
  CHECK(sequences(stream.arrive(data(1, 1))) == Sequences{1, 2, 3});
  CHECK((stream.gap() == Range{4, 4}));
  CHECK(sequences(stream.arrive(data(4, 4, 2 * limits::ahead_bytes))) == Sequences{4, 5});
}

// Ready comes on another connection than the messages and is repeated: it may overtake them.
TEST_CASE("a repeated start says nothing about messages that are still on their way") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 2));
  (void)stream.start(5);
  CHECK_FALSE(stream.gap());
  CHECK(sequences(stream.arrive(data(3, 4))) == Sequences{3, 4});
}

TEST_CASE("messages that are given back come again") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 5));
  stream.rewind_to(3);
  CHECK((stream.gap() == Range{3, 5}));
  CHECK(sequences(stream.arrive(data(6, 6))).empty());
  CHECK(sequences(stream.arrive(data(3, 5))) == Sequences{3, 4, 5, 6});
}

TEST_CASE(
    "whatever is lost, repeated or swapped, each sequence is passed on or named once, in order") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    InboundStream stream;
    std::uint64_t published = 0;
    const auto start = 1 + random.below(30);
    std::uint64_t expected = start;
    const auto check = [&](const InboundStream::Progress& progress) {
      if (progress.skipped) {
        REQUIRE(progress.skipped->first == expected);
        expected = progress.skipped->last + 1;
      }
      for (const auto& passed : progress.messages) {
        REQUIRE(passed.sequence == expected++);
        if (random.below(10) > 0) continue;
        stream.rewind_to(--expected);
        return;
      }
    };
    for (int i = 0; i < 60; ++i) {
      const auto first = published + 1;
      published += 1 + random.below(4);
      const auto visibility = random.below(4);
      if (i == 20) check(stream.start(start));
      if (visibility > 0) check(stream.arrive(data(first, published)));
      if (visibility > 2) check(stream.arrive(data(first, published)));
      if (random.below(5) == 0) stream.note_published(published);
      const auto gap = stream.gap();
      if (gap && random.below(4) == 0) check(stream.arrive(data(gap->first, gap->last)));
      if (random.below(10) == 0) check(stream.skip(1 + random.below(published)));
    }
    stream.note_published(published);
    while (const auto gap = stream.gap()) check(stream.arrive(data(gap->first, gap->last)));
    CHECK(expected == std::max(published + 1, start));
  }
}
