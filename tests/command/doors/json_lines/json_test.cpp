#include "command/doors/json_lines/json.hpp"

#include <random>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/log.hpp"
#include "command/status_text.hpp"
#include "lib/base/utf8.hpp"
#include "tests/support/contains.hpp"
#include "tidegate/token.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::command;
using namespace tidegate::json_lines;
using tidegate::testing::contains;

namespace {

const auto history = History::of({{1, 0, 0}, {3, 0x1000000, 1795640443355842}}).value();
const Position place{Branch(ServerKind::postgres, 18446744073709551615U, history), 0x3000060,
                     0x3000018};

Topic topic(const std::vector<std::string>& elements) { return Topic::of(elements).value(); }

Origin origin() {
  Origin result{.incarnation = 1700000000000001};
  for (std::size_t i = 0; i < result.peer.bytes.size(); ++i) {
    result.peer.bytes[i] = static_cast<std::uint8_t>(16 * i + i);
  }
  return result;
}

Delivery delivery(std::string payload) {
  return {.message = {.topic = topic({"builds", "4/2"}),
                      .payload = std::move(payload),
                      .position = place},
          .origin = origin(),
          .origin_name = "master-1",
          .sequence = 7,
          .held = std::chrono::nanoseconds(1234400)};
}

Json parsed(const std::string& text) { return Json::parse(text); }

std::string why_refused(std::string_view line) {
  CAPTURE(line);
  const auto publication = parse_publication(line);
  REQUIRE_FALSE(publication.ok());
  return publication.error().message;
}

}  // namespace

TEST_CASE("a delivery is one line with its type first") {
  CHECK(to_text(to_json(delivery("hello\n"))) ==
        R"({"type":"delivery","topic":["builds","4/2"],"payload":"hello\n",)"
        R"("origin":"00112233445566778899aabbccddeeff","incarnation":1700000000000001,)"
        R"("name":"master-1","sequence":7,)"
        R"("position":{"system":"18446744073709551615","history":[{"timeline":1,"begin":"0/0",)"
        R"("promoted":0},{"timeline":3,"begin":"0/1000000","promoted":1795640443355842}],)"
        R"("lsn":"0/3000060","after":"0/3000018"},)"
        R"("token":")" +
            to_token(place) + R"(","held_ms":1.234,"late":false})");
}

TEST_CASE("a delivery without a position has null there") {
  auto plain = delivery("");
  plain.message.position.reset();
  CHECK(to_json(plain)["position"].is_null());
  CHECK(to_json(plain)["token"].is_null());
}

TEST_CASE("a payload that is no text is written as base64") {
  const auto json = to_json(delivery(std::string("\xff\x00\xfe", 3)));
  CHECK(json["payload_base64"] == "/wD+");
  CHECK_FALSE(json.contains("payload"));
}

TEST_CASE("a delivery can be published again from its JSON, byte by byte") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string payload(random() % 70, '\0');
    const bool text = random() % 2 == 0;
    for (auto& c : payload) c = static_cast<char>(text ? random() % 128 : random() % 256);
    const auto json = to_json(delivery(payload));
    Json line = {{"topic", json["topic"]}, {"depends", json["position"]}};
    const auto* key = is_utf8(payload) ? "payload" : "payload_base64";
    line[key] = json[key];
    const auto publication = parse_publication(to_text(line));
    REQUIRE(publication.ok());
    CHECK(publication->topic == topic({"builds", "4/2"}));
    CHECK(publication->payload == payload);
    REQUIRE(std::holds_alternative<Position>(publication->dependency));
    CHECK(std::get<Position>(publication->dependency) == place);
  }
}

TEST_CASE(
    "headers are an object of strings, in a line in and out, and absent when there are none") {
  auto with_headers = delivery("x");
  CHECK_FALSE(to_json(with_headers).contains("headers"));
  with_headers.message.headers = {{"b", "1"}, {"a", ""}};
  CHECK(to_text(to_json(with_headers)["headers"]) == R"({"b":"1","a":""})");
  const auto read = parse_publication(R"({"topic":"a","headers":{"b":"1","a":""}})");
  REQUIRE(read.ok());
  CHECK(read->headers == with_headers.message.headers);
  for (const auto* bad : {R"(["a"])", "null", R"({"a":1})", R"({"a":null})", R"({"":"x"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_publication(R"({"topic":"a","headers":)" + std::string(bad) + "}").ok());
  }
  Json many = {{"topic", "a"}};
  for (int i = 0; i < 64; ++i) many["headers"]["n" + std::to_string(i)] = "";
  CHECK(parse_publication(to_text(many)).ok());
  many["headers"]["one too many"] = "";
  CHECK_FALSE(parse_publication(to_text(many)).ok());
  const std::string longest(8191, 'x');
  CHECK(parse_publication(R"({"topic":"a","headers":{"a":")" + longest + "\"}}").ok());
  CHECK_FALSE(parse_publication(R"({"topic":"a","headers":{"a":")" + longest + "x\"}}").ok());
}

TEST_CASE("every notice has a type and all its members") {
  const ServerIncarnation incarnation{
      .cluster = 42, .started = 1700000000000000, .counted_since = 1600000000000000};
  const auto text = [](const Notice& notice) { return to_text(to_json(notice)); };
  const std::string who =
      R"("origin":"00112233445566778899aabbccddeeff","incarnation":1700000000000001,"name":"b")";
  CHECK(text(PeerReady{origin(), "b", "h:1"}) ==
        R"({"type":"peer_ready",)" + who + R"(,"address":"h:1"})");
  CHECK(text(PeerGone{origin(), "b", PeerGone::Why::silent, "h:1"}) ==
        R"({"type":"peer_gone",)" + who + R"(,"address":"h:1","why":"silent"})");
  CHECK(text(Undelivered{origin(), "b", 3, 9, Undelivered::Why::orphaned, place, topic({"x"})}) ==
        R"({"type":"undelivered",)" + who + R"(,"first":3,"last":9,"why":"orphaned",)" +
            R"("position":{"system":"18446744073709551615","history":[{"timeline":1,"begin":"0/0",)"
            R"("promoted":0},{"timeline":3,"begin":"0/1000000","promoted":1795640443355842}],)"
            R"("lsn":"0/3000060","after":"0/3000018"},)"
            R"("topic":["x"]})");
  CHECK(text(Undelivered{origin(), "b", 3, 9, Undelivered::Why::missing, {}, {}}) ==
        R"({"type":"undelivered",)" + who +
            R"(,"first":3,"last":9,"why":"missing","position":null,"topic":null})");
  CHECK(text(Sent{4, 3, place}) ==
        R"({"type":"sent","ticket":4,"sequence":3,)"
        R"("position":{"system":"18446744073709551615","history":[{"timeline":1,"begin":"0/0",)"
        R"("promoted":0},{"timeline":3,"begin":"0/1000000","promoted":1795640443355842}],)"
        R"("lsn":"0/3000060","after":"0/3000018"},"token":")" +
            to_token(place) + "\"}");
  CHECK(text(NotResumed{origin(), "b", 7, NotResumed::Why::behind}) ==
        R"({"type":"not_resumed",)" + who + R"(,"next":7,"why":"behind"})");
  CHECK(text(Received{4, {{origin(), "b", Received::Without::Why::gone}}}) ==
        R"({"type":"received","ticket":4,"without":[{)" + who + R"(,"why":"gone"}]})");
  CHECK(text(Unpublished{5, Unpublished::Why::primary_lost, topic({"a"}), "x"}) ==
        R"({"type":"unpublished","ticket":5,"why":"primary_lost","topic":["a"],"payload":"x"})");
  CHECK(text(Undone{5, 4, Undelivered::Why::in_doubt, topic({"a"}), place}) ==
        R"({"type":"undone","ticket":5,"sequence":4,"why":"in_doubt","topic":["a"],)"
        R"("position":)" +
            to_text(to_json(place)) + "}");
  CHECK(text(ServerUp{incarnation, true, "d", "x"}) ==
        R"({"type":"server_up","system":"42","started":1700000000000000,)"
        R"("counted_since":1600000000000000,"in_recovery":true,"description":"d","degraded":"x"})");
  CHECK(text(ServerDown{"r"}) == R"({"type":"server_down","reason":"r"})");
  CHECK(text(PrimaryUp{incarnation, "d"}) ==
        R"({"type":"primary_up","system":"42","started":1700000000000000,)"
        R"("counted_since":1600000000000000,"history":[],"description":"d","degraded":""})");
  CHECK(text(PrimaryDown{"r"}) == R"({"type":"primary_down","reason":"r"})");
  CHECK(text(Trouble{Trouble::Kind::peer_slow, "b", "t", std::chrono::seconds(2), true}) ==
        R"({"type":"trouble","kind":"peer_slow","about":"b","text":"t","lasted_ms":2000.0,)"
        R"("ended":true})");
  CHECK(text(Warning{"w"}) == R"({"type":"warning","text":"w"})");
}

TEST_CASE("text that is not UTF-8 never makes a line fail") {
  CHECK(parsed(to_text(to_json(Notice{Warning{"bad \xff byte"}})))["type"] == "warning");
}

TEST_CASE("a publication is read back as it was written") {
  for (const Dependency& dependency :
       {Dependency(NoChange{}), Dependency(NoChange{.apart = true}), Dependency(place),
        Dependency(AfterCommit{.durable = true})}) {
    const json_lines::Publication written{topic({"a/b", "*"}), "\xff\x01", dependency, "\"x\"",
                                          {{"name", "value"}}, true};
    const auto read = parse_publication(to_text(to_json(written)));
    REQUIRE(read.ok());
    CHECK(read->topic == written.topic);
    CHECK(read->payload == written.payload);
    CHECK(read->dependency.index() == dependency.index());
    CHECK(to_json(*read) == to_json(written));
    CHECK(read->id == written.id);
  }
}

TEST_CASE("a receipt is wanted by a line with an id alone") {
  const auto read = [](const char* members) {
    return parse_publication(R"({"topic":"a",)" + std::string(members) + "}");
  };
  CHECK(read(R"("id":1,"receipt":"received")")->acknowledged);
  CHECK_FALSE(read(R"("id":1,"receipt":"sent")")->acknowledged);
  CHECK_FALSE(read(R"("id":1)")->acknowledged);
  for (const auto* bad : {R"("receipt":"received")", R"("id":1,"receipt":"all")",
                          R"("id":1,"receipt":null)", R"("id":1,"receipt":true)"}) {
    CAPTURE(bad);
    CHECK_FALSE(read(bad).ok());
  }
}

TEST_CASE("a publication needs only a topic") {
  const auto publication = parse_publication(R"({"topic":"builds/42/new"})");
  REQUIRE(publication.ok());
  CHECK(publication->topic == topic({"builds", "42", "new"}));
  CHECK(publication->payload.empty());
  CHECK(std::holds_alternative<NoChange>(publication->dependency));
}

TEST_CASE("a topic as a list may hold any character in an element") {
  CHECK(parse_publication(R"({"topic":["a/b","#",""]})")->topic == topic({"a/b", "#", ""}));
}

TEST_CASE("the answer to a line with an id has that id as it was written") {
  const auto id = [](const std::string& json) {
    return parse_publication(R"({"topic":"a","id":)" + json + "}").value().id;
  };
  CHECK(parse_publication(R"({"topic":"a"})").value().id.empty());
  CHECK(to_json(Sent{1, 1, {}}, id("7"))["id"] == 7);
  CHECK(to_json(Sent{1, 1, {}}, id("\"7\""))["id"] == "7");
  CHECK(to_json(Sent{1, 1, {}}, id("\"\""))["id"] == "");
  CHECK_FALSE(to_json(Sent{1, 1, {}}, "").contains("id"));
}

TEST_CASE("every wrong member of a line is named") {
  const auto why = why_refused(R"({"payload":3,"depends":"soon","id":[],"colour":"red"})");
  CHECK(contains(why, "\"colour\" is unknown"));
  CHECK(contains(why, "topic is missing"));
  CHECK(contains(why, "must be a string"));
  CHECK(contains(why, "depends is none of"));
  CHECK(contains(why, "id is neither"));
}

TEST_CASE("each form of a dependency is understood") {
  const auto dependency = [](const std::string& text) {
    return parse_publication(R"({"topic":"a","depends":)" + text + "}").value().dependency;
  };
  CHECK(std::holds_alternative<NoChange>(dependency("null")));
  CHECK(std::holds_alternative<NoChange>(dependency("\"none\"")));
  CHECK_FALSE(std::get<AfterCommit>(dependency("\"commit\"")).durable);
  CHECK_FALSE(std::get<AfterCommit>(dependency("\"commit\",\"durable\":false")).durable);
  CHECK(std::get<AfterCommit>(dependency("\"commit\",\"durable\":true")).durable);
  CHECK(std::get<Position>(dependency(
            R"({"system":"18446744073709551615","history":[{"timeline":1},{"timeline":3,)"
            R"("begin":"0/1000000","promoted":1795640443355842}],"lsn":"0/3000060",)"
            R"("after":"0/3000018"})")) == place);
  CHECK(std::get<Position>(dependency("\"" + to_token(place) + "\"")) == place);
  CHECK(std::get<Position>(
            dependency(R"({"system":"1","history":[{"timeline":1}],"lsn":"0/3000060"})"))
            .after == 0);
}

TEST_CASE("a line that can't be published is refused with the text to write instead") {
  CHECK(contains(why_refused(""), "not JSON"));
  CHECK(contains(why_refused("{"), "not JSON"));
  CHECK(contains(why_refused("[1]"), "not an object"));
  CHECK(contains(why_refused("{}"), "topic is missing"));
  CHECK(contains(why_refused(R"({"topic":3})"), "write the topic as"));
  CHECK(contains(why_refused(R"({"topic":["a",3]})"), "write the topic as"));
  CHECK(contains(why_refused(R"({"topic":[]})"), "at least one"));
  CHECK(contains(why_refused(R"({"topic":"a/*"})"), "pattern"));
  CHECK(contains(why_refused(R"({"topic":")" + std::string(9000, 'x') + "\"}"), "more than"));
  CHECK(contains(why_refused(R"({"topic":"a","payload":{}})"), "must be a string"));
  CHECK(contains(why_refused(R"({"topic":"a","payload_base64":7})"), "not base64"));
  CHECK(contains(why_refused(R"({"topic":"a","payload_base64":"\u07c0AA="})"), "not base64"));
  CHECK(contains(why_refused(R"({"topic":"a","payload":"","payload_base64":""})"), "not both"));
  CHECK(contains(why_refused(R"({"topic":"a","paylaod":""})"), "did you mean payload?"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":"after"})"), "depends is none of"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":"tide1.AAAA"})"), "copy it anew"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":"tide1.AAAA","durable":true})"),
                 "says nothing without"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":"commit","durable":1})"), "true or false"));
  CHECK(contains(why_refused(R"({"topic":"a","durable":true})"), "says nothing without"));
  CHECK(contains(why_refused(R"({"topic":"a","apart":"yes"})"), "true or false"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":"commit","apart":true})"), "sent apart"));
  CHECK(contains(why_refused(R"({"topic":"a","id":null})"), "id is neither"));
  CHECK(contains(why_refused(R"({"topic":"a","id":")" + std::string(257, 'x') + "\"}"), "id is"));
  CHECK(
      contains(why_refused(R"({"topic":"a","depends":{"system":"1","history":[{"timeline":1}]}})"),
               "lacks \"lsn\""));
  CHECK(contains(
      why_refused(R"({"topic":"a","depends":{"system":1,"history":[{"timeline":1}],"lsn":"0/1"}})"),
      "bad \"system\""));
  CHECK(contains(
      why_refused(
          R"({"topic":"a","depends":{"system":"","history":[{"timeline":1}],"lsn":"0/1"}})"),
      "bad \"system\""));
  CHECK(contains(
      why_refused(R"({"topic":"a","depends":{"system":1,"history":[{"timeline":1}],"lsn":"0/1"}})"),
      "bad \"system\""));
  CHECK(contains(
      why_refused(
          R"({"topic":"a","depends":{"system":"","history":[{"timeline":1}],"lsn":"0/1"}})"),
      "bad \"system\""));
  CHECK(contains(why_refused(R"({"topic":"a","depends":{"system":"18446744073709551616",)"
                             R"("history":[{"timeline":1}],"lsn":"0/1"}})"),
                 "bad \"system\""));
  CHECK(contains(why_refused(R"({"topic":"a","depends":{"system":"1",)"
                             R"("history":[{"timeline":4294967296}],"lsn":"0/1"}})"),
                 "bad \"timeline\""));
  CHECK(contains(
      why_refused(
          R"({"topic":"a","depends":{"system":"1","history":[{"timeline":-1}],"lsn":"0/1"}})"),
      "bad \"timeline\""));
  CHECK(contains(
      why_refused(
          R"({"topic":"a","depends":{"system":"1","history":[{"timeline":1}],"lsn":"01"}})"),
      "bad \"lsn\""));
  CHECK(contains(
      why_refused(
          R"({"topic":"a","depends":{"system":"1","history":[{"timeline":1}],"lsn":"0/0"}})"),
      "must not be 0"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":{"system":"1",)"
                             R"("history":[{"timeline":1}],"lsn":"0/1","after":"0/1"}})"),
                 "after must be less than lsn"));
  CHECK(contains(why_refused(R"({"topic":"a","depends":{"system":"1",)"
                             R"("history":[{"timeline":1}],"lsn":"0/1","behind":"0/1"}})"),
                 "depends is none of"));
}

TEST_CASE("no line of input makes the reader crash") {
  const std::vector<std::string> seeds = {
      R"({"topic":"builds/42/new","payload":"text","depends":"commit","id":1})",
      R"({"topic":["a","b"],"payload_base64":"/wD+",)"
      R"("depends":{"system":"1","history":[{"timeline":1}],"lsn":"0/1"}})",
      R"({"topic":"\u00e4\/","payload":"\ud83d\ude00"})",
  };
  const std::string alphabet = "{}[]\",:\\u0123456789abcdef/.-+eE nulltruefalse\xff\xc3";
  std::mt19937_64 random(20240601);
  std::size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    auto line = seeds[random() % seeds.size()];
    for (auto edits = random() % 4; edits > 0; --edits) {
      const auto at = random() % (line.size() + 1);
      const char letter = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          line.insert(at, 1, letter);
          break;
        case 1:
          line.erase(at, random() % 5);
          break;
        case 2:
          line.resize(at);
          break;
        default:
          if (at < line.size()) line[at] = letter;
      }
    }
    const auto publication = parse_publication(line);
    if (publication) {
      ++accepted;
    } else {
      // The line that carries the error is JSON, with any text that it quotes.
      Json answer = {{"message", publication.error().message}};
      CHECK(parsed(to_text(answer)).is_object());
    }
  }
  CHECK(accepted > 1000);
  CHECK_FALSE(parse_publication(std::string(1000000, '[')).ok());
  CHECK_FALSE(parse_publication(std::string(100000, '{')).ok());
}

namespace {

Status sample_status() {
  Status status;
  status.origin = origin();
  status.name = "master-1";
  status.mesh = "default";
  status.publish_port = 17900;
  status.direct_port = 17901;
  status.up = std::chrono::hours(2);
  status.peers.push_back({.origin = origin(),
                          .name = "master-2",
                          .host = "127.0.0.1",
                          .direct_port = 17903,
                          .state = PeerState::suspect,
                          .silent = std::chrono::milliseconds(2500),
                          .next_sequence = 18,
                          .held = 2});
  status.gated = true;
  status.tide = Tide{.incarnation = {.cluster = place.cluster(), .started = 1700000000000000},
                     .history = place.history(),
                     .replayed = 0x3000000};
  status.held = 2;
  status.held_bytes = 4300;
  status.held_first = place;
  status.held_longest = std::chrono::milliseconds(1200);
  status.primary_known = true;
  status.unsent = 1;
  status.unsent_bytes = 170;
  status.last_sequence = 41;
  status.last_position = place;
  status.counters.published = 41;
  status.counters.orphaned = 3;
  return status;
}

}  // namespace

TEST_CASE("a status is read back as it was written") {
  const auto text = to_text(to_json(sample_status()));
  const auto status = parse_status(text);
  REQUIRE(status.ok());
  CHECK(to_text(to_json(*status)) == text);
  CHECK(status->origin == origin());
  CHECK(status->tide == sample_status().tide);
  CHECK(status->held_first == place);
  REQUIRE(status->peers.size() == 1);
  CHECK(status->peers.front().state == PeerState::suspect);
  CHECK(status->peers.front().silent == std::chrono::milliseconds(2500));
  CHECK(status->counters.orphaned == 3);
  CHECK_FALSE(status->door.has_value());
  const stomp_door::DoorCounters door{.clients = 2, .connected = 5, .slow = 1};
  CHECK(parse_status(to_text(to_json(sample_status(), door)))->door == door);
}

TEST_CASE("a status of another version is read as far as it is known") {
  const auto status =
      parse_status(R"({"name":"x","news":[1],"peers":[{"name":"y","mood":"good"}]})");
  REQUIRE(status.ok());
  CHECK(status->name == "x");
  CHECK(status->mesh.empty());
  REQUIRE(status->peers.size() == 1);
  CHECK(status->peers.front().name == "y");
}

TEST_CASE("a status that is damaged is refused with the member's name") {
  CHECK_FALSE(parse_status("").ok());
  CHECK_FALSE(parse_status("[]").ok());
  CHECK(contains(parse_status(R"({"name":3})").error().message, "name"));
  CHECK(contains(parse_status(R"({"peers":[{"state":"asleep"}]})").error().message, "state"));
  CHECK(contains(parse_status(R"({"publish_port":65536})").error().message, "publish_port"));
  CHECK(contains(parse_status(R"({"up_ms":1e300})").error().message, "up_ms"));
  CHECK(contains(parse_status(R"({"tide":{"history":[{"begin":"x"}]}})").error().message, "begin"));
}

TEST_CASE("the status says how much WAL is missing until the next release") {
  auto status = sample_status();
  CHECK(bytes_behind(status) == 0x60);
  CHECK(to_json(status)["missing_bytes"] == 0x60);
  status.tide->replayed = 0x4000000;
  CHECK(bytes_behind(status) == 0);
  status.tide->history = History::of({{1, 0, 0}}).value();
  CHECK(bytes_behind(status) == std::nullopt);
  status.tide.reset();
  CHECK(bytes_behind(status) == std::nullopt);
}

TEST_CASE("the status in words names each thing that an operator looks for") {
  const auto text = status_text(sample_status());
  for (const auto* part : {"master-1 in mesh default, up for 2 h 0 min", "17900 (publish)",
                           "timeline 3, replayed 0/3000000",
                           "2 messages, 4.2 KiB; next at 3:0/3000060, waiting for 1.2 s, 96 B",
                           "unsent    1 message", "orphaned 3", "master-2", "suspect"}) {
    CHECK(contains(text, part));
  }
}

TEST_CASE("a table is as wide as its widest cells and has no blanks at the end") {
  CHECK(table_text({{"A", "B"}, {"long", "x"}, {"\xc3\xa4", ""}}) ==
        "A     B\nlong  x\n\xc3\xa4\n");
}

TEST_CASE("a line of JSON has nothing that a terminal obeys, and still says the same") {
  const std::string evil =
      "\x1b[2J \xc2\x9b"
      "31m \x7f \xe2\x80\xae \xc3\xa4 \xe2\x82\xac";
  const auto text = to_text(to_json(Notice{Warning{evil}}));
  CHECK(text == R"({"type":"warning","text":"\u001b[2J \u009b31m \u007f \u202e )"
                "\xc3\xa4 \xe2\x82\xac\"}");
  CHECK(parsed(text)["text"] == evil);
}

TEST_CASE("text of others can't move the cursor of a terminal") {
  CHECK(harmless("a\x1b[2Jb\n") == "a\\x1b[2Jb\\x0a");
  CHECK(harmless("\xc3\xa4") == "\xc3\xa4");
  CHECK(harmless("\xc2\x9b") == "\\xc2\\x9b");  // the CSI of a terminal that speaks UTF-8
  CHECK(harmless("a\xe2\x80\xaetxt.exe") == "a\\xe2\\x80\\xaetxt.exe");
  CHECK(harmless(harmless("\x9b\x7f\xc2\x9b")) == harmless("\x9b\x7f\xc2\x9b"));
  CHECK(harmless("\xff") == "\\xff");
  auto status = sample_status();
  status.peers.front().name = "\x1b[31m";
  CHECK(peers_text(status).find('\x1b') == std::string::npos);
}

TEST_CASE("the error of a line in names its id where that can be read") {
  CHECK(id_of(R"({"topic":3,"id":"a b"})") == R"("a b")");
  CHECK(id_of(R"({"wait":"?","id":7})") == "7");
  CHECK(id_of(R"({"id":[]})") == "");
  CHECK(id_of(R"({"topic":"t"})") == "");
  CHECK(id_of("[7]") == "");
  CHECK(id_of("{") == "");
}
