// A database server as seen from a loop, as three machines: one watches the server that the
// application reads, one reads the outbox there, and one asks the primary which position covers a
// commit. An implementation has a folder of its own beside this file; servers.hpp picks it.
//
// A reader tells the node's own inputs (lib/gate/server_event.hpp). It connects by itself, again
// and again; that a server is down comes when one was up, and again when the reason has changed,
// not for every failed attempt. A question under way is gone with it. A question that was
// cancelled, or whose connection was cut though the server is well, is asked again without a word.
//
// The driver of a reader waits for interest() or deadline() and calls advance(), which does what
// can be done now; calling it early or late is harmless. Nothing blocks. Threads: one at a time.
#pragma once

#include <memory>
#include <optional>

#include "lib/gate/server_event.hpp"
#include "lib/outbox/reading.hpp"
#include "peer/io/interest.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::servers {

class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  // Every call that is not const may change both.
  [[nodiscard]] virtual io::Interest interest() const = 0;
  [[nodiscard]] virtual Instant deadline() const = 0;

  // Appends what happened. Connects with the first call.
  virtual void advance(Instant now, gate::ServerEvents& events) = 0;

  // The server is up and no question is under way.
  [[nodiscard]] virtual bool ready() const = 0;
};

class CommitPositionReader : public Reader {
 public:
  // Each needs ready() and ends in one CommitPositionRead or in PrimaryDown, or by leave_server().
  // The answer speaks for the commits that had returned before the call; for later ones ask again.
  virtual void query(Instant now) = 0;
  // Makes everything durable that was written so far, then reads: `flush` has then reached every
  // insert LSN read before.
  virtual void nudge(Instant now) = 0;

  // The server is no primary, whatever it says. Leaves it without an event and connects again after
  // the usual pause, first to another server where the connection string names several.
  virtual void leave_server(Instant now) = 0;
};

class ReplayReader : public Reader {
 public:
  // Asks once; ends in a ReplayPositionRead or in ServerDown. Does nothing unless ready(): the
  // reading under way answers too, or the one that follows every ServerUp unasked.
  virtual void read(Instant now) = 0;

  // As of the last answer the server is one where changes are committed. False while none is up.
  [[nodiscard]] virtual bool is_primary() const = 0;

  // Asks the same server for commit positions, for when it is a primary.
  [[nodiscard]] virtual std::unique_ptr<CommitPositionReader> commit_position_reader() const = 0;
};

// Its events tell of the server alone.
class OutboxReader : public Reader {
 public:
  // Does nothing unless ready().
  virtual void read(const outbox::Question& question, Instant now) = 0;

  // The answer, once; none while the question is under way, when it is gone with the server's
  // session, and when the server could not tell just now: ask again. An error: there is no outbox,
  // or no right to it.
  [[nodiscard]] virtual std::optional<Result<outbox::Reading>> take() = 0;
};

}  // namespace tidegate::servers
