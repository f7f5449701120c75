// A durable subscription to the outbox of real servers.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/forked.hpp"
#include "tests/live/outbox_site.hpp"
#include "tests/support/contains.hpp"
#include "tidegate/outbox.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("a subscription to an outbox goes on behind what was taken, whoever has ended") {
  OutboxSite site;
  auto& standby = site.cluster.add_replica();
  for (const auto* name : {"1", "2", "3", "4"}) site.announce(name);
  auto outbox = OutboxSite::open(site.options(standby));
  CHECK(take(*outbox, 3) == Names{"1", "2", "3"});
  outbox.reset();  // the third was not taken: nobody asked for a fourth
  outbox = OutboxSite::open(site.options(standby));
  CHECK(take(*outbox, 2) == Names{"3", "4"});
  check_quiet(*outbox);
  outbox.reset();
  outbox = OutboxSite::open(site.options(standby));
  check_quiet(*outbox);
  site.announce("5");
  const auto last = next_delivery(*outbox);
  REQUIRE(last.has_value());
  CHECK(last->message.payload == "5");
  CHECK(last->message.topic == Topic::of({"t", "1"}).value());
  CHECK(last->origin_name == "outbox");
  REQUIRE(last->row.has_value());
  CHECK(last->sequence == last->row->id);
  CHECK(last->row->announced > 1'700'000'000'000'000);
  REQUIRE(last->message.position.has_value());
  CHECK(outbox->trouble().empty());
}

TEST_CASE("what is taken in any order does not come again, and what is not does") {
  OutboxSite site;
  for (int i = 1; i <= 5; ++i) site.announce(std::to_string(i));
  auto options = site.options(site.primary);
  options.taken_by_done = true;
  auto outbox = OutboxSite::open(options);
  std::vector<Ticket> tickets;
  tickets.reserve(5);
  for (int i = 0; i < 5; ++i) tickets.push_back(next_delivery(*outbox)->row->ticket);
  outbox->done(tickets[4]);
  outbox->done(tickets[1]);
  outbox->done(999);
  outbox.reset();
  outbox = OutboxSite::open(options);
  CHECK(take(*outbox, 3) == Names{"1", "3", "4"});
  check_quiet(*outbox);
}

TEST_CASE("rows that were acknowledged never come again after a kill") {
  OutboxSite site;
  site.primary.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(1, 200) AS n");
  auto options = site.options(site.primary);
  options.taken_by_done = true;
  const auto acknowledged_file = site.directory.path() / "acknowledged";
  for (int life = 0; life < 10; ++life) {
    const auto child = fork_to([&]() -> int {
      auto outbox = OutboxSubscription::open(options).value();
      std::ofstream acknowledged(acknowledged_file, std::ios::app);
      while (true) {
        const auto incoming = outbox->next(1s);
        const auto* delivery = incoming ? std::get_if<Delivery>(&*incoming) : nullptr;
        if (delivery == nullptr) continue;
        outbox->done(delivery->row->ticket);
        acknowledged << delivery->message.payload << std::endl;  // NOLINT: flushed
      }
    });
    const auto lines = [&] {
      std::ifstream file(acknowledged_file);
      return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    };
    CHECK(eventually(20s, [&] { return lines() >= 15 * (life + 1L); }));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  auto outbox = OutboxSite::open(options);
  std::multiset<std::string> all;
  while (const auto delivery = next_delivery(*outbox, 1s)) all.insert(delivery->message.payload);
  std::ifstream file(acknowledged_file);
  for (std::string name; std::getline(file, name);) all.insert(name);
  // A child may die between its acknowledgement and its line: that row is in neither.
  CHECK(all.size() <= 200);
  CHECK(all.size() >= 190);
  CHECK(std::set(all.begin(), all.end()).size() == all.size());
}

TEST_CASE("a subscription that begins now gets what is committed from now on") {
  OutboxSite site;
  site.announce("before");
  auto open = site.primary.connect();
  open.execute("BEGIN; SELECT tidegate.announce('t', 'open')");
  auto options = site.options(site.primary);
  options.from = From::latest;
  auto outbox = OutboxSite::open(options);
  CHECK(next_notice<ServerUp>(*outbox).has_value());
  CHECK(eventually(20s, [&] {
    (void)outbox->next(10ms);
    return !outbox->cursor().empty();
  }));
  open.execute("COMMIT");
  site.announce("after");
  CHECK(take(*outbox, 2) == Names{"open", "after"});
}

TEST_CASE("other topics of an outbox are not handed out, nor do they come later") {
  OutboxSite site;
  site.primary.execute(
      "SELECT tidegate.announce('a/1', 'a'); SELECT tidegate.announce('b/1', 'b')");
  auto options = site.options(site.primary);
  options.patterns = {Pattern::parse("b/*").value()};
  auto outbox = OutboxSite::open(options);
  CHECK(take(*outbox, 1) == Names{"b"});
  check_quiet(*outbox);
}

TEST_CASE("an application that keeps its cursor itself goes on there") {
  OutboxSite site;
  site.announce("1");
  site.announce("2");
  auto options = site.options(site.primary);
  options.cursor_file.clear();
  auto outbox = OutboxSite::open(options);
  CHECK(outbox->cursor().empty());
  CHECK(take(*outbox, 2) == Names{"1", "2"});
  options.cursor = outbox->cursor();
  outbox = OutboxSite::open(options);
  CHECK(take(*outbox, 1) == Names{"2"});
}

TEST_CASE("a woken subscription reads at once, and its descriptor tells that something has come") {
  OutboxSite site;
  auto options = site.options(site.primary);
  options.poll = 1h;
  auto outbox = OutboxSite::open(options);
  CHECK(eventually(20s, [&] {
    (void)outbox->next(10ms);
    return !outbox->cursor().empty();
  }));
  site.announce("1");
  check_quiet(*outbox);
  std::thread([&] { outbox->wake(); }).join();
  pollfd wait{outbox->descriptor(), POLLIN, 0};
  CHECK(poll(&wait, 1, 20'000) == 1);
  CHECK(take(*outbox, 1) == Names{"1"});
}

TEST_CASE("without a schema a subscription says so, and goes on when it is there") {
  Cluster cluster;
  const TemporaryDirectory directory("outbox");
  OutboxOptions options{.database = cluster.primary().connection_string(),
                        .cursor_file = (directory.path() / "cursor").string(),
                        .from = From::earliest,
                        .poll = 20ms};
  auto outbox = OutboxSite::open(options);
  const auto warning = next_notice<Warning>(*outbox);
  REQUIRE(warning.has_value());
  CHECK(contains(warning->text, "tidegate outbox --check"));
  CHECK(contains(outbox->trouble(), "tidegate.outbox"));
  cluster.primary().execute(postgres::outbox_schema({}));
  cluster.primary().execute("SELECT tidegate.announce('t', '1')");
  CHECK(take(*outbox, 1) == Names{"1"});
  CHECK(outbox->trouble().empty());
}

TEST_CASE("a promotion that loses announcements is told, and those that survived come once") {
  OutboxSite site;
  auto& standby = site.cluster.add_replica();
  auto options = site.options(site.primary);
  auto outbox = OutboxSite::open(options);
  site.announce("kept");
  CHECK(take(*outbox, 1) == Names{"kept"});
  const auto lsn = site.primary.value("SELECT pg_current_wal_insert_lsn()");
  REQUIRE(eventually(20s, [&] {
    return standby.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") == "t";
  }));
  standby.stop();
  site.announce("lost");
  CHECK(take(*outbox, 1) == Names{"lost"});
  outbox.reset();
  site.primary.crash();
  standby.start();
  standby.promote();
  standby.execute("SELECT tidegate.announce('t', 'new')");
  options.database = standby.connection_string();
  outbox = OutboxSite::open(options);
  const auto lost = next_notice<OutboxLost>(*outbox);
  REQUIRE(lost.has_value());
  CHECK(lost->why == OutboxLost::Why::undone);
  auto names = take(*outbox, 1);
  if (names == Names{"kept"}) names = take(*outbox, 1);  // it may come again: that is told
  CHECK(names == Names{"new"});
  check_quiet(*outbox);
}

TEST_CASE("a cursor's file is for one process, and one that can't be understood is refused") {
  OutboxSite site;
  const auto options = site.options(site.primary);
  auto outbox = OutboxSite::open(options);
  CHECK(contains(OutboxSubscription::open(options).error().message, "in use by another process"));
  outbox.reset();
  std::ofstream(options.cursor_file) << "outbox9 x\n";
  CHECK(contains(OutboxSubscription::open(options).error().message, "move the file away"));
}

TEST_CASE("wrong options of a subscription to an outbox are all told") {
  const auto opened =
      OutboxSubscription::open({.cursor_file = "x", .cursor = "y", .poll = Duration::zero()});
  REQUIRE_FALSE(opened.ok());
  for (const auto* option : {"database", "cursor", "poll"}) {
    CHECK(contains(opened.error().message, option));
  }
  CHECK(contains(OutboxSubscription::open({.database = "host=x", .cursor = "y"}).error().message,
                 "outbox1"));
}

TEST_CASE("a loss that the application has not taken is told again in its next life") {
  OutboxSite site;
  auto options = site.options(site.primary);
  auto outbox = OutboxSite::open(options);
  site.announce("1");
  CHECK(take(*outbox, 1) == Names{"1"});
  check_quiet(*outbox);
  outbox.reset();
  site.announce("2");
  site.primary.execute(
      "DELETE FROM tidegate.outbox; UPDATE tidegate.outbox_removed SET before = "
      "pg_snapshot_xmin(pg_current_snapshot())");
  outbox = OutboxSite::open(options);
  CHECK(eventually(20s, [&] {
    pollfd wait{outbox->descriptor(), POLLIN, 0};
    return poll(&wait, 1, 20) == 1 && !outbox->cursor().empty();
  }));
  for (int life = 0; life < 2; ++life) {
    outbox.reset();
    outbox = OutboxSite::open(options);
    const auto lost = next_notice<OutboxLost>(*outbox);
    REQUIRE(lost.has_value());
    CHECK(lost->why == OutboxLost::Why::removed);
  }
  CHECK_FALSE(outbox->next(100ms).has_value());  // it is taken now
  outbox.reset();
  outbox = OutboxSite::open(options);
  const auto end = std::chrono::steady_clock::now() + 300ms;
  while (std::chrono::steady_clock::now() < end) {
    const auto incoming = outbox->next(20ms);
    const auto* notice = incoming ? std::get_if<Notice>(&*incoming) : nullptr;
    CHECK_FALSE((notice != nullptr && std::holds_alternative<OutboxLost>(*notice)));
  }
}

TEST_CASE("a row that is done while a loss is not taken does not come again after a kill") {
  OutboxSite site;
  auto options = site.options(site.primary);
  options.taken_by_done = true;
  auto outbox = OutboxSite::open(options);
  auto late = site.primary.connect();
  late.execute("BEGIN; SELECT tidegate.announce('t', 'late')");
  auto between = site.primary.connect();
  between.execute("BEGIN; SELECT pg_current_xact_id()");
  site.announce("done");
  const auto row = next_delivery(*outbox);
  REQUIRE(row.has_value());
  CHECK(row->message.payload == "done");
  // The earlier transaction is settled and its row removed between two readings; the later one is
  // still to be done.
  late.execute("COMMIT");
  site.primary.execute(
      "DELETE FROM tidegate.outbox WHERE payload = 'late'; UPDATE tidegate.outbox_removed "
      "SET before = pg_snapshot_xmin(pg_current_snapshot())");
  between.execute("ROLLBACK");
  CHECK(next_notice<OutboxLost>(*outbox).has_value());
  outbox->done(row->row->ticket);
  // All that a kill leaves.
  auto next_life = site.options(site.primary, "left");
  next_life.taken_by_done = true;
  std::filesystem::copy_file(options.cursor_file, next_life.cursor_file);
  auto again = OutboxSite::open(next_life);
  CHECK(next_notice<OutboxLost>(*again).has_value());
  site.announce("next");
  CHECK(take(*again, 1) == Names{"next"});
  check_quiet(*again);
}
