// Whole peers in one thread: real loops over an in-memory carrier, beside servers that say what the
// test has written down.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/peer/memory_world.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

// A loop and what has come out of it.
struct Member {
  Member(MemoryMesh& mesh, const std::string& name, const std::shared_ptr<ServerScript>& reads,
         const std::shared_ptr<ServerScript>& commits)
      : loop(Options{.mesh = "memory", .database = reads ? std::optional("script") : std::nullopt},
             mesh.world(name, reads, commits),
             [this](Incoming incoming) { came.push_back(std::move(incoming)); }) {
    loop.input(node::input::Subscribe{Pattern::all()});
  }

  [[nodiscard]] std::vector<std::string> payloads() const {
    std::vector<std::string> all;
    for (const auto& incoming : came) {
      const auto* delivery = std::get_if<Delivery>(&incoming);
      if (delivery != nullptr) all.push_back(delivery->message.payload);
    }
    return all;
  }

  void publish(const std::string& payload, const Dependency& dependency) {
    loop.input(node::input::Publish{Message{Topic::parse("a/b").value(), payload, std::nullopt},
                                    dependency});
  }

  std::vector<Incoming> came;
  peer::Loop loop;
};

// A writer on the primary and a reader on a replica of it, each ready for the other.
struct Pair {
  Pair() {
    REQUIRE(turn_until({&writer.loop, &reader.loop}, [this] {
      return writer.loop.ready_count() == 1 && reader.loop.ready_count() == 1 &&
             writer.loop.has_primary() && reader.loop.status().tide;
    }));
  }

  template <typename Condition>
  bool until(Condition condition) {
    return turn_until({&writer.loop, &reader.loop}, condition);
  }

  MemoryMesh mesh;
  std::shared_ptr<ServerScript> primary = script_of(primary_life, 100);
  std::shared_ptr<ServerScript> replica = script_of(replica_life, 100);
  Member writer{mesh, "writer", nullptr, primary};
  Member reader{mesh, "reader", replica, nullptr};
};

}  // namespace

TEST_CASE("a message is held until the scripted replica has replayed its change, then delivered") {
  Pair pair;
  commit(*pair.primary, 200);
  pair.writer.publish("change", AfterCommit{});
  REQUIRE(pair.until([&] { return pair.reader.loop.status().held == 1; }));
  const auto reads = pair.replica->reads;
  REQUIRE(pair.until([&] { return pair.replica->reads >= reads + 3; }));
  CHECK(pair.reader.payloads().empty());

  replay(*pair.replica, 200);
  REQUIRE(pair.until([&] { return !pair.reader.payloads().empty(); }));
  CHECK(pair.reader.payloads() == std::vector<std::string>{"change"});
  CHECK(pair.primary->queries == 1);
}

TEST_CASE("a replica that is promoted takes positions too") {
  Pair pair;
  CHECK_FALSE(pair.reader.loop.has_primary());
  pair.replica->primary = true;
  pair.reader.loop.look_for_primary();
  REQUIRE(pair.until([&] { return pair.reader.loop.has_primary(); }));
  commit(*pair.replica, 300);
  pair.reader.publish("answer", AfterCommit{});
  REQUIRE(pair.until([&] { return !pair.writer.payloads().empty(); }));
  CHECK(pair.writer.payloads() == std::vector<std::string>{"answer"});
}

TEST_CASE("what is published before the server was met is sent if that is the primary") {
  MemoryMesh mesh;
  auto server = script_of(primary_life, 100);
  server->primary = true;
  Member early(mesh, "early", server, nullptr);
  CHECK(early.loop.may_have_primary());
  early.publish("row", AfterCommit{});
  REQUIRE(turn_until({&early.loop}, [&] { return early.loop.unsent() == 0; }));
  CHECK(early.loop.status().last_sequence == 1);
}

TEST_CASE("what is published before the server was met comes back if that is a standby") {
  MemoryMesh mesh;
  Member early(mesh, "early", script_of(replica_life, 100), nullptr);
  CHECK(early.loop.may_have_primary());
  early.publish("row", AfterCommit{});
  REQUIRE(turn_until({&early.loop}, [&] { return early.loop.unsent() == 0; }));
  CHECK(early.loop.status().last_sequence == 0);
  CHECK(early.loop.status().counters.unpublished == 1);
  CHECK_FALSE(early.loop.may_have_primary());
  // As well as one that had been accepted in the meantime.
  early.publish("late", AfterCommit{});
  CHECK(early.loop.unsent() == 0);
  CHECK(early.loop.status().counters.unpublished == 2);
}

TEST_CASE("a loop leaves a primary that its own server has seen replaced") {
  MemoryMesh mesh;
  auto old = script_of(primary_life, 100);
  auto read = script_of(replica_life, 100);
  read->tide.history = History::of({{1, 0, 0}, {2, 50, 0}}).value();
  Member member(mesh, "member", read, old);
  REQUIRE(turn_until({&member.loop}, [&] { return old->left > 0; }));
  CHECK_FALSE(member.loop.status().primary_known);
  old->position.history = read->tide.history;  // the balancer leads elsewhere
  REQUIRE(turn_until({&member.loop}, [&] { return member.loop.status().primary_known; }));
}

TEST_CASE("a loop that leaves says farewell over any carrier") {
  Pair pair;
  pair.writer.loop.input(node::input::Leave{});
  pair.writer.loop.close(std::chrono::milliseconds(0));
  REQUIRE(turn_until({&pair.reader.loop}, [&] { return pair.reader.loop.ready_count() == 0; }));
  const auto* notice = std::get_if<Notice>(&pair.reader.came.back());
  REQUIRE(notice != nullptr);
  const auto* gone = std::get_if<PeerGone>(notice);
  REQUIRE(gone != nullptr);
  CHECK(gone->why == PeerGone::Why::left);
}
