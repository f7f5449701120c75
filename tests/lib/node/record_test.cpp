// The record of a peer: which of its inputs and effects it tells, and how.
#include "lib/node/record.hpp"

#include <chrono>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::node;
using namespace std::chrono_literals;

namespace {

constexpr Instant epoch{1h};

const ServerIncarnation server{7, 3, ServerKind::postgres, 4};

Branch branch() {
  return Branch(ServerKind::postgres, 7, History::of({{1, 0, 0}, {2, 0x3000160, 99}}).value());
}

Topic topic() { return Topic::parse("t/\"1\"").value(); }

struct Recorder {
  Record record{"", epoch};

  std::string operator()(const Input& input) {
    std::string lines;
    record.add(input, epoch + 1500us, lines);
    return lines;
  }
  std::string operator()(const Effect& effect) {
    std::string lines;
    record.add(effect, epoch + 1500us, lines);
    return lines;
  }
};

Effect notify(Notice notice) { return effect::Notify{std::move(notice)}; }

}  // namespace

TEST_CASE("a record begins with the peer, its stream and where it goes on") {
  mesh::PeerInfo self;
  self.origin.peer.bytes.fill(0xAB);
  self.origin.incarnation = 12;
  self.epoch = 11;
  self.name = "a \\ b\n";
  Options options;
  options.database = "";
  options.resume = {{{self.origin.peer, 5}, 8}};
  std::string lines;
  Record("", epoch).begin(self, options, 42, epoch + 1s, lines);
  const std::string id = "abababababababababababababababab";
  CHECK(lines == R"({"at":1000000,"event":"peer","form":1,"name":"a \\ b\u000a","origin":")" + id +
                     R"(.12","stream":")" + id + R"(.11","last":42,"overdue":"hold",)" +
                     R"("overdue_after":60000000,"own_messages":"none","gated":true})" + "\n" +
                     R"({"at":1000000,"event":"resume","from":")" + id + R"(.5","next":8})" + "\n");
}

TEST_CASE("a reading is recorded with its whole identity, and again only if it is another") {
  Recorder record;
  const Tide tide{server, branch().history(), 0x3000200};
  const std::string line =
      R"({"at":1500,"event":"tide","place":"postgres:7:1,2@0/3000160@99:0/3000200",)"
      R"("life":"7.3.4"})"
      "\n";
  CHECK(record(input::ReplayPositionRead{tide, epoch}) == line);
  CHECK(record(input::ReplayPositionRead{tide, epoch}).empty());
  CHECK(record(input::ReplayPositionRead{std::nullopt, epoch}).empty());
  auto later = tide;
  later.replayed += 8;
  CHECK_FALSE(record(input::ReplayPositionRead{later, epoch}).empty());
  CHECK_FALSE(record(input::ReplayPositionRead{tide, epoch}).empty());
  // It counted no longer, so it is news.
  CHECK_FALSE(record(ServerDown{}).empty());
  CHECK(record(input::ReplayPositionRead{tide, epoch}) == line);
  CHECK_FALSE(record(input::TideForgotten{}).empty());
  CHECK(record(input::ReplayPositionRead{tide, epoch}) == line);
}

TEST_CASE("the answer of a primary is recorded with what it has written and flushed") {
  const gate::CommitPosition reading{server, branch().history(), Lsn{0x3000300}, Lsn{0x3000200}};
  CHECK(Recorder()(input::CommitPositionRead{reading}) ==
        R"({"at":1500,"event":"answer","written":"postgres:7:1,2@0/3000160@99:0/3000300",)"
        R"("flushed":"postgres:7:1,2@0/3000160@99:0/3000200","life":"7.3.4"})"
        "\n");
}

TEST_CASE("a message is recorded when it is published and when it is sent, by its ticket") {
  Recorder record;
  const Position own{branch(), 0x3000300, 0x3000200};
  const Position inherited{branch(), 0x3000180};
  CHECK(record(input::Publish{Message{topic(), "payload", {}}, AfterCommit{}}) ==
        R"({"at":1500,"event":"publish","ticket":1,"topic":"t/\"1\"","after":"commit"})"
        "\n");
  CHECK(record(input::Publish{Message{topic(), "payload", {}}, own}) ==
        R"({"at":1500,"event":"publish","ticket":2,"topic":"t/\"1\"","after":"position",)"
        R"("position":"postgres:7:1,2@0/3000160@99:0/3000300:0/3000200"})"
        "\n");
  CHECK(record(notify(Sent{2, 17, own})).empty());
  CHECK(record(effect::Broadcast{mesh::Data{{}, 17, {Message{topic(), "", own, inherited}}}}) ==
        R"({"at":1500,"event":"send","ticket":2,"sequence":17,)"
        R"("own":"postgres:7:1,2@0/3000160@99:0/3000300:0/3000200",)"
        R"("inherited":"postgres:7:1,2@0/3000160@99:0/3000180"})"
        "\n");
}

TEST_CASE("a delivery, a loss and a message that comes back are recorded") {
  const Origin from{{}, 9};
  const std::string id(32, '0');
  CHECK(Recorder()(effect::Deliver(Message{topic(), "", {}}, from, "a", 17, false, 2ms, true)) ==
        R"({"at":1500,"event":"deliver","from":")" + id +
            R"(.9","sequence":17,"held":2000,"late":true})" + "\n");
  CHECK(Recorder()(notify(Undelivered{from, "a", 3, 4, Undelivered::Why::in_doubt, {}, {}})) ==
        R"({"at":1500,"event":"undelivered","from":")" + id +
            R"(.9","first":3,"last":4,"why":"in_doubt"})" + "\n");
  CHECK(Recorder()(notify(Unpublished{5, Unpublished::Why::primary_lost, topic(), "", {}})) ==
        R"({"at":1500,"event":"unpublished","ticket":5,"why":"primary_lost"})"
        "\n");
}

TEST_CASE("what decides on no delivery is not recorded, and a server that comes only once") {
  Recorder record;
  CHECK(record(input::TimePassed{}).empty());
  CHECK(record(effect::ReadReplayPosition{}).empty());
  CHECK(record(notify(Warning{"text"})).empty());
  CHECK_FALSE(record(ServerUp{server, true, "", ""}).empty());
  CHECK(record(notify(ServerUp{server, true, "", ""})).empty());
}

TEST_CASE("in a record of several peers each line names its own") {
  std::string lines;
  Record("b", epoch).add(Input(input::Leave{}), epoch, lines);
  CHECK(lines == R"({"at":0,"event":"leave","peer":"b"})"
                 "\n");
}
