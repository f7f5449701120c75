// The durable subscriptions of a peer as text on disk.
#include "lib/stomp/durable_records.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;

namespace {

DurableImage two_subscriptions() {
  DurableImage image;
  image.subscriptions[1] = {"mails", "/topic/users.*", {}};
  image.subscriptions[7] = {"a:b/c", "x\n\\y", {}};
  auto& stream = image.subscriptions[1].streams[origin(2)];
  stream = {"app \\ 1\n", Settled(17), 25};
  stream.settled.settle({20, 21});
  image.subscriptions[1].streams[origin(3)] = DurableImage::Stream();
  return image;
}

std::string text_of(const DurableImage& image) {
  std::string text;
  write_durable(text, image);
  return text;
}

std::string why_refused(const std::string& text) {
  const auto read = read_durable(text);
  REQUIRE(!read);
  return read.error().message;
}

}  // namespace

TEST_CASE("durable subscriptions come back from their text as they were") {
  const auto image = two_subscriptions();
  const auto read = read_durable(text_of(image));
  REQUIRE(read.ok());
  CHECK((*read == image));
  CHECK((*read_durable("") == DurableImage{}));
}

TEST_CASE("records behind a snapshot of durable subscriptions change it") {
  auto text = text_of(two_subscriptions());
  write_settled(text, 1, origin(2), {17, 19});
  write_sent(text, 1, origin(2), 30);
  write_publisher(text, 7, origin(4), "new");
  write_settled(text, 7, origin(4), {1, 3});
  write_forget(text, 1, origin(3));
  const auto read = read_durable(text);
  REQUIRE(read.ok());
  const auto& first = read->subscriptions.at(1).streams;
  CHECK(first.size() == 1);
  CHECK(first.at(origin(2)).settled == Settled(22));
  CHECK(first.at(origin(2)).sent == 30);
  CHECK(read->subscriptions.at(7).streams.at(origin(4)).settled.next() == 4);
}

TEST_CASE("a last record that was not written whole is left out, wherever it ends") {
  const auto before = text_of(two_subscriptions());
  std::string record;
  write_settled(record, 1, origin(2), {17, 19});
  for (std::size_t bytes = 1; bytes < record.size(); ++bytes) {
    const auto read = read_durable(before + record.substr(0, bytes));
    REQUIRE(read.ok());
    CHECK(read->torn == bytes);
    CHECK((read->subscriptions == two_subscriptions().subscriptions));
  }
  const auto zeros = read_durable(before + std::string(4096, '\0'));
  REQUIRE(zeros.ok());
  CHECK(zeros->torn == 4096);
}

TEST_CASE("a text that is none of durable subscriptions is refused, and so is a damaged one") {
  CHECK(contains(why_refused("something else\n"), "line 1 does not begin such a file"));
  CHECK(contains(why_refused(std::string(100, '\0')), "line 1"));
  const auto good = text_of(two_subscriptions());
  for (std::size_t at = 0; at + 200 < good.size(); ++at) {
    auto damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    CHECK(!read_durable(damaged));
  }
  auto strange = good;
  write_settled(strange, 5, origin(2), {1, 1});
  CHECK(contains(why_refused(strange), "makes no sense"));
  strange = good;
  write_settled(strange, 1, origin(2), {9, 8});
  CHECK(contains(why_refused(strange), "makes no sense"));
  strange = good;
  write_forget(strange, 1, origin(9));
  CHECK(contains(why_refused(strange), "makes no sense"));
  auto twice = two_subscriptions();
  twice.subscriptions[8] = twice.subscriptions[1];
  CHECK(contains(why_refused(text_of(twice)), "makes no sense"));
}

TEST_CASE("the name of a durable subscription is one word of printable characters") {
  CHECK(!wrong_durable_name("a"));
  CHECK(!wrong_durable_name("../etc/passwd"));  // it is never the name of a file
  CHECK(!wrong_durable_name(std::string(128, 'x')));
  for (const auto& name : {std::string(), std::string(129, 'x'), std::string("a b"),
                           std::string("a\nb"), std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    CHECK(wrong_durable_name(name));
  }
}

TEST_CASE("messages that are settled out of turn join those before once the gap is filled") {
  Settled settled(5);
  settled.settle({7, 8});
  settled.settle({10, 10});
  CHECK(settled.next() == 5);
  CHECK(settled.has(4));
  CHECK(!settled.has(5));
  CHECK(settled.has(8));
  CHECK(!settled.has(9));
  CHECK(settled.above() == std::vector<Settled::Range>{{7, 8}, {10, 10}});
  CHECK(settled.open_parts({1, 12}) == std::vector<Settled::Range>{{5, 6}, {9, 9}, {11, 12}});
  CHECK(settled.open_parts({7, 8}).empty());
  settled.settle({9, 9});
  CHECK(settled.above() == std::vector<Settled::Range>{{7, 10}});
  settled.settle({3, 5});
  CHECK(settled.next() == 6);
  settled.settle({6, 6});
  CHECK(settled.next() == 11);
  CHECK(settled.above().empty());
}
