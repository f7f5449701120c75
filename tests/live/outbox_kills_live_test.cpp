// The writers of an outbox, its durable receivers on the primary and on a standby, and both servers
// are killed at any moment, under load.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/random.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/outbox_lives.hpp"
#include "tests/live/outbox_site.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

using NameSet = std::set<std::string>;

NameSet names_of(Server& server, const std::string& sql) {
  NameSet names;
  for (const auto& row : server.query(sql)) names.insert(row[0]);
  return names;
}

std::size_t not_in(const NameSet& names, const NameSet& others) {
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [&](const auto& name) { return !others.contains(name); }));
}

class Scene {
 public:
  Scene() {
    site.primary.execute("CREATE TABLE t (name text PRIMARY KEY)");
    site.settle(standby);
    for (const auto* name : {"a", "b", "c"}) {
      writers.push_back(std::make_unique<Writer>(name, site.primary.connection_string(), path(name),
                                                 *name == 'c'));
    }
    for (auto* server : {&site.primary, &standby}) {
      receivers.push_back(std::make_unique<Receiver>(
          site.options(*server, server->name() + ".cursor"), path(server->name())));
    }
    for (auto& writer : writers) writer->begin();
    for (auto& receiver : receivers) receiver->begin();
  }

  // So that the next kill may hit anything.
  void pause() { std::this_thread::sleep_for(random.between(0ms, 60ms)); }
  void kill_one(auto& lives) { lives[random.below(lives.size())]->begin(); }
  static void crash(Server& server) {
    server.crash();
    server.start();
  }

  // Ends the writers and waits until the receivers have taken all.
  void come_to_rest() {
    for (auto& writer : writers) writer->kill();
    site.announce("last");
    site.primary.execute("INSERT INTO t VALUES ('last')");
    for (const auto& receiver : receivers) {
      CHECK(eventually(60s, [&] {
        const auto seen = receiver->seen();
        return seen.done.contains("last") && seen.open == 0;
      }));
      receiver->kill();
    }
  }

  void check_writers(const NameSet& there) {
    CHECK(there == names_of(site.primary, "SELECT name FROM t"));
    for (const auto& writer : writers) {
      const auto committed = writer->named("committed");
      CHECK(committed.size() > 0);
      // A crash may undo what was committed without waiting for the disk.
      if (writer != writers.back()) CHECK(not_in(committed, there) == 0);
      CHECK(not_in(writer->named("rolled"), there) == writer->named("rolled").size());
    }
  }

  static void check_receiver(const Receiver& receiver, const NameSet& there) {
    const auto seen = receiver.seen();
    CHECK(seen.got_again == NameSet{});
    CHECK(seen.done_again == NameSet{});
    CHECK(seen.lost == 0);
    NameSet never;
    std::map<int, int> without_line;  // by the life that was killed between done() and its line
    for (const auto& name : there) {
      const auto got = seen.got.find(name);
      if (got == seen.got.end()) {
        never.insert(name);
      } else if (!seen.done.contains(name)) {
        ++without_line[got->second];
      }
    }
    CHECK(never == NameSet{});
    for (const auto& [life, rows] : without_line) CHECK(rows == 1);
    NameSet undone;
    for (const auto& [name, life] : seen.got) {
      if (!there.contains(name)) undone.insert(name);
    }
    CHECK(undone == NameSet{});
    MESSAGE(there.size(), " rows, ", receiver.lives(), " lives, ", without_line.size(),
            " of them killed between done() and its line");
  }

  OutboxSite site;
  Server& standby = site.cluster.add_replica();
  base::Random random{7};
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::unique_ptr<Receiver>> receivers;

 private:
  [[nodiscard]] std::string path(const std::string& name) const {
    return (site.directory.path() / name).string();
  }
};

}  // namespace

TEST_CASE("each announcement comes once to each receiver, whoever is killed under load" *
          long_test) {
  Scene scene;
  constexpr int kills = 50;  // of writers and of receivers, and of servers half as many each
  for (int i = 0; i < kills; ++i) {
    scene.pause();
    scene.kill_one(scene.writers);
    scene.pause();
    scene.kill_one(scene.receivers);
    scene.pause();
    Scene::crash(i % 2 == 0 ? scene.site.primary : scene.standby);
  }
  scene.come_to_rest();
  const auto there =
      names_of(scene.site.primary, "SELECT convert_from(payload, 'UTF8') FROM tidegate.outbox");
  scene.check_writers(there);
  for (const auto& receiver : scene.receivers) Scene::check_receiver(*receiver, there);
}

TEST_CASE("an announcement that a crash of the primary undoes was never handed out") {
  OutboxSite site({.config = "wal_writer_delay = 10s\nsynchronous_commit = off"});
  site.primary.execute("CHECKPOINT");  // so that the schema stays
  auto outbox = OutboxSite::open(site.options(site.primary));
  site.announce("first");
  CHECK(take(*outbox, 1) == Names{"first"});
  Names kept{"first"};
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const auto number = std::to_string(i);
    // Nobody reads while this is announced and undone; the next gets its transaction's id.
    site.announce("undone" + number);
    Scene::crash(site.primary);
    // The first behind a crash brings whole pages into the WAL, which the server then flushes by
    // itself. The second is flushed by its reader alone.
    for (const auto* name : {"first", "second"}) {
      kept.push_back(name + number);
      site.announce(kept.back());
      CHECK(take(*outbox, 1) == Names{kept.back()});
    }
    Scene::crash(site.primary);
    CHECK(names_of(site.primary, "SELECT convert_from(payload, 'UTF8') FROM tidegate.outbox") ==
          NameSet(kept.begin(), kept.end()));
  }
  check_quiet(*outbox);
}
