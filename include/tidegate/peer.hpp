// A peer: one member of the mesh, inside the application's process. This is the public C++ API.
//
//     auto peer = tidegate::Peer::start({.name = "app-1", .database = "host=replica"});
//     if (!peer) return complain(peer.error().message);
//     (*peer)->subscribe(tidegate::Pattern::all());
//     while (auto incoming = (*peer)->next(std::chrono::seconds(1))) { ... }
//
// Two classes, by who runs the loop that owns the sockets:
// - Peer: a thread of its own, or one of the application while it waits in next(), so that what
//   comes needs no hop from thread to thread. Every member function may be called from any thread;
//   user code never runs on the loop, so a slow handler never stops it. When the application has
//   just taken something, the loop may rest for some 20 ms before the peer's thread goes on.
// - DrivenPeer: the application, which calls run_once() from one thread. No lock is between, so it
//   is the faster one in a flood. A peer that is not run for seconds looks dead to the others.
//
// A peer does not receive its own messages unless Options::own_messages says so.
//
// Timeouts: milliseconds::max() waits without end, a negative one not at all. A signal that arrives
// meanwhile changes nothing, and the peer's own threads leave all signals to the application's.
//
// Handlers. The handler of on_incoming() may call everything, and may destroy the peer:
//
//     call in the handler          Peer                        DrivenPeer
//     publish, subscribe, status   as always                   as always
//     run_once, wait_ready,        waits                       runs the loop; this call of the
//     covered                                                  handler has to end before the next
//     next                         nothing, at once            nothing, at once
//     on_incoming                  refused                     refused
//     leave                        leaves; the rest is handed  leaves; the rest is handed out
//                                  out afterwards              afterwards
//     destroying the peer          leaves; nothing is handed   leaves; nothing is handed out
//                                  out afterwards              afterwards
//     an exception leaves it       ends the program            leaves the call that runs the loop;
//                                                              the next run_once() goes on
//
// fork(). A peer belongs to the process that has started it. In a child every call refuses:
// publish() answers other_process, next() gives nothing and wait_ready() false, both at once,
// status() is empty, covered() unknown, descriptor() is -1. Destroying it there only lets go of it:
// it says no farewell and stays whole in the parent. A child may start peers of its own. A child
// that goes on without exec() keeps the sockets open that it has inherited, and the lock of a state
// file: until it ends, the ports and the file stay taken.
//
// Limits. A process that has too few threads, descriptors or memory left is refused by start(),
// with an error that names the limit. It wants 64 free descriptors; later a peer needs about 5 for
// each other peer. start() raises the soft limit of open files to the hard one.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/covered.hpp"
#include "tidegate/export.hpp"
#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"
#include "tidegate/status.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/topic.hpp"

namespace tidegate {

class DrivenPeer;

// Of the library itself: how its tests put something else in the place of sockets and servers.
namespace peer {
struct World;
[[nodiscard]] std::unique_ptr<DrivenPeer> drive(Options options, World world);
}  // namespace peer

// The answer of publish(). Only `accepted` means that the message will be sent or reported, by a
// Sent, a Received or an Unpublished with its ticket; after any other answer the call had no
// effect.
enum class Publish : std::uint8_t {
  accepted,
  queue_full,         // `unsent_bytes` wait already: try again later, or slow down
  payload_too_large,  // longer than `payload_bytes`
  bad_headers,        // not as Message::headers must be: too many or too long, a name that is empty
                      // or stands twice, or no UTF-8
  // AfterCommit, but this peer has no primary to ask; give it one. If the server that it reads may
  // have been promoted just now, try again: it is looking. (Before it has met that server it
  // accepts; if that is a standby then, the message comes back as Unpublished.)
  no_primary,
  no_database,    // AfterRead, but this peer reads no server
  leaving,        // leave() was called
  other_process,  // this process was forked from that of the peer
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Publish answer);

struct Published {
  Publish answer = Publish::accepted;
  Ticket ticket = 0;  // of an accepted message; 0 after any other answer

  operator Publish() const { return answer; }
};

// The answer of when_covered() and of when_traced(). After any other than `accepted` the call had
// no effect.
enum class Ask : std::uint8_t {
  accepted,
  // 16,384 answers have not come or are not taken, or 64 of those that ask everywhere, or 4 traces.
  too_many,
  bad_pattern,  // of a trace: it has more than 1,024 bytes as text, or is no UTF-8
  leaving,
  other_process,
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Ask answer);

struct Asked {
  Ask answer = Ask::accepted;
  Ticket ticket = 0;  // if accepted; counts apart from those of publish()

  operator Ask() const { return answer; }
};

class TIDEGATE_EXPORT Peer {
 public:
  // Binds the sockets and starts to beacon. Refused when an option is wrong (all that are wrong are
  // named), when no port is free, an interface does not exist, or the process may not have what a
  // peer needs. A server that does not answer is no reason to refuse: the peer starts, says so in a
  // Notice, and tries again.
  static Result<std::unique_ptr<Peer>> start(Options options);

  // Leaves politely as leave() does, if that was not called before. No other thread may be in a
  // call then, but that of the handler.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Hands a message to the loop. Messages are sent in the order of the calls, those of several
  // threads in some order; a message that waits for its position holds up those behind it.
  [[nodiscard]] Published publish(Publication publication);
  [[nodiscard]] Published publish(Topic topic, std::string payload,
                                  Dependency dependency = NoChange{});

  // A message released from now on is delivered if any subscription matches it. One that had
  // arrived before and is still held counts too, so: subscribe, then look at the database, then
  // wait, and no change can fall between.
  void subscribe(Pattern pattern);
  void unsubscribe(const Pattern& pattern);

  // The next delivery or notice; nothing when none came within the timeout, or, at once, when the
  // peer has left and everything has been taken.
  std::optional<Incoming> next(std::chrono::milliseconds timeout);

  // Readable, in the sense of poll(2), while next(0) may have something. Valid as long as the peer;
  // never read from it.
  [[nodiscard]] int descriptor() const;

  // Pushes instead: the handler is called from a thread that belongs to it alone, one call at a
  // time; next() answers nothing from then on. An error when there is a handler already, or no
  // thread for it.
  [[nodiscard]] std::optional<Error> on_incoming(std::function<void(Incoming)> handler);

  // Whether the server that this application reads shows the position: whether an application that
  // has written finds its own write there. Waits for the change until the timeout. Without one it
  // is answered by what is known, or else by one reading of the server for all who ask at that
  // moment, within a second. Nothing is asked of the server where the answer can't change any more.
  //
  //     const auto position = parse_token(cookie);
  //     if (position && peer.covered(*position) == Covered::visible) return read(replica);
  //     return read(primary);
  //
  // Any number of threads may wait, at the cost of one reading for all.
  [[nodiscard]] Covered covered(const Position& position,
                                std::chrono::milliseconds timeout = std::chrono::milliseconds(0));

  // The same as a notice, Coverage, for an application that does not block: when it is known that
  // the change is visible or never will be, or when the time is over. It can be asked of all
  // members, which answer for the servers that they read; that takes a second at the least where
  // one does not answer.
  [[nodiscard]] Asked when_covered(const Position& position, std::chrono::milliseconds timeout,
                                   Where where = Where::here);

  // Waits until `count` other peers are ready: they will receive all that is published from now
  // on. False when the time is over, or the peer leaves. Deliveries and notices stay in line
  // meanwhile.
  [[nodiscard]] bool wait_ready(std::size_t count, std::chrono::milliseconds timeout);

  [[nodiscard]] Status status();

  // Asks positions of the primary although later histories were seen, of the server that is read or
  // in messages: their promotion was taken back. Does nothing while no primary answers. Notices say
  // which histories are given up.
  void trust_primary();

  // Takes on the keys that `key_file` has now, without a stop: connections are made anew where they
  // have to be, and what is missed meanwhile is fetched. The answer has the names of the keys that
  // are accepted; the first one is used. An error says why nothing was changed, and what to do: the
  // file can't be used, the keys came as text, or the peer was started without a key.
  [[nodiscard]] Result<std::vector<std::string>> reload_keys();

  // The same with the text of such a file, for an application that keeps its secrets elsewhere.
  [[nodiscard]] Result<std::vector<std::string>> use_keys(const std::string& text);

  // Sends what is not sent yet, waiting for positions and for acknowledgements no longer than
  // `timeout`, says farewell and closes the sockets. Messages that could not be sent come as
  // Unpublished. Deliveries that had
  // been released can still be taken with next(). A second call waits for the first one.
  void leave(std::chrono::milliseconds timeout = std::chrono::seconds(2));

 private:
  class Thread;
  explicit Peer(std::shared_ptr<Thread> thread);

  std::shared_ptr<Thread> thread_;  // shared with the thread of the handler
};

// As a Peer, where nothing else is said. One thread at a time.
class TIDEGATE_EXPORT DrivenPeer {
 public:
  static Result<std::unique_ptr<DrivenPeer>> start(Options options);

  ~DrivenPeer();
  DrivenPeer(const DrivenPeer&) = delete;
  DrivenPeer& operator=(const DrivenPeer&) = delete;

  // The first message since the last run_once() goes out at once, if those before have gone to all
  // readers; the others go together with the next run_once(), or when they fill a frame.
  [[nodiscard]] Published publish(Publication publication);
  [[nodiscard]] Published publish(Topic topic, std::string payload,
                                  Dependency dependency = NoChange{});

  void subscribe(Pattern pattern);
  void unsubscribe(const Pattern& pattern);

  // Waits until there is something to do, or for the timeout, and does it. May return earlier.
  void run_once(std::chrono::milliseconds timeout);

  // Runs the loop meanwhile.
  std::optional<Incoming> next(std::chrono::milliseconds timeout);

  // Readable, in the sense of poll(2), while run_once(0) has something to do.
  [[nodiscard]] int descriptor() const;

  // Pushes instead: the handler is called from this call, run_once(), wait_ready() and leave();
  // next() answers nothing from then on. An error when there is a handler already.
  [[nodiscard]] std::optional<Error> on_incoming(std::function<void(Incoming)> handler);

  // A line for each frame, question and decision, for somebody who looks for an error. Nothing is
  // written without a handler. It is called in the midst of the loop: it must not throw, nor call
  // the peer.
  void on_trace(std::function<void(std::string_view)> handler);

  // Follows the next message that any peer publishes on these topics, and tells the time of its
  // steps in a notice, Traced: when all peers that were asked have delivered it, or when the time
  // is over, and then how far it has come.
  [[nodiscard]] Asked when_traced(const Pattern& pattern, std::chrono::milliseconds timeout);

  // Runs the loop meanwhile, unless the answer is known.
  [[nodiscard]] Covered covered(const Position& position,
                                std::chrono::milliseconds timeout = std::chrono::milliseconds(0));
  [[nodiscard]] Asked when_covered(const Position& position, std::chrono::milliseconds timeout,
                                   Where where = Where::here);

  // Runs the loop meanwhile.
  [[nodiscard]] bool wait_ready(std::size_t count, std::chrono::milliseconds timeout);

  [[nodiscard]] Status status();

  // Where a later life can resume each stream (Options::resume) without missing or repeating any of
  // what has been taken from this peer: all before has been taken, or no pattern matched it. This
  // peer's own stream is among them if its application receives it. Nothing is answered while
  // deliveries or reports of lost messages wait to be taken.
  [[nodiscard]] std::vector<Cursor> cursors();

  // Lets all members test their ways to each other, for somebody who looks for the cause of an
  // outage; that takes up to four seconds, and costs a connection for each pair. The handler is
  // called once, in the midst of the loop: it must not throw, nor call the peer.
  void survey(std::function<void(const Survey&)> handler);

  void trust_primary();

  [[nodiscard]] Result<std::vector<std::string>> reload_keys();
  [[nodiscard]] Result<std::vector<std::string>> use_keys(const std::string& text);

  // Runs the loop meanwhile.
  void leave(std::chrono::milliseconds timeout = std::chrono::seconds(2));

 private:
  friend std::unique_ptr<DrivenPeer> peer::drive(Options options, peer::World world);

  struct Parts;
  explicit DrivenPeer(std::shared_ptr<Parts> parts);

  std::shared_ptr<Parts> parts_;  // kept by a call from which the handler destroys the peer
};

}  // namespace tidegate
