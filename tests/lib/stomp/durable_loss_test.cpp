// Messages that a durable subscription will not get: its client is told in their place.
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/stomp/durable_door.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;

namespace {

const auto publisher = stomp_delivery("a", 1) -> origin;

Undelivered lost(std::uint64_t first, std::uint64_t last,
                 Undelivered::Why why = Undelivered::Why::expired) {
  Undelivered notice{publisher, "app-1", first, last, why, {}, {}};
  return notice;
}

}  // namespace

TEST_CASE("a lost range comes in its place, and only its acknowledgement settles it") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 1);
  door.subscriptions->undelivered(lost(2, 4));
  door.deliver(5, 5);
  const auto frames = client->hear();
  REQUIRE(frames.size() == 3);
  CHECK(header_of(frames[1], "destination") == "/tidegate/notices");
  CHECK(header_of(frames[1], "notice") == "undelivered");
  CHECK(header_of(frames[1], "publisher") == "app-1");
  CHECK(header_of(frames[1], "subscription") == "s");
  CHECK(header_of(frames[1], "message-id") == message_id_before_sequence + "2");
  CHECK(header_of(frames[1], "ack") == "2");
  CHECK(frames[1].body == "2-4 expired");
  acknowledge(*client, 1, 1);
  acknowledge(*client, 3, 3);
  door.subscriptions->passed({{publisher, 6}});
  door.write();
  CHECK(door.resumes_at() == 2);
  acknowledge(*client, 2, 2);
  CHECK(door.resumes_at() == 6);
}

TEST_CASE("of a lost range a durable subscription is told what it has not acknowledged") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 5);
  CHECK(hear_text(*client) == "1 2 3 4 5");
  acknowledge(*client, 1, 1);
  acknowledge(*client, 3, 3);
  door.write();
  door.kill();
  client = door.subscribed();
  door.subscriptions->undelivered(lost(1, 9));
  CHECK(hear_text(*client) == "[2-2 expired] [4-9 expired]");
}

TEST_CASE("a lost message of another topic is none of a durable subscription") {
  DurableDoor door;
  auto client = door.subscribed();
  auto other = lost(1, 1, Undelivered::Why::orphaned);
  other.topic = Topic::parse("b").value();
  door.subscriptions->undelivered(other);
  auto own = lost(2, 2, Undelivered::Why::orphaned);
  own.topic = Topic::parse("a/x").value();
  door.subscriptions->undelivered(own);
  CHECK(hear_text(*client) == "[2-2 orphaned]");
}

TEST_CASE("a lost range that is told early does not settle messages before it that are held") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 1);
  door.subscriptions->undelivered(lost(3, 4, Undelivered::Why::missing));
  CHECK(hear_text(*client) == "1 [3-4 missing]");
  acknowledge(*client, 1, 2);
  CHECK(door.resumes_at() == 2);
  door.deliver(2, 2);
  CHECK(hear_text(*client) == "2");
  acknowledge(*client, 3, 3);
  CHECK(door.resumes_at() == 5);
}

TEST_CASE("of a publisher that is new, too, a message that is held comes behind a lost range") {
  DurableDoor door;
  auto client = door.subscribed();
  door.subscriptions->undelivered(lost(6, 8, Undelivered::Why::missing));
  door.deliver(5, 5);
  CHECK(hear_text(*client) == "[6-8 missing] 5");
  acknowledge(*client, 1, 2);
  CHECK(door.resumes_at() == 9);
}

TEST_CASE("beyond its bound a durable subscription drops the oldest and tells its client") {
  DurableDoor door({.bytes = 20'000});
  auto client = door.subscribed();
  door.deliver(1, 2);
  CHECK(hear_text(*client) == "1 2");
  client->session.input_ended(Instant(std::chrono::hours(1)));
  door.deliver(3, 1000);
  const auto full = door.subscriptions->take_full();
  REQUIRE(full.size() == 1);
  CHECK(contains(full[0], "'mails'"));
  CHECK(contains(full[0], "the oldest messages are dropped"));
  door.subscriptions->passed({{publisher, 1001}});
  door.write();
  CHECK(door.resumes_at() == 1);
  client = door.subscribed();
  const auto frames = client->hear();
  REQUIRE(frames.size() > 10);
  CHECK(frames.size() < 200);
  CHECK(frames[0].body == "1");
  CHECK(frames[1].body == "2");
  const auto first_kept = 1001 - (frames.size() - 3);
  CHECK(frames[2].body == "3-" + std::to_string(first_kept - 1) + " queue_full");
  CHECK(frames[3].body == std::to_string(first_kept));
  CHECK(frames.back().body == "1000");
  acknowledge(*client, 1, frames.size());
  CHECK(door.resumes_at() == 1001);
}

TEST_CASE("beyond the bound of all durable subscriptions the largest one drops its oldest") {
  DurableDoor door({.all_bytes = 20'000});
  auto client = door.subscribed();
  client->session.input_ended(Instant(std::chrono::hours(1)));
  door.deliver(1, 1000);
  CHECK(door.subscriptions->take_full().size() == 1);
  client = door.subscribed();
  CHECK(contains(hear_text(*client), "queue_full] "));
}

TEST_CASE("losses of a flood become one while nobody takes them") {
  DurableDoor door({.bytes = 20'000});
  auto client = door.subscribed();
  client->session.input_ended(Instant(std::chrono::hours(1)));
  for (std::uint64_t sequence = 1; sequence < 5000; sequence += 2) {
    door.subscriptions->undelivered(lost(sequence, sequence, Undelivered::Why::orphaned));
    door.deliver(sequence + 1, sequence + 1);
  }
  client = door.subscribed();
  const auto frames = client->hear();
  CHECK(frames.size() < 200);
  CHECK(contains(frames[0].body, "1-"));
  CHECK(frames.back().body == "5000");
}

TEST_CASE("a stream that has ended is told of, and forgotten once that is acknowledged") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 2);
  CHECK(hear_text(*client) == "1 2");
  acknowledge(*client, 1, 2);
  door.write();
  door.kill();
  auto later = publisher;
  later.incarnation = 9;
  door.subscriptions->not_resumed({publisher, "app-1", 3, NotResumed::Why::ended});
  door.subscriptions->passed({{later, 5}});
  door.write();
  // Killed again before it is acknowledged: the client is told all the same.
  door.kill();
  client = door.subscribed();
  const auto notice = client->hear_one();
  CHECK(header_of(notice, "notice") == "not_resumed");
  CHECK(notice.body == "3-3 ended");
  acknowledge(*client, 1, 1);
  door.write();
  door.kill();
  CHECK(door.subscriptions->resume() == std::vector<Cursor>{{later, 5}});
  CHECK(hear_text(*door.subscribed()).empty());
}

TEST_CASE("messages of a stream that has gone back are not taken for those of the same numbers") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 5);
  CHECK(hear_text(*client) == "1 2 3 4 5");
  acknowledge(*client, 1, 5);
  door.write();
  door.kill();
  client = door.subscribed();
  door.subscriptions->not_resumed({publisher, "app-1", 6, NotResumed::Why::behind});
  door.deliver(3, 4);
  CHECK(hear_text(*client) == "[6-6 behind] 3 4");
  door.write();
  acknowledge(*client, 1, 3);
  CHECK(door.resumes_at() == 5);
}

TEST_CASE("own messages that a killed peer had not given away are told of as lost") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 3);
  CHECK(hear_text(*client) == "1 2 3");
  acknowledge(*client, 1, 1);
  door.write();
  door.kill();
  door.subscriptions->own_stream_begins({publisher, 6}, "me");
  client = door.subscribed();
  door.deliver(6, 6);
  CHECK(hear_text(*client) == "[2-5 missing] 6");
  acknowledge(*client, 1, 2);
  CHECK(door.resumes_at() == 7);
}

TEST_CASE("a peer that left with all its own messages taken has lost none, not even by a reboot") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 3);
  CHECK(hear_text(*client) == "1 2 3");
  acknowledge(*client, 1, 3);
  door.subscriptions->own_stream_left(publisher.peer, 3);
  door.write();
  door.kill();
  CHECK(door.subscriptions->resume().empty());
  auto rebooted = publisher;
  rebooted.incarnation = 9;
  door.subscriptions->own_stream_begins({rebooted, 1}, "me");
  CHECK(hear_text(*door.subscribed()).empty());
}

TEST_CASE("the own stream of a killed peer that begins anew after a reboot is told of") {
  DurableDoor door;
  auto client = door.subscribed();
  door.deliver(1, 1);
  door.write();
  door.kill();
  auto rebooted = publisher;
  rebooted.incarnation = 9;
  door.subscriptions->own_stream_begins({rebooted, 1}, "me");
  CHECK(hear_text(*door.subscribed()) == "[1-1 ended]");
}

TEST_CASE("places in the streams of publishers that are gone are kept up to a number") {
  DurableDoor door({.publishers = 10});
  auto client = door.subscribed();
  std::vector<Cursor> cursors;
  for (std::uint8_t i = 1; i <= 30; ++i) {
    Origin one;
    one.peer.bytes[0] = i;
    one.incarnation = i;
    cursors = {{one, 5}};
    door.subscriptions->passed(cursors);
  }
  CHECK(door.subscriptions->resume().size() == 10);
  door.write();
  door.kill();
  REQUIRE(door.subscriptions->resume().size() == 10);
  CHECK(door.subscriptions->resume().back() == cursors[0]);
}
