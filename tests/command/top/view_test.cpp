// The screen of `tidegate top` in windows of all sizes, and its keys.
#include "command/top/view.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command::top;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = Instant(1h);

PeerStatus peer(std::uint8_t id, const std::string& name, PeerState state = PeerState::ready) {
  PeerStatus peer;
  peer.origin = origin(id);
  peer.name = name;
  peer.host = "192.0.2." + std::to_string(id);
  peer.direct_port = 17901;
  peer.state = state;
  peer.next_sequence = 100;
  return peer;
}

Status a_status() {
  Status status;
  status.origin = origin(1);
  status.name = "app-1";
  status.mesh = "default";
  status.up = 3h;
  status.peers = {peer(2, "app-2"), peer(3, "web-3"), peer(4, "old-4", PeerState::left)};
  status.peers[0].held = 5;
  status.peers[1].held = 7;
  return status;
}

// A second later, with more of everything.
Status later(Status status) {
  status.counters.published += 3;
  status.counters.received += 1200;
  status.counters.delivered += 50;
  status.peers[0].next_sequence += 250;
  return status;
}

std::string text(View& view, std::size_t width, std::size_t height) {
  std::string text;
  for (const auto& line : view.lines(width, height, "12:00:00")) text += line.text + "\n";
  return text;
}

Key key(char character) { return {Key::Kind::character, character}; }
Key key(Key::Kind kind) { return {kind, '\0'}; }

void type(View& view, const std::string& keys) {
  for (const char each : keys) CHECK(view.press(key(each)));
}

View a_view() {
  View view(1s);
  view.take(a_status(), start);
  view.take(later(a_status()), start + 1s);
  return view;
}

bool lacks(const std::string& text, const char* part) {
  return text.find(part) == std::string::npos;
}

}  // namespace

TEST_CASE("top shows what the peer does, and its members") {
  auto view = a_view();
  CHECK(text(view, 100, 10) ==
        "tidegate top  12:00:00  app-1 in mesh default, up 3 h 0 min  each 1s\n"
        "messages  published 3.0/s, received 1.2k/s, delivered 50.0/s\n"
        "held      0\n"
        "replica   none: messages are delivered at once\n"
        "NAME\u2191  ADDRESS          STATE  MSG/S  NEXT  HELD  MISSING  LAG  SILENT\n"
        "app-2  192.0.2.2:17901  ready  250/s   350     5        0    0    0 us\n"
        "web-3  192.0.2.3:17901  ready    0/s   100     7        0    0    0 us\n"
        "\n"
        "\n"
        "2 peers  q quit  <> order  r reverse  / filter  p pause  a all  ? help\n");
}

TEST_CASE("top fits a window of any size, and the names stay longest") {
  auto view = a_view();
  for (std::size_t width = 0; width < 90; ++width) {
    for (std::size_t height = 0; height < 12; ++height) {
      const auto lines = view.lines(width, height, "12:00:00");
      CHECK(lines.size() == height);
      for (const auto& line : lines) CHECK(clipped(line.text, width) == line.text);
    }
  }
  CHECK(contains(text(view, 18, 4), "app-2"));
  CHECK(contains(text(view, 3, 3), "app\n"));
  CHECK(text(view, 40, 1) == "tidegate top  12:00:00  app-1 in mesh de\n");
}

TEST_CASE("columns are left out by their worth, and then names are cut") {
  auto status = a_status();
  status.peers[0].name = "a-name-of-some-length";
  const auto heads = [&](std::size_t width) {
    const auto made = table(chosen(status, {}, {}), {}, {}, width);
    CHECK(made.rows.size() == 2);
    return made.head;
  };
  CHECK(contains(heads(200), "NEXT"));
  CHECK(lacks(heads(60), "NEXT"));
  CHECK(contains(heads(60), "ADDRESS"));
  CHECK(lacks(heads(30), "ADDRESS"));
  CHECK(contains(heads(30), "STATE"));
  CHECK(heads(5) == "NAME\u2191");
}

TEST_CASE("top orders by any column, numbers from the greatest, and reverses it") {
  auto view = a_view();
  const auto first = [&] {
    const auto all = text(view, 100, 12);
    return all.find("app-2") < all.find("web-3") ? "app-2" : "web-3";
  };
  CHECK(first() == std::string("app-2"));
  type(view, "r");
  CHECK(first() == std::string("web-3"));
  for (int i = 0; i < 5; ++i) type(view, ">");
  CHECK(contains(text(view, 100, 12), "HELD\u2193"));
  CHECK(first() == std::string("web-3"));
  type(view, "r");
  CHECK(contains(text(view, 100, 12), "HELD\u2191"));
  CHECK(first() == std::string("app-2"));
  CHECK(view.press(key(Key::Kind::left)));
  CHECK(view.press(key(Key::Kind::left)));
  CHECK(contains(text(view, 100, 12), "MSG/S\u2193"));
  CHECK(first() == std::string("app-2"));
  for (int i = 0; i < 4; ++i) type(view, "<");
  CHECK(contains(text(view, 100, 12), "SILENT\u2193"));  // around the left end
}

TEST_CASE("a filter is typed, corrected, kept and taken back") {
  auto view = a_view();
  type(view, "/q\xc3\xa4");
  CHECK(contains(text(view, 100, 12), "filter: q\xc3\xa4_"));
  CHECK(view.press(key(Key::Kind::backspace)));
  CHECK(contains(text(view, 100, 12), "filter: q_"));
  CHECK(view.press(key(Key::Kind::backspace)));
  CHECK(view.press(key(Key::Kind::backspace)));
  type(view, "web");
  CHECK(lacks(text(view, 100, 12), "app-2"));
  CHECK(view.press(key(Key::Kind::enter)));
  CHECK(contains(text(view, 100, 12), "1 peer  with 'web'"));
  CHECK(view.press(key(Key::Kind::escape)));
  CHECK(contains(text(view, 100, 12), "app-2"));
  type(view, "/192.0.2.3");
  CHECK(lacks(text(view, 100, 12), "app-2"));
  CHECK(view.press(key(Key::Kind::escape)));
  CHECK(contains(text(view, 100, 12), "app-2"));
}

TEST_CASE("those that have left are shown on demand") {
  auto view = a_view();
  CHECK(lacks(text(view, 100, 12), "old-4"));
  type(view, "a");
  CHECK(contains(text(view, 100, 12), "old-4"));
}

TEST_CASE("while top is paused nothing moves, and then it goes on") {
  auto view = a_view();
  type(view, "p");
  auto other = later(a_status());
  other.peers[0].held = 4711;
  view.take(other, start + 2s);
  CHECK(contains(text(view, 100, 12), "PAUSED"));
  CHECK(lacks(text(view, 100, 12), "4711"));
  type(view, " ");
  view.take(other, start + 3s);
  CHECK(contains(text(view, 100, 12), "4711"));
}

TEST_CASE("more peers than there are rows are scrolled") {
  auto status = a_status();
  for (std::uint8_t id = 10; id < 60; ++id) {
    status.peers.push_back(peer(id, "many-" + std::to_string(id)));
  }
  View view(1s);
  view.take(status, start);
  CHECK(contains(text(view, 100, 12), "1 to 6 of 52 peers"));
  CHECK(view.press(key(Key::Kind::page_down)));
  CHECK(contains(text(view, 100, 12), "7 to 12 of 52 peers"));
  CHECK(view.press(key(Key::Kind::down)));
  CHECK(contains(text(view, 100, 12), "8 to 13 of 52 peers"));
  CHECK(view.press(key(Key::Kind::end)));
  CHECK(contains(text(view, 100, 12), "47 to 52 of 52 peers"));
  CHECK(view.press(key(Key::Kind::down)));
  CHECK(contains(text(view, 100, 12), "47 to 52 of 52 peers"));
  CHECK(contains(text(view, 100, 32), "27 to 52 of 52 peers"));  // a larger window
  CHECK(view.press(key(Key::Kind::home)));
  CHECK(view.press(key(Key::Kind::up)));
  CHECK(contains(text(view, 100, 12), "1 to 6 of 52 peers"));
}

TEST_CASE("troubles come first, and leave room for the table") {
  auto status = a_status();
  for (int i = 0; i < 5; ++i) {
    status.troubles.push_back(
        {Trouble::Kind::database_down, "", "the database\x1b[2J is down", 90s, false});
  }
  View view(1s);
  view.take(status, start);
  const auto lines = view.lines(100, 12, "12:00:00");
  CHECK(lines[1].style == Style::bad);
  CHECK(lines[1].text.starts_with("database_down for "));
  CHECK(lines[3].text == "and 3 troubles more");
  CHECK(contains(text(view, 100, 12), "app-2"));
  CHECK(lacks(text(view, 100, 12), "\x1b"));
}

TEST_CASE("a peer that has gone is said to be, over what it last told") {
  auto view = a_view();
  view.lose("it has gone");
  const auto lines = view.lines(100, 12, "12:00:00");
  CHECK(lines[1] == Line{"it has gone", Style::bad});
  CHECK(contains(text(view, 100, 12), "app-2"));
  view.take(a_status(), start + 5s);
  CHECK(lacks(text(view, 100, 12), "it has gone"));
}

TEST_CASE("rates of another life, or of no time, are none") {
  auto other = later(a_status());
  CHECK(rates(a_status(), other, 0s).received == 0);
  CHECK(rates(a_status(), other, 2s).received == 600);
  CHECK(rates(other, a_status(), 2s).received == 0);
  other.origin = origin(9);
  CHECK(rates(a_status(), other, 2s).received == 0);
  auto new_stream = a_status();
  new_stream.peers[0].next_sequence = 0;
  CHECK(rates(new_stream, later(a_status()), 1s).of_peers.size() == 2);
}

TEST_CASE("a rate has three digits or so") {
  CHECK(rate_text(0) == "0/s");
  CHECK(rate_text(0.25) == "0.2/s");
  CHECK(rate_text(99.94) == "99.9/s");
  CHECK(rate_text(99.96) == "100/s");
  CHECK(rate_text(999.4) == "999/s");
  CHECK(rate_text(999.6) == "1.0k/s");
  CHECK(rate_text(1'234'567) == "1.2M/s");
}

TEST_CASE("the help is shown until a key is pressed, and q quits from everywhere but the filter") {
  auto view = a_view();
  type(view, "?");
  CHECK(contains(text(view, 100, 24), "since its last sign of life"));
  type(view, "x");
  CHECK(lacks(text(view, 100, 24), "since its last sign of life"));
  type(view, "/q");
  CHECK(view.press(key(Key::Kind::escape)));
  CHECK_FALSE(view.press(key('q')));
  type(view, "?");
  CHECK_FALSE(view.press(key('q')));
}
