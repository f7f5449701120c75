#include "tidegate/options.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/message/footprint.hpp"
#include "tidegate/message.hpp"

using namespace tidegate;
using namespace tidegate::message;
using namespace tidegate::base;
using std::chrono::milliseconds;

namespace {

// The options that are named as wrong after `change`, in their order.
std::string wrong(const std::function<void(Options&)>& change) {
  Options options;
  change(options);
  std::string names;
  for (const auto& problem : validate(options)) {
    CHECK_FALSE(problem.what.empty());
    names += (names.empty() ? "" : " ") + problem.option;
  }
  return names;
}

}  // namespace

TEST_CASE("the defaults are valid") { CHECK(validate(Options{}).empty()); }

TEST_CASE("a mesh name is 1 to 32 printable characters without space") {
  for (const auto* name : {"", "two words", "tab\t", "caf\xc3\xa9"}) {
    CHECK(wrong([&](Options& o) { o.mesh = name; }) == "mesh");
  }
  CHECK(wrong([](Options& o) { o.mesh.assign(limits::mesh_name_bytes, 'x'); }).empty());
  CHECK(wrong([](Options& o) { o.mesh.assign(limits::mesh_name_bytes + 1, 'x'); }) == "mesh");
}

TEST_CASE("a peer name is at most 64 bytes of text without control characters, or empty") {
  for (const auto* name : {"line\n", "\x1b[0m", "\x7f", "\xff"}) {
    CHECK(wrong([&](Options& o) { o.name = name; }) == "name");
  }
  CHECK(wrong([](Options& o) { o.name = "caf\xc3\xa9 1"; }).empty());
  CHECK(wrong([](Options& o) { o.name.assign(limits::peer_name_bytes, 'x'); }).empty());
  CHECK(wrong([](Options& o) { o.name.assign(limits::peer_name_bytes + 1, 'x'); }) == "name");
}

TEST_CASE("durations may be for ever") {
  CHECK(wrong([](Options& o) { o.gone_after = Duration::max(); }).empty());
  CHECK(wrong([](Options& o) {
          o.suspect_after = Duration::max() - Duration(1);
          o.gone_after = o.retain_for = o.overdue_after = Duration::max();
        }).empty());
  CHECK(wrong([](Options& o) { o.heartbeat = Duration::max(); }) == "suspect-after");
  CHECK(wrong([](Options& o) { o.retain_for = Duration::min(); }) == "retain-for");
}

TEST_CASE("at least one interface is named") {
  CHECK(wrong([](Options& o) { o.interfaces.clear(); }) == "interfaces");
}

TEST_CASE("no port is one that only root may take") {
  CHECK(wrong([](Options& o) { o.beacon_port = 1023; }) == "beacon-port");
  CHECK(wrong([](Options& o) { o.beacon_port = 1024; }).empty());
  CHECK(wrong([](Options& o) { o.first_port = 1023; }) == "first-port");
  CHECK(wrong([](Options& o) { o.first_port = 1024; }).empty());
}

TEST_CASE("the range of ports has room for two") {
  CHECK(wrong([](Options& o) { o.last_port = o.first_port; }) == "last-port");
  CHECK(wrong([](Options& o) {
          o.last_port = static_cast<std::uint16_t>(o.first_port + 1);
        }).empty());
}

TEST_CASE("no port is one that the system gives to outgoing connections") {
  const auto range = [](std::uint16_t first, std::uint16_t last) {
    return wrong([&](Options& o) {
      o.first_port = first;
      o.last_port = last;
    });
  };
  CHECK(range(32000, 32767).empty());
  CHECK(range(32000, 32768) == "last-port");
  CHECK(range(40000, 40001) == "last-port");
  CHECK(range(1024, 65535) == "last-port");
  CHECK(range(60999, 61100) == "last-port");
  CHECK(range(61000, 61100).empty());
}

TEST_CASE("a database is named, or none") {
  CHECK(wrong([](Options& o) { o.database = ""; }) == "database");
  CHECK(wrong([](Options& o) { o.primary = ""; }) == "primary");
  CHECK(wrong([](Options& o) { o.database = "host=replica"; }).empty());
}

TEST_CASE("each bound has room for the largest message with the longest topic and headers") {
  Options options;
  Message largest{Topic::of({std::string(limits::topic_bytes, 'x')}).value(),
                  std::string(options.payload_bytes, 'x'), std::nullopt};
  std::vector<Header> headers(limits::message_headers);
  headers.front().value.assign(limits::header_bytes, 'x');
  largest.headers = headers;
  const auto room = footprint(largest);
  CHECK(wrong([&](Options& o) { o.held_bytes = room; }).empty());
  CHECK(wrong([&](Options& o) { o.inbox_bytes = room; }).empty());
  CHECK(wrong([&](Options& o) { o.unsent_bytes = room; }).empty());
  CHECK(wrong([&](Options& o) { o.held_bytes = room - 1; }) == "held-bytes");
  CHECK(wrong([&](Options& o) { o.inbox_bytes = room - 1; }) == "inbox-bytes");
  CHECK(wrong([&](Options& o) { o.unsent_bytes = room - 1; }) == "unsent-bytes");
}

TEST_CASE("a payload has 1 byte to 16 MiB") {
  const auto payload = [](std::size_t bytes) {
    return wrong([&](Options& o) {
      o.payload_bytes = bytes;
      o.inbox_bytes = o.unsent_bytes = o.held_bytes = std::size_t{1} << 30U;
    });
  };
  CHECK(payload(0) == "payload-bytes");
  CHECK(payload(1).empty());
  CHECK(payload(std::size_t{16} << 20U).empty());
  CHECK(payload((std::size_t{16} << 20U) + 1) == "payload-bytes");
}

TEST_CASE("heartbeats are at least 10 ms apart") {
  CHECK(wrong([](Options& o) { o.heartbeat = milliseconds(10); }).empty());
  CHECK(wrong([](Options& o) { o.heartbeat = milliseconds(10) - Duration(1); }) == "heartbeat");
}

TEST_CASE("suspicion takes two heartbeats, and giving up longer than that") {
  CHECK(wrong([](Options& o) { o.suspect_after = 2 * o.heartbeat; }).empty());
  CHECK(wrong([](Options& o) { o.suspect_after = 2 * o.heartbeat - Duration(1); }) ==
        "suspect-after");
  CHECK(wrong([](Options& o) { o.gone_after = o.suspect_after; }) == "gone-after");
  CHECK(wrong([](Options& o) { o.gone_after = o.suspect_after + Duration(1); }).empty());
}

TEST_CASE("a place to resume has an incarnation and a sequence, and is the only one of its peer") {
  Origin publisher;
  publisher.incarnation = 7;
  auto other = publisher;
  other.peer.bytes[0] = 1;
  const auto resume = [](std::vector<Cursor> cursors) {
    return wrong([&](Options& o) { o.resume = std::move(cursors); });
  };
  CHECK(resume({{publisher, 1}, {other, 9}}).empty());
  CHECK(resume({{publisher, 0}}) == "resume");
  CHECK(resume({{Origin{}, 1}}) == "resume");
  CHECK(resume({{publisher, 1}, {publisher, 2}}) == "resume");
}

TEST_CASE("all that is wrong is told at once, in the order of the options") {
  const auto names = wrong([](Options& o) {
    o.mesh = "";
    o.database = "";
    o.name = "\n";
    o.interfaces.clear();
    o.beacon_port = o.first_port = o.last_port = 1;
    o.held_bytes = o.inbox_bytes = o.unsent_bytes = 0;
    o.payload_bytes = 0;
    o.heartbeat = o.suspect_after = o.gone_after = Duration(0);
  });
  CHECK(names ==
        "mesh name interfaces beacon-port first-port last-port database held-bytes inbox-bytes "
        "unsent-bytes payload-bytes heartbeat gone-after");
}
