// Announcements that are rows of the database (docs/outbox.md): written in the transaction that
// they announce, and read here from the server that this application reads. So a row is visible
// exactly where and when its change is, goes with it when a failover undoes it, and waits for a
// reader that is away. `tidegate outbox --sql` prints the table and the function that an
// application calls in its transaction:
//
//     SELECT tidegate.announce('builds/42/new', '{"id": 42}')
//
// A durable subscription gets each of them once:
//
//     auto outbox = tidegate::OutboxSubscription::open(
//         {.database = "host=replica", .cursor_file = "/var/lib/app/builds.outbox"});
//     if (!outbox) return complain(outbox.error().message);
//     while (auto incoming = (*outbox)->next(1s)) { ... }
//
// Its deliveries and notices have the face of a peer's (peer.hpp), and `row` besides. The origin is
// the cluster, its incarnation the time of the announcement, and the sequence the id of the row.
//
// 1. Each announcement that is committed is delivered once; one of a transaction that was rolled
//    back, or that a failover has undone, is not. Those of one session come in its order.
// 2. A delivery that the application has taken (done(), or the next next()) never comes again, and
//    one that it has not taken comes again after a restart, whichever process ends, and however.
// 3. Losses are told: OutboxLost (notice.hpp).
//
// The owner runs it: there is no thread in it. Not thread-safe, except wake(). It belongs to the
// process that has opened it: in one that comes out of fork() it gives nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tidegate/export.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"

namespace tidegate {

struct OutboxOptions {
  // libpq connection string of the server that this application reads; see Options::database. The
  // role needs the rights of a reader (`tidegate outbox --sql --reader ROLE`).
  std::string database = {};

  // The file in which the subscription keeps how far it has come; it is made if it is not there.
  // For one process at a time. After the end of the machine what was taken in its last second may
  // come again. Empty: the application keeps that (cursor()).
  std::string cursor_file = {};

  // Without a file: where to begin, as cursor() of an earlier life has told. Empty: as `from` says.
  std::string cursor = {};

  // Where one begins that has no cursor yet: with what is committed from now on, or with all that
  // the table still has.
  From from = From::latest;

  // Only these topics; empty: all.
  std::vector<Pattern> patterns = {};

  // False: the next next() says that the delivery before was taken. True: done() says so.
  bool taken_by_done = false;

  // Pause between two readings when nobody calls wake().
  Duration poll = std::chrono::milliseconds(200);
};

// All that is wrong, in the order of the members.
[[nodiscard]] TIDEGATE_EXPORT std::vector<Problem> validate(const OutboxOptions& options);

// The topic of hints. An application that has announced and committed may publish an empty message
// on it through a peer, AfterCommit: where it is delivered the rows are visible, so call wake()
// there. A hint that is lost costs a poll.
[[nodiscard]] TIDEGATE_EXPORT Topic outbox_hint_topic();

class TIDEGATE_EXPORT OutboxSubscription {
 public:
  // Refuses wrong options, a file that is in use or can't be understood, and a process that has no
  // descriptors left. A server that does not answer, or has no outbox, is no error: trouble() tells
  // why nothing comes.
  static Result<std::unique_ptr<OutboxSubscription>> open(OutboxOptions options);

  ~OutboxSubscription();
  OutboxSubscription(const OutboxSubscription&) = delete;
  OutboxSubscription& operator=(const OutboxSubscription&) = delete;

  // The next delivery or notice (OutboxLost, ServerUp, ServerDown, Warning); nothing when none came
  // within the timeout: milliseconds::max() waits without end, a negative one not at all.
  std::optional<Incoming> next(std::chrono::milliseconds timeout);

  // The application has taken the delivery whose `row` has this ticket; in any order. When it
  // returns that survives the end of the process. At most 1000 may be open, then no more come.
  void done(Ticket ticket);

  // Reads at once. From any thread.
  void wake();

  // How far it has come, as text, for an application that keeps that itself, best in the
  // transaction in which it takes the deliveries: all that is done lies before. Empty as long as it
  // has read nothing.
  [[nodiscard]] std::string cursor() const;

  // Readable, in the sense of poll(2), while next(0) has something to do. Valid as long as the
  // subscription; never read from it. -1 in another process.
  [[nodiscard]] int descriptor() const;

  // Why nothing comes, for an operator: the server is down, it has no outbox, a right is missing.
  // Empty: all is well.
  [[nodiscard]] const std::string& trouble() const;

 private:
  struct Parts;
  explicit OutboxSubscription(std::shared_ptr<Parts> parts);

  std::shared_ptr<Parts> parts_;
};

}  // namespace tidegate
