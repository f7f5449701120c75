#include "lib/inbound_stream.hpp"

#include <doctest/doctest.h>

#include "lib/limits.hpp"
#include "lib/random.hpp"
#include "tests/samples.hpp"

using namespace tidegate;
using tidegate::testing::message;
using tidegate::testing::origin;
using Range = InboundStream::Range;

namespace {

Data data(std::uint64_t first, std::uint64_t last, std::size_t payload_bytes = 0) {
  Data result{origin(1), first, {}};
  for (auto i = first; i <= last; ++i) {
    result.messages.push_back(message("a", std::string(payload_bytes, 'x')));
  }
  return result;
}

std::vector<std::uint64_t> sequences(const InboundStream::Progress& progress) {
  std::vector<std::uint64_t> result;
  for (const auto& numbered : progress.messages) result.push_back(numbered.sequence);
  return result;
}

using Sequences = std::vector<std::uint64_t>;
using Ranges = std::vector<Range>;

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
  CHECK(progress.missing.empty());
  CHECK(progress.duplicates == 0);
  CHECK(stream.next() == 7);
}

TEST_CASE("a jump ahead names the range that is missing and holds up nothing behind it") {
  auto stream = begun(1);
  const auto progress = stream.arrive(data(4, 5));
  CHECK((progress.missing == Ranges{{1, 3}}));
  CHECK(sequences(progress) == Sequences{4, 5});
}

TEST_CASE("what has been passed on or named as missing is not passed on again") {
  auto stream = begun(1);
  (void)stream.arrive(data(3, 5));
  const auto progress = stream.arrive(data(1, 6));
  CHECK(sequences(progress) == Sequences{6});
  CHECK(progress.duplicates == 5);
  CHECK(progress.missing.empty());
}

TEST_CASE("the publisher's word how far it is reveals a lost tail, once") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 2));
  CHECK(stream.reveal(2).missing.empty());
  CHECK((stream.reveal(4).missing == Ranges{{3, 4}}));
  CHECK(stream.reveal(4).missing.empty());
  CHECK(stream.reveal(1).missing.empty());
  CHECK(stream.next() == 5);
}

TEST_CASE("nothing counts before the start, and nothing is missing before it") {
  InboundStream stream;
  const auto early = stream.arrive(data(7, 9));
  CHECK(sequences(early).empty());
  CHECK(stream.reveal(20).missing.empty());
  CHECK(stream.next() == 0);
}

TEST_CASE("messages that came before the word from where they count are passed on with it") {
  InboundStream stream;
  (void)stream.arrive(data(4, 5));
  (void)stream.arrive(data(6, 7));
  const auto progress = stream.start(5);
  CHECK(sequences(progress) == Sequences{5, 6, 7});
  CHECK(progress.duplicates == 0);
  CHECK(progress.missing.empty());
  CHECK(stream.next() == 8);
}

TEST_CASE("early messages with a hole before them name the hole at the start") {
  InboundStream stream;
  (void)stream.arrive(data(6, 6));
  const auto progress = stream.start(5);
  CHECK((progress.missing == Ranges{{5, 5}}));
  CHECK(sequences(progress) == Sequences{6});
}

TEST_CASE("early messages beyond the bound are not kept, and show as missing") {
  InboundStream stream;
  const auto half = limits::early_bytes / 2 - 1000;
  (void)stream.arrive(data(1, 2, half));
  (void)stream.arrive(data(3, 3, half));
  (void)stream.arrive(data(4, 4));  // small, but behind a hole: order before thrift
  CHECK(sequences(stream.start(1)) == Sequences{1, 2});
  CHECK((stream.reveal(4).missing == Ranges{{3, 4}}));
}

// Ready comes on another connection than the messages and is repeated: it may overtake them.
TEST_CASE("a repeated start does not give up messages that are still on their way") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 2));
  CHECK(stream.start(5).missing.empty());
  CHECK(sequences(stream.arrive(data(3, 4))) == Sequences{3, 4});
}

TEST_CASE("a stream that returns after a break names what it missed and repeats nothing") {
  auto stream = begun(1);
  (void)stream.arrive(data(1, 3));
  (void)stream.start(6);
  const auto progress = stream.arrive(data(6, 6));
  CHECK((progress.missing == Ranges{{4, 5}}));
  CHECK(sequences(progress) == Sequences{6});
  CHECK(sequences(stream.arrive(data(2, 6))).empty());
}

TEST_CASE("whatever is lost or repeated, each sequence is passed on or named once, in order") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    InboundStream stream;
    std::uint64_t published = 0;
    const auto start = 1 + random.below(30);
    std::uint64_t expected = start;
    const auto check = [&](const InboundStream::Progress& progress) {
      auto missing = progress.missing.begin();
      auto passed = progress.messages.begin();
      while (missing != progress.missing.end() || passed != progress.messages.end()) {
        if (missing != progress.missing.end() && missing->first == expected) {
          expected = missing++->last + 1;
        } else {
          REQUIRE(passed != progress.messages.end());
          REQUIRE(passed++->sequence == expected++);
        }
      }
    };
    for (int i = 0; i < 60; ++i) {
      const auto first = published + 1;
      published += 1 + random.below(4);
      const auto fate = random.below(4);
      if (i == 20) check(stream.start(start));
      if (fate > 0) check(stream.arrive(data(first, published)));
      if (fate > 2) check(stream.arrive(data(first, published)));
      if (random.below(5) == 0) check(stream.reveal(published));
    }
    check(stream.reveal(published));
    CHECK(expected == std::max(published + 1, start));
  }
}
