// A durable subscription to an outbox behind outages: of its own process, for a long time; of the
// server that it read; and of the disk that its cursor lies on.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/outbox/cursor.hpp"
#include "lib/outbox/reader.hpp"
#include "peer/outbox_cursor.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/forked.hpp"
#include "tests/live/mesh.hpp"
#include "tests/live/outbox_site.hpp"
#include "tests/live/process_memory.hpp"
#include "tests/support/sanitized.hpp"
#include "tidegate/outbox.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

std::uint64_t transaction_of(Server& server, const std::string& name) {
  return std::stoull(server.value("SELECT transaction FROM tidegate.outbox WHERE payload = '" +
                                  name + "'::bytea"));
}

void announce_many(Server& server, int first, int last) {
  server.execute("SELECT tidegate.announce('t', n::text) FROM generate_series(" +
                 std::to_string(first) + ", " + std::to_string(last) + ") AS n");
}

// In transactions of 100, so that the cursor moves through them.
void announce_in_slices(Server& server, int count) {
  server.execute(
      "SET synchronous_commit = off; CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN"
      " FOR i IN 0.." +
      std::to_string(count / 100 - 1) +
      " LOOP PERFORM tidegate.announce('t', (100 * i + n)::text)"
      " FROM generate_series(1, 100) AS n; COMMIT; END LOOP; END $$");
  server.execute("CALL fill()");
}

void remove_all(Server& server) {
  server.execute("SELECT tidegate.remove_announced('0', NULL, 1000000)");
}

// Takes all until nothing comes for a while, each at once. The empty text: in order from 1 on.
std::string take_in_order(OutboxOptions options, int count) {
  options.taken_by_done = true;
  auto outbox = OutboxSubscription::open(std::move(options));
  if (!outbox) return outbox.error().message;
  for (int next = 1; next <= count; ++next) {
    const auto delivery = next_delivery(**outbox, 60s);
    if (!delivery) return "nothing more came behind " + std::to_string(next - 1);
    if (delivery->message.payload != std::to_string(next)) {
      return delivery->message.payload + " came instead of " + std::to_string(next);
    }
    (*outbox)->done(delivery->row->ticket);
  }
  return next_delivery(**outbox, 200ms) ? "too many" : "";
}

// The bytes that this process may write to a file, as where the disk is full: what fits of a piece
// is written, and then nothing more.
void fill_disk(rlim_t file_bytes) {
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = file_bytes;
  setrlimit(RLIMIT_FSIZE, &limit);
}

// One word for each notice and row of a subscription, until nothing comes for a while.
class Story {
 public:
  explicit Story(const OutboxOptions& options)
      : outbox_(OutboxSubscription::open(options).value()) {}

  std::string more(std::chrono::milliseconds quiet = 300ms) {
    std::string text;
    while (auto incoming = outbox_->next(quiet)) {
      if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
        text += delivery->message.payload + ' ';
        outbox_->done(delivery->row->ticket);
      } else if (const auto* warning = std::get_if<Warning>(&std::get<Notice>(*incoming))) {
        const bool full = warning->text.find("can't be written") != std::string::npos;
        text += full ? "full " : warning->text + ' ';
      } else if (std::holds_alternative<OutboxLost>(std::get<Notice>(*incoming))) {
        text += "lost ";
      }
    }
    return text;
  }

 private:
  Subscription outbox_;
};

}  // namespace

TEST_CASE("a promotion without the last changes: a receiver there gets those that survived") {
  OutboxSite site;
  auto& standby = site.cluster.add_replica();
  auto at_primary = OutboxSite::open(site.options(site.primary, "primary"));
  auto at_standby = OutboxSite::open(site.options(standby, "standby"));
  for (const auto* name : {"kept1", "kept2", "kept3"}) site.announce(name);
  const Names kept{"kept1", "kept2", "kept3"};
  CHECK(take(*at_primary, 3) == kept);
  CHECK(take(*at_standby, 2) == Names{"kept1", "kept2"});
  site.settle(standby);
  standby.append_config("primary_conninfo = ''\n");
  REQUIRE(eventually(
      20s, [&] { return standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == "0"; }));
  for (const auto* name : {"lost1", "lost2", "lost3"}) site.announce(name);
  CHECK(take(*at_primary, 3) == Names{"lost1", "lost2", "lost3"});
  const auto first_lost = transaction_of(site.primary, "lost1");
  const auto last_lost = transaction_of(site.primary, "lost2");
  at_primary.reset();  // lost3 was not taken
  site.primary.crash();

  standby.promote();
  for (const auto* name : {"new1", "new2", "new3", "new4"}) {
    standby.execute(std::string("SELECT tidegate.announce('t', '") + name + "')");
  }
  // These transactions have the ids of those that were lost.
  CHECK(transaction_of(standby, "new1") <= last_lost);
  CHECK(take(*at_standby, 5) == Names{"kept3", "new1", "new2", "new3", "new4"});
  check_quiet(*at_standby);

  at_primary = OutboxSite::open(site.options(standby, "primary"));
  const auto lost = next_notice<OutboxLost>(*at_primary);
  REQUIRE(lost.has_value());
  CHECK(lost->why == OutboxLost::Why::undone);
  CHECK(lost->first <= first_lost);
  CHECK(lost->last >= last_lost);
  // From there on rows come again, and none of those that were lost.
  const auto again = take(*at_primary, 4);
  const std::multiset<std::string> got(again.begin(), again.end());
  std::multiset<std::string> rest(got);
  while (const auto delivery = next_delivery(*at_primary, 300ms)) {
    rest.insert(delivery->message.payload);
  }
  for (const auto* name : {"new1", "new2", "new3", "new4"}) CHECK(rest.count(name) == 1);
  for (const auto* name : {"lost1", "lost2", "lost3"}) CHECK(rest.count(name) == 0);
}

TEST_CASE("a receiver that was down for 100,000 announcements catches up in little memory" *
          long_test) {
  OutboxSite site;
  constexpr int count = 100'000;
  announce_in_slices(site.primary, count);
  const auto began = std::chrono::steady_clock::now();
  const auto told = in_child(
      [&] {
        const MemoryWatch memory(getpid());
        const auto wrong = take_in_order(site.options(site.primary), count);
        return wrong.empty() ? std::to_string(memory.grown() / 1024) : wrong;
      },
      120s);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  REQUIRE_MESSAGE(told.find_first_not_of("0123456789") == std::string::npos, told);
  if (!sanitized) CHECK(std::stoul(told) < 16 * 1024);
  MESSAGE(count, " announcements in ", took.count(), " s and ", told, " KiB");
}

TEST_CASE("rows that were removed before they were read are told, also to an older cursor") {
  OutboxSite site;
  auto& standby = site.cluster.add_replica();
  const auto options = site.options(standby);
  auto outbox = OutboxSite::open(options);
  for (const auto* name : {"1", "2"}) site.announce(name);
  CHECK(take(*outbox, 2) == Names{"1", "2"});
  outbox.reset();  // the second was not taken
  const auto cursor = fs::path(options.cursor_file);
  fs::copy_file(cursor, site.directory.path() / "older");
  for (const auto* name : {"3", "4"}) site.announce(name);
  const auto missed = transaction_of(site.primary, "2");
  const auto last = transaction_of(site.primary, "4");
  remove_all(site.primary);
  site.announce("5");
  site.settle(standby);
  for (const auto* life : {"its own", "restored"}) {
    CAPTURE(life);
    outbox = OutboxSite::open(options);
    const auto lost = next_notice<OutboxLost>(*outbox);
    REQUIRE(lost.has_value());
    CHECK(lost->why == OutboxLost::Why::removed);
    CHECK(lost->first == missed);
    CHECK(lost->last == last);
    CHECK(take(*outbox, 1) == Names{"5"});
    check_quiet(*outbox);
    outbox.reset();
    outbox = OutboxSite::open(options);
    CHECK_FALSE(next_notice<OutboxLost>(*outbox, 300ms).has_value());
    outbox.reset();
    fs::copy_file(site.directory.path() / "older", cursor, fs::copy_options::overwrite_existing);
  }
}

TEST_CASE("a standby that is set back to an older copy brings nothing twice, and losses are told") {
  OutboxSite site;
  auto& standby = site.cluster.add_replica();
  const auto options = site.options(standby);
  site.announce("1");
  auto outbox = OutboxSite::open(options);
  CHECK(take(*outbox, 1) == Names{"1"});
  site.settle(standby);
  standby.stop();
  const auto data = standby.data_directory();
  const auto older = site.cluster.directory() / "older";
  run({.arguments = {"cp", "-a", data, older}}, 60s);
  const auto set_back = [&] {
    fs::remove_all(data);
    run({.arguments = {"cp", "-a", older, data}}, 60s);
    standby.start();
  };
  standby.start();
  for (const auto* name : {"2", "3"}) site.announce(name);
  CHECK(take(*outbox, 2) == Names{"2", "3"});
  standby.stop();
  set_back();
  site.announce("4");
  CHECK(take(*outbox, 1) == Names{"4"});
  check_quiet(*outbox);

  standby.stop();
  site.announce("5");
  const auto missed = transaction_of(site.primary, "5");
  remove_all(site.primary);
  set_back();
  const auto lost = next_notice<OutboxLost>(*outbox);
  REQUIRE(lost.has_value());
  CHECK(lost->why == OutboxLost::Why::removed);
  CHECK(lost->first <= missed);
  CHECK(lost->last == missed);
  site.announce("6");
  // The standby may have shown the fifth before it replayed the removal.
  auto names = take(*outbox, 1);
  if (names == Names{"5"}) names = take(*outbox, 1);
  CHECK(names == Names{"6"});
  check_quiet(*outbox);
}

TEST_CASE("while the disk is full a subscription goes on, warns once, and writes again later" *
          long_test) {
  OutboxSite site;
  auto options = site.options(site.primary);
  options.taken_by_done = true;
  announce_many(site.primary, 1, 2);
  const auto told = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    Story story(options);
    auto text = story.more() + "| ";
    fill_disk(3);
    announce_many(site.primary, 3, 5);
    text += story.more(2500ms) + "| ";
    fill_disk(RLIM_INFINITY);
    text += story.more(1500ms) + "| ";
    fill_disk(3);
    announce_many(site.primary, 6, 6);
    return text + story.more();  // it is still full where this process ends
  });
  CHECK(told == "1 2 | 3 4 5 full | | 6 full ");
  // As of an acknowledgement for which there was not room enough.
  std::ofstream(options.cursor_file, std::ios::app) << "done 7";
  auto outbox = OutboxSite::open(options);
  const auto again = next_delivery(*outbox);
  REQUIRE(again.has_value());
  CHECK(again->message.payload == "6");
  check_quiet(*outbox);
}

TEST_CASE("a cursor's file that can't be written is tried once a second, however often one reads") {
  const TemporaryDirectory directory("outbox");
  const auto path = directory.path() / "cursor";
  const auto in_the_way = directory.path() / "cursor.new";
  fs::create_directory(in_the_way);
  std::optional<outbox::Cursor> none;
  auto cursor = peer::OutboxCursor::open(path, none).value();
  const outbox::Reader reader(
      outbox::cursor_from_text("outbox1 postgres:7:1:0/16B3748 745 -").value());
  const Instant now(1h);
  cursor.moved(now);
  CHECK(cursor.deadline() == now);
  CHECK(cursor.write(reader, now).has_value());
  cursor.moved(now + 20ms);
  CHECK(cursor.deadline() == now + 1s);
  fs::remove(in_the_way);
  CHECK_FALSE(cursor.write(reader, now + 1s).has_value());
  CHECK(fs::file_size(path) > 0);
}
