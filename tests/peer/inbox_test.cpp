#include "peer/inbox.hpp"

#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::peer;
using tidegate::testing::origin;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most = 10'000;

Incoming loss(std::uint8_t who, std::uint64_t first, std::uint64_t last,
              Undelivered::Why why = Undelivered::Why::expired) {
  return Notice{Undelivered{origin(who), "peer", first, last, why, {}, {}}};
}

Incoming unpublished(std::size_t bytes) {
  return Notice{Unpublished{1, Unpublished::Why::primary_lost, Topic::parse("a").value(),
                            std::string(bytes, 'x')}};
}

Incoming delivery(std::size_t bytes, std::uint8_t who = 1) {
  Message message{Topic::parse("a").value(), std::string(bytes, 'x'), {}, {}};
  return Delivery{std::move(message), origin(who), "peer", 1, {}, false};
}

template <typename Kind>
Kind popped(Inbox& inbox) {
  auto incoming = inbox.pop(0ms);
  REQUIRE(incoming);
  const auto* notice = std::get_if<Notice>(&*incoming);
  REQUIRE(notice != nullptr);
  const auto* kind = std::get_if<Kind>(notice);
  REQUIRE(kind != nullptr);
  return *kind;
}

}  // namespace

TEST_CASE("notices count in the bytes of an inbox, and what is taken no longer does") {
  Inbox inbox(most, Inbox::Shown::no);
  CHECK(inbox.push(unpublished(1000)) > 1000);
  CHECK(inbox.push(delivery(500)) > 1500);
  CHECK(inbox.push(Notice{Warning{std::string(300, 'x')}}) > 1800);
  CHECK(inbox.answer_bytes() > 1000);
  CHECK(inbox.answer_bytes() < 1500);
  while (inbox.pop(0ms)) {
  }
  CHECK(inbox.bytes() == 0);
  CHECK(inbox.answer_bytes() == 0);
}

TEST_CASE("an inbox knows whether messages, or reports of lost ones, wait in it") {
  Inbox inbox(most, Inbox::Shown::no);
  inbox.push(Notice{Warning{"look"}});
  inbox.push(unpublished(1));
  CHECK_FALSE(inbox.has_messages());
  inbox.push(delivery(1));
  inbox.push(Notice{NotResumed{origin(1), "peer", 5, NotResumed::Why::ended}});
  inbox.push(loss(1, 1, 1));
  inbox.push(loss(1, 2, 2));
  for (int taken = 0; taken < 5; ++taken) {
    CHECK(inbox.has_messages());
    CHECK(inbox.pop(0ms));
  }
  CHECK_FALSE(inbox.has_messages());
}

TEST_CASE("100,000 messages that come back count with their payloads, and none is dropped") {
  Inbox inbox(most, Inbox::Shown::no);
  constexpr int count = 100'000;
  for (int i = 0; i < count; ++i) inbox.push(unpublished(100));
  CHECK(inbox.answer_bytes() >= count * 100);
  for (int i = 0; i < count; ++i) popped<Unpublished>(inbox);
  CHECK_FALSE(inbox.pop(0ms));
}

TEST_CASE("a flood of losses of two origins in turns, between deliveries, stays two ranges") {
  Inbox inbox(most, Inbox::Shown::no);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    inbox.push(loss(1, i, i));
    inbox.push(loss(2, i, i));
    if (i == 500) inbox.push(delivery(1, 3));
  }
  const auto first = popped<Undelivered>(inbox);
  CHECK((first.origin == origin(1)));
  CHECK(first.first == 1);
  CHECK(first.last == 1000);
  CHECK(popped<Undelivered>(inbox).last == 1000);
  CHECK(inbox.pop(0ms));  // the delivery
  CHECK_FALSE(inbox.pop(0ms));
  inbox.push(loss(1, 1001, 1001));
  CHECK(popped<Undelivered>(inbox).first == 1001);
}

TEST_CASE("losses of one origin with another reason, or a gap between them, stay apart") {
  Inbox inbox(most, Inbox::Shown::no);
  inbox.push(loss(1, 1, 2));
  inbox.push(loss(1, 3, 3, Undelivered::Why::orphaned));
  inbox.push(loss(1, 4, 4, Undelivered::Why::orphaned));
  inbox.push(loss(1, 6, 6, Undelivered::Why::orphaned));
  CHECK(popped<Undelivered>(inbox).last == 2);
  CHECK(popped<Undelivered>(inbox).last == 4);
  CHECK(popped<Undelivered>(inbox).first == 6);
  CHECK_FALSE(inbox.pop(0ms));
}

TEST_CASE("notices beyond the bound are dropped, and one warning in their place counts them") {
  Inbox inbox(most, Inbox::Shown::no);
  std::size_t pushed = 0;
  while (inbox.bytes() < most - 500) {
    inbox.push(Notice{PeerReady{origin(1), "peer"}});
    ++pushed;
  }
  constexpr std::size_t too_large = 1000;
  for (std::size_t i = 0; i < too_large; ++i) {
    inbox.push(Notice{Warning{std::string(900, 'x')}});
  }
  inbox.push(Notice{Warning{"small enough"}});
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    inbox.push(loss(1, 2 * i, 2 * i));  // never side by side
  }
  inbox.push(delivery(1));
  inbox.push(unpublished(1));
  CHECK(inbox.bytes() < most + 1000);

  for (std::size_t i = 0; i < pushed; ++i) popped<PeerReady>(inbox);
  const auto dropped = popped<Warning>(inbox).text;
  CHECK(popped<Warning>(inbox).text == "small enough");
  std::uint64_t told = 0;
  auto incoming = inbox.pop(0ms);
  for (; incoming && std::holds_alternative<Notice>(*incoming); incoming = inbox.pop(0ms)) ++told;
  const auto left = std::to_string(1000 - told);
  CHECK(dropped.starts_with(std::to_string(too_large + 1000 - told) + " notices were dropped"));
  CHECK(dropped.find("; " + left + " of them told of " + left + " messages") != std::string::npos);
  REQUIRE(incoming);
  CHECK(std::holds_alternative<Delivery>(*incoming));
  popped<Unpublished>(inbox);
  CHECK_FALSE(inbox.pop(0ms));
  // And the next ones are kept again.
  inbox.push(Notice{Warning{"again"}});
  CHECK(popped<Warning>(inbox).text == "again");
}

TEST_CASE("an inbox that is closed answers at once, also to a wait without end") {
  Inbox inbox(most, Inbox::Shown::by_descriptor);
  inbox.push(delivery(1));
  inbox.close();
  CHECK(inbox.pop(std::chrono::milliseconds::max()));
  CHECK_FALSE(inbox.pop(std::chrono::milliseconds::max()));
}

TEST_CASE("an acknowledgement is never dropped, and counts with the names in it") {
  Inbox inbox(most, Inbox::Shown::no);
  const Received::Without without{origin(2), std::string(64, 'n'), Received::Without::Why::gone};
  constexpr int count = 1000;
  for (int i = 0; i < count; ++i) inbox.push(Notice{Received{1, {without, without}}});
  CHECK(inbox.answer_bytes() > count * 2 * 64);
  for (int i = 0; i < count; ++i) CHECK(popped<Received>(inbox).without.size() == 2);
  CHECK(inbox.answer_bytes() == 0);
}
