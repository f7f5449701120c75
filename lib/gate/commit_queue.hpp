// Published messages in the order of their publishing, each until its position is known and safe to
// send.
//
// A message that announces a commit needs a position that covers it, and only the primary can name
// one. One question serves every message that was published before the question was sent.
//
// 1. Order: a message leaves when those before it have left. One that its publisher wants apart
//    never comes here.
// 2. A position is asked for after the message was accepted, so after its COMMIT had returned.
//    (Read inside the transaction it would lie before the commit record: delivered too early.)
// 3. Unless the change is declared durable, the position is the insert LSN, which covers a commit
//    whatever its `synchronous_commit`, and it leaves only once the flush LSN has reached it: after
//    a crash the primary gives an unflushed position to some other change.
// 4. The WAL in front of such a position may be another session's, and unflushed for many seconds.
//    A small durable write, the nudge, makes the primary flush it.
//    A durable position is the flush LSN. That may be the end of a page in the middle of somebody's
//    record, which no replica reaches before the rest is flushed as well: nudged for, too.
// 5. If the primary's life ended between publish and answer, the change may be lost with it (a
//    failover, or a crash before an asynchronous commit was flushed). Such a message is never sent
//    as if nothing had happened: it comes out as lost.
//    tide.hpp says how one life is told from another. A message that was published before any life
//    was known is taken to have survived.
// 6. A position that the caller gives may name its timeline by number only, of which there may be
//    several. With the start of the server that has told it (commit.hpp), it gets the history with
//    which that life of a primary was met. If none was, perhaps since it has just begun, the
//    primary is asked; if that is another one of the same cluster, nobody here can tell on which
//    history the change is, and the message comes out as strange. Without a start, it is taken for
//    the primary's own if the numbers are equal. Where there is nobody to ask, it stays as it is.
// 7. A message that follows from what its application has read waits for a reading of the peer's
//    own server that was asked for after the message was accepted, and leaves with what that
//    showed. If that is another life of a server than the one which was known then, it may show
//    less than was read; and a later reading may tell that what was read is undone. Then the
//    message comes out as unread. Where the own server is the primary, what was read may not be
//    flushed yet, and no receiver's server shows it before: nudged for, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "lib/gate/commit_position.hpp"
#include "tidegate/message.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

class CommitQueue {
 public:
  enum class Query : std::uint8_t { ask, nudge };

  enum class Fate : std::uint8_t {
    sent,
    lost,      // invariant 5: to be reported
    outdated,  // the same, since its primary was none any more
    strange,   // invariant 6
    unread,    // invariant 7
  };
  struct Leaving {
    Message message;
    Ticket ticket = 0;
    Fate fate = Fate::sent;
    std::optional<Position> read = {};  // what the application may have read before
  };

  void push(Message&& message, const Dependency& dependency, Ticket ticket, Instant now);

  // The next message that may leave, if the front one may.
  [[nodiscard]] std::optional<Leaving> pop();

  // There is nobody to ask: those that wait for a position leave as lost. No primary was ever up.
  void no_primary();
  [[nodiscard]] bool met_primary() const { return life_.has_value(); }

  // Everything, whatever it waits for; the queue is empty afterwards.
  [[nodiscard]] std::vector<Leaving> take_all();

  // The query that the primary should be asked now, if any; taken as sent. One at a time.
  [[nodiscard]] std::optional<Query> take_query(Instant now);

  // When take_request() may next have something. push, the answers and the primary's coming and
  // going may change it. Asking early or late is harmless.
  [[nodiscard]] Instant deadline() const;

  // The answer to either request. `primary_down` takes back what was requested.
  void answered(const CommitPosition& reading, Instant now);
  void primary_up(const ServerIncarnation& incarnation, const History& history);
  // The same, of one that is not to be asked: its changes are on that history all the same.
  void primary_met(const ServerIncarnation& incarnation, const History& history);
  void primary_down();
  // It was no primary: nor is anything that it has answered, and that has not left yet, a position.
  void primary_denied(const ServerIncarnation& incarnation);

  // The peer's own server; a reading of it, and when that was asked for.
  void server_up(const ServerIncarnation& server) { server_ = server; }
  void server_showed(const Tide& tide, Instant asked_at);
  // One is wanted that is asked for then, or later.
  [[nodiscard]] std::optional<Instant> reading_wanted() const;

  // Of the position that names its timeline by number only, where the primary was met.
  [[nodiscard]] Position named(const Position& position) const;
  // A message was accepted since the primary has come up whose change was committed by another one
  // on a later timeline.
  [[nodiscard]] bool names_later_than(const CommitPosition& reading) const;

  [[nodiscard]] bool primary_known() const { return up_; }
  [[nodiscard]] bool asked() const { return open_.has_value(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Read {
    Instant accepted;
    std::optional<ServerIncarnation> server;  // known then
    std::optional<Position> shown;            // by it since
  };
  struct Waiting {
    Waiting(Message&& content, Ticket its_ticket, const std::optional<ServerIncarnation>& known)
        : message(std::move(content)), ticket(its_ticket), life(known) {}

    // It waits for an answer of the primary.
    [[nodiscard]] bool asks() const { return after || unnamed_since; }

    Message message;
    Ticket ticket;
    std::optional<AfterCommit> after;          // none: `message.position` is what it will be,
    std::optional<std::size_t> unnamed_since;  // once it has its history; `ups_` at acceptance
    std::optional<Read> read;                  // none: it waits for no reading
    std::optional<ServerIncarnation> life;     // the primary's, when the message was accepted
    Fate fate = Fate::sent;
  };

  struct Met {
    std::int64_t started = 0;
    Branch branch;
  };
  // The branch of the primary that has told the number, if that was met.
  [[nodiscard]] const Branch* met(const Branch& told) const;
  void place(Waiting& waiting, const Position& position);
  void name(Waiting& waiting, const CommitPosition& reading) const;
  [[nodiscard]] bool survived(const Waiting& waiting, const CommitPosition& reading) const;
  [[nodiscard]] bool flushed(const Waiting& waiting) const;
  [[nodiscard]] static bool undone(const Waiting& waiting, const CommitPosition& reading);
  [[nodiscard]] bool unasked() const { return unanswered_ > 0; }
  [[nodiscard]] bool unflushed() const;
  void want_flushed(Lsn place, Instant now);

  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
  std::size_t unanswered_ = 0;  // at the back: have no position yet, or need none and stand among
                                // those that have none
  std::size_t asked_ = 0;       // of the unanswered, from their front: covered by the open request

  std::size_t unread_ = 0;                // wait for a reading
  Instant read_wanted_ = Instant::min();  // the last of them was accepted then
  std::optional<ServerIncarnation> server_;
  History read_history_;  // of the last reading

  bool up_ = false;
  std::optional<Query> open_;                // under way
  std::optional<ServerIncarnation> life_;    // of the primary that was last known
  Branch primary_;                           // and its branch
  std::vector<Met> met_;                     // each start once, the last one at the back
  std::size_t ups_ = 0;                      // how often a primary was up
  std::optional<ServerIncarnation> denied_;  // of the one that was none any more
  std::optional<CommitPosition> reading_;    // the last answer
  Lsn awaited_;                              // the flush for which messages wait, here or elsewhere
  Instant ask_at_ = never;                   // again, to see whether the flush has come
  Instant nudge_at_ = never;
  Duration ask_pause_{};
  Duration nudge_pause_{};
};

}  // namespace tidegate::gate
