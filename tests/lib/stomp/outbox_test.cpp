// Subscriptions to the outbox, as a session knows them: what it asks of its door, and what its
// client gets.
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/cursor_name.hpp"
#include "lib/base/limits.hpp"
#include "tests/lib/stomp/durable_door.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;

namespace {

std::unique_ptr<StompClient> connected(const std::string& version = "1.2") {
  SessionOptions options{.name = "1", .server = "s"};
  options.outbox = true;
  auto client = std::make_unique<StompClient>(options);
  client->connect(version);
  return client;
}

FrameHeaders headers_of(const std::string& ack = "client-individual", FrameHeaders more = {}) {
  FrameHeaders headers{
      {"id", "s"}, {"destination", "a/#"}, {"outbox", "mails"}, {"ack", ack}, {"receipt", "r"}};
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

std::vector<OutboxEffect> outbox_effects(StompClient& client) {
  return client.effects<OutboxEffect>();
}

// "done 30, done 7, close": what the door is told.
std::string told(StompClient& client) {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ", ") + word; };
  for (const auto& effect : outbox_effects(client)) {
    if (const auto* open = std::get_if<OutboxOpen>(&effect)) add("open " + open->name);
    if (const auto* taken = std::get_if<OutboxTaken>(&effect)) {
      CHECK(taken->name == "mails");
      add("done " + std::to_string(taken->ticket));
    }
    if (const auto* close = std::get_if<OutboxClose>(&effect)) add("close " + close->name);
    if (const auto* remove = std::get_if<OutboxRemove>(&effect)) add("remove " + remove->name);
  }
  return text;
}

// A client whose subscription has begun.
std::unique_ptr<StompClient> subscribed(const std::string& ack = "client-individual",
                                        const FrameHeaders& more = {},
                                        const std::string& version = "1.2") {
  auto client = connected(version);
  client->send("SUBSCRIBE", headers_of(ack, more));
  const auto effects = outbox_effects(*client);
  REQUIRE(effects.size() == 1);
  client->session.answered(std::get<OutboxOpen>(effects[0]).tag);
  CHECK(header_of(client->hear_one(), "receipt-id") == "r");
  return client;
}

// Rows whose ticket is ten times their id.
void give(StompClient& client, std::uint64_t first, std::uint64_t last,
          const std::string& payload = "") {
  for (auto id = first; id <= last; ++id) {
    auto row = *stomp_delivery("a/x", id, payload.empty() ? std::to_string(id) : payload);
    row.row = OutboxRow{.ticket = 10 * id, .transaction = 700 + id, .id = id, .announced = 99};
    client.session.give("mails", {std::make_shared<const Delivery>(std::move(row)), nullptr});
  }
}

void lose(StompClient& client, std::uint64_t first) {
  Loss loss{.kind = Loss::Kind::outbox,
            .publisher = "outbox",
            .first = first,
            .json = "lost",
            .ticket = first};
  client.session.give("mails", {nullptr, std::make_shared<const Loss>(std::move(loss))});
}

std::string refused(const std::string& command, const FrameHeaders& headers) {
  auto client = connected();
  client->send(command, headers);
  CHECK(outbox_effects(*client).empty());
  return client->hear_error();
}

}  // namespace

TEST_CASE("a subscription to the outbox is opened by the door, and its receipt waits for that") {
  auto client = connected();
  client->send("SUBSCRIBE", headers_of("client", {{"from", "earliest"}}));
  CHECK(client->hear().empty());
  const auto effects = client->session.take_effects();
  REQUIRE(effects.size() == 1);  // and nothing is wanted of the mesh
  const auto& open = std::get<OutboxOpen>(std::get<OutboxEffect>(effects[0]));
  CHECK(open.name == "mails");
  CHECK(open.pattern == Pattern::parse("a/#").value());
  CHECK(open.from == From::earliest);
  client->session.answered(open.tag);
  CHECK(client->hear_one().command == "RECEIPT");

  client = connected();
  client->send("SUBSCRIBE", headers_of());
  CHECK(std::get<OutboxOpen>(outbox_effects(*client)[0]).from == From::latest);
}

TEST_CASE("a subscription to the outbox that can't be opened is refused, and so ends") {
  auto client = connected();
  client->send("SUBSCRIBE", headers_of());
  client->session.refused(std::get<OutboxOpen>(outbox_effects(*client)[0]).tag, "in use");
  const auto error = client->hear_one();
  CHECK(error.command == "ERROR");
  CHECK(header_of(error, "receipt-id") == "r");
  CHECK(error.body == "in use\n");
  CHECK(told(*client) == "close mails");
}

TEST_CASE("a row of the outbox has the headers of a message, and those of its row") {
  auto client = subscribed();
  give(*client, 3, 3);
  const auto frame = client->hear_one();
  CHECK(frame.command == "MESSAGE");
  CHECK(frame.body == "3");
  CHECK(header_of(frame, "subscription") == "s");
  CHECK(header_of(frame, "destination") == "a/x");
  CHECK(header_of(frame, "message-id") == message_id_before_sequence + "3");
  CHECK(header_of(frame, "ack") == "1");
  CHECK(header_of(frame, "row-transaction") == "703");
  CHECK(header_of(frame, "announced-us") == "99");
  CHECK(header_of(frame, "redelivered") == "(none)");
}

TEST_CASE("ACK and NACK tell the door which rows are done, cumulative or not") {
  auto each = subscribed();
  give(*each, 1, 3);
  CHECK(hear_text(*each) == "1 2 3");
  acknowledge(*each, 3, 3);
  CHECK(told(*each) == "done 30");
  each->send("NACK", {{"id", "1"}});
  CHECK(told(*each) == "done 10");
  acknowledge(*each, 3, 3);
  CHECK(told(*each).empty());

  auto through = subscribed("client");
  give(*through, 1, 3);
  CHECK(hear_text(*through) == "1 2 3");
  acknowledge(*through, 2, 2);
  CHECK(told(*through) == "done 10, done 20");
}

TEST_CASE("in 1.0 and 1.1 a row of the outbox is acknowledged by its message-id") {
  for (const auto* version : {"1.0", "1.1"}) {
    auto client = subscribed("client-individual", {}, version);
    give(*client, 1, 3);
    CHECK(hear_text(*client) == "1 2 3");
    client->send("ACK", {{"message-id", message_id_before_sequence + "2"}, {"subscription", "s"}});
    CHECK(told(*client) == "done 20");
  }
}

TEST_CASE("rows that were lost are a notice in their place, which is acknowledged like a row") {
  auto client = subscribed("client");
  give(*client, 1, 1);
  lose(*client, 7);
  give(*client, 2, 2);
  auto frames = client->hear();
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].body == "1");
  CHECK(frames[1].body == "lost");
  CHECK(header_of(frames[1], "notice") == "outbox_lost");
  CHECK(header_of(frames[1], "destination") == "/tidegate/notices");
  CHECK(header_of(frames[1], "publisher") == "outbox");
  CHECK(header_of(frames[1], "ack") == "2");
  CHECK(frames[2].body == "2");
  acknowledge(*client, 3, 3);
  CHECK(told(*client) == "done 10, done 7, done 20");
}

TEST_CASE("no more rows are handed out than the window, nor wanted than the bound") {
  auto client = subscribed("client-individual", {{"prefetch-count", "2"}});
  const std::string large(base::limits::stomp_outbox_bytes / 4, 'x');
  CHECK(client->session.wants_rows("mails"));
  CHECK_FALSE(client->session.wants_rows("other"));
  give(*client, 1, 6, large);
  CHECK(client->hear_messages().size() == 2);
  CHECK_FALSE(client->session.wants_rows("mails"));
  CHECK_FALSE(client->session.ended());
  CHECK(client->session.waiting() == 0);  // so it is not the one to be cut
  acknowledge(*client, 1, 2);
  CHECK(client->hear_messages().size() == 2);
  CHECK(client->session.wants_rows("mails"));
}

TEST_CASE("a message of the mesh is not held up by rows that came later") {
  DurableDoor door;
  SessionOptions options{.name = "1", .server = "s"};
  options.outbox = true;
  options.durable = door.subscriptions.get();
  StompClient client(options);
  client.connect("1.2");
  client.send("SUBSCRIBE", headers_of());
  client.send("SUBSCRIBE", {{"id", "m"}, {"destination", "a/#"}});
  give(client, 1, 1);
  const auto message = stomp_delivery("a/x", 9, "mesh");
  door.subscriptions->deliver(message);
  client.session.deliver(message);
  give(client, 2, 2);
  CHECK(hear_text(client) == "1 mesh 2");
}

TEST_CASE("whatever ends a client gives up its subscription to the outbox, and the name stays") {
  auto client = subscribed();
  give(*client, 1, 1);
  client->send("UNSUBSCRIBE", {{"id", "s"}});
  CHECK(told(*client) == "close mails");
  CHECK_FALSE(client->session.wants_rows("mails"));
  CHECK(client->session.waiting() == 0);

  client = subscribed();
  client->send("DISCONNECT", {{"receipt", "d"}});
  CHECK(header_of(client->hear_one(), "receipt-id") == "d");
  CHECK(told(*client) == "close mails");

  client = subscribed();
  client->session.cut(Ended::evicted, "taken");
  CHECK(client->hear_error() == "taken\n");
  CHECK(told(*client) == "close mails");
  give(*client, 1, 1);
  CHECK(client->hear().empty());
}

TEST_CASE("a subscription to the outbox that ends before it has begun gets no receipt") {
  auto client = connected();
  client->send("SUBSCRIBE", headers_of());
  const auto tag = std::get<OutboxOpen>(outbox_effects(*client)[0]).tag;
  client->send("DISCONNECT", {{"receipt", "d"}});
  CHECK(client->hear().empty());
  client->session.given_up(tag);
  CHECK(contains(client->hear_error(), "given up before it had begun"));

  // Nobody waits for it.
  client = connected();
  client->send("SUBSCRIBE", headers_of());
  const auto other = std::get<OutboxOpen>(outbox_effects(*client)[0]).tag;
  client->session.input_ended(Instant(std::chrono::hours(1)));
  client->session.given_up(other);
  CHECK(client->hear().empty());
  CHECK(client->session.ended() == Ended::politely);
}

TEST_CASE("UNSUBSCRIBE with the name removes a subscription to the outbox, from any connection") {
  for (const bool own : {true, false}) {
    auto client = own ? subscribed() : connected();
    client->send("UNSUBSCRIBE", {{"outbox", "mails"}, {"receipt", "u"}});
    const auto effects = outbox_effects(*client);
    REQUIRE(effects.size() == 1);
    CHECK(client->hear().empty());
    client->session.answered(std::get<OutboxRemove>(effects[0]).tag);
    CHECK(header_of(client->hear_one(), "receipt-id") == "u");
    CHECK_FALSE(client->session.wants_rows("mails"));
    client->send("DISCONNECT");
    CHECK(told(*client).empty());
  }
  auto client = subscribed();
  client->send("SUBSCRIBE", {{"id", "other"}, {"destination", "b"}});
  client->send("UNSUBSCRIBE", {{"id", "other"}, {"outbox", "mails"}});
  CHECK(contains(client->hear_error(), "leave out the header id"));
}

TEST_CASE("a subscription to the outbox that makes no sense is refused, and it is said why") {
  const auto with = [](const std::string& name, const std::string& value) {
    FrameHeaders headers{{name, value}};
    for (auto& header : headers_of()) headers.push_back(header);
    return headers;
  };
  CHECK(contains(refused("SUBSCRIBE", headers_of("auto")), "ack:auto is not for the outbox"));
  CHECK(contains(refused("SUBSCRIBE", with("outbox", "a/b")), "'a/b' is no name"));
  CHECK(contains(refused("SUBSCRIBE", with("outbox", "")), "'' is no name"));
  CHECK(contains(refused("UNSUBSCRIBE", {{"outbox", "../x"}}), "'../x' is no name"));
  CHECK(contains(refused("SUBSCRIBE", with("from", "now")), "write earliest or latest"));
  CHECK(contains(refused("SUBSCRIBE", with("durable-subscription-name", "x")), "one of them"));
  CHECK(contains(refused("SUBSCRIBE", with("destination", "/tidegate/notices")), "can't be one"));
  auto client = subscribed();
  client->send("SUBSCRIBE", with("id", "t"));
  CHECK(contains(client->hear_error(), "this connection has the subscription 'mails'"));
  StompClient without;
  without.connect("1.2").send("SUBSCRIBE", headers_of());
  CHECK(contains(without.hear_error(), "with --database and --state-file"));
}

TEST_CASE("the name of a cursor is a part of a file's name that none of its own files has") {
  using base::wrong_cursor_name;
  for (const auto* good : {"a", "mails-2", "A.b_c", "x.news"}) CHECK_FALSE(wrong_cursor_name(good));
  CHECK_FALSE(wrong_cursor_name(std::string(64, 'x')));
  CHECK(wrong_cursor_name(std::string(65, 'x')));
  for (const auto* wrong : {"", ".a", "a/b", "a b", "ä", "a.new", "a.lock"}) {
    CHECK(wrong_cursor_name(wrong));
  }
}
