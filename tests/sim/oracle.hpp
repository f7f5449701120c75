// Judges a run: sees everything that happens to the peers, knows the true history, and says which
// promise was broken first.
//
// It shares no code with lib/ but the plain structs: it compares positions in its own way and asks
// the history of the database model, not a reading, what a server shows.
//
// S1 nothing early            at the last reading of the server's present life the change was there
// S2 nothing lost             a message is neither sent nor delivered for a change that is gone
// S3 at most once             for each (origin, sequence), and never both delivered and reported; a
//                             stream that goes on in a later life is one
// S4 the order of publishing  sequences rise
// S5 the release order        among messages that were held at the same time, and not overdue
// S6 causality                own or inherited position covers the furthest that its peer has
//                             published and delivered in that cluster; and it is delivered only
//                             where that is visible or lost
// "primary"                   no message carries the position of a primary that the last reading of
//                             the own server contradicts
// B1 the bounds
// L1 liveness                 while all is well nothing takes long to be sent, or to be delivered
// N1 no silent loss           checked at the end: delivered, reported, or nobody asked for it; and
//                             nothing is given up that a publisher that is there retains; every
//                             accepted message is answered once, in the order of the tickets
//                             apart from those that need not wait;
//                             between two peers "ready" and "gone" take turns
// "received"                  each peer that was ready when an acknowledged message was sent, and
// is
//                             not named by its Received, delivers it or reports it with a reason
//                             other than a loss, whatever happens to its publisher; and each such
//                             message is answered once
// "resume"                    a life that goes on where a former one has ended gets nothing that
//                             lies before, and all that lies behind
// "links"                     nothing is connected that no member needs, checked at the end
// "reason": what is reported has the reason that is true: orphaned only if the change is gone, in
//           doubt only if nobody can tell
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/sessions.hpp"
#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"

namespace tidegate::sim {

inline constexpr std::size_t topics = 4;
inline constexpr std::size_t largest_message = 2500;  // bytes, as the bounds count them

struct Totals {
  std::uint64_t published = 0;
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t missing = 0;
  std::uint64_t expired = 0;
  std::uint64_t overdue = 0;
  std::uint64_t late = 0;
  std::uint64_t orphaned = 0;
  std::uint64_t in_doubt = 0;
  std::uint64_t in_doubt_but_there = 0;  // its change survived
  std::uint64_t foreign = 0;
  std::uint64_t unpublished = 0;
  std::uint64_t undone = 0;
  std::uint64_t received = 0;
  std::uint64_t without = 0;    // peers that were named
  std::uint64_t resumed = 0;    // streams
  std::uint64_t questions = 0;  // that were answered
  std::uint64_t checked_at_end = 0;

  void add(const Totals& other);
};

// The dependency that the application gave when it published.
struct Note {
  enum class Kind : std::uint8_t {
    after_commit,
    position,
    loose,  // a position that is wrong: it is that of no change
    no_change,
  };
  Kind kind = Kind::no_change;
  ChangeId change = no_such_change;  // no_change: the one that it answers, if any
  std::size_t topic = 0;
  Instant at;              // of publish()
  bool elsewhere = false;  // committed on another primary than the one that its peer asks
  bool apart = false;      // to be sent before those that wait
  bool acknowledged = false;
  std::int64_t told_by = 0;        // a position by number alone: the start of the primary; else 0
  std::optional<Place> read = {};  // what its application has read: all of its server up to here

  [[nodiscard]] bool has_change() const {
    return kind == Kind::after_commit || kind == Kind::position;
  }
};

class Oracle {
 public:
  explicit Oracle(const History& history) : history_(history) {}

  // The first broken promise, with what was expected and seen.
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
  void fail(const std::string& rule, const std::string& what);

  // --- what happens, in its order ---------------------------------------------------------------
  struct Birth {
    Origin origin;
    std::string name;
    bool gated = true;
    std::uint64_t system = 0;  // of the server that it reads
    Options options;
    Instant at;
    std::optional<LifeId> continues = {};  // the life whose stream it goes on with
  };
  void born(LifeId life, const Birth& birth);
  void died(LifeId life);

  // The payload of the next message; the notes are numbered for each life from 1.
  [[nodiscard]] std::string payload_for(LifeId life) const;
  void published(LifeId life, const Note& note);
  void sent(LifeId id, const mesh::Data& data, Instant now);
  void told_sent(LifeId id, const Sent& notice);  // before the frame itself
  // The last of the sent messages are acknowledged by these lives, which are ready.
  void awaits(LifeId id, std::size_t sent, const std::vector<LifeId>& ready);
  void received(LifeId id, const Received& notice);
  void unpublished(LifeId id, const Unpublished& notice);
  void undone(LifeId id, const Undone& notice);
  void farewell(LifeId id);
  void leaves(LifeId life);

  void primary_known(LifeId life, const ServerIncarnation& incarnation) {
    lives_[life].primary = incarnation;
  }
  void server_known(LifeId life, const ServerIncarnation& incarnation) {
    lives_[life].server = incarnation;
  }
  void primary_met(LifeId life, const ServerIncarnation& incarnation) {
    lives_[life].met.insert({incarnation.cluster, incarnation.started});
  }
  void primary_left(LifeId life);     // by the peer, which has found that it is none
  void primary_trusted(LifeId life);  // by its operator
  void read(LifeId life, const Truth& truth);
  void server_down(LifeId life);

  void delivered(LifeId id, const Delivery& delivery, Instant now);
  void undelivered(LifeId id, const Undelivered& notice, Instant now);
  void ready(LifeId life, const Origin& other);
  void gone(LifeId life, const Origin& other);
  void subscribed(LifeId life, std::size_t topic, bool wanted, Instant now);
  void seen(LifeId life, const Status& status);
  void asked(LifeId id, Ticket ticket, const Position& position, Duration timeout, Where where,
             Instant now);
  void covered(LifeId id, const Coverage& coverage);

  // All is well from now on.
  void calm(Instant now) { calm_since_ = now; }

  // Nothing is under way any more.
  void finish();
  void finish_questions(Instant now);

  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] std::optional<LifeId> life_of(const Origin& origin) const;
  // The author of this sequence, and its number among the author's own.
  [[nodiscard]] std::optional<std::pair<LifeId, std::uint64_t>> author_of(
      const Origin& publisher, std::uint64_t sequence) const;
  [[nodiscard]] const std::string& name_of(LifeId life) const { return lives_[life].birth.name; }
  // How far the application of this life has come with each stream.
  [[nodiscard]] std::vector<Cursor> cursors(LifeId life) const;
  // The topic of a message of this origin; for replies.
  [[nodiscard]] ChangeId change_of(const Origin& origin, std::uint64_t sequence) const;

 private:
  // (timeline, LSN, origin, sequence)
  struct Key {
    std::uint32_t timeline = 0;
    std::uint64_t lsn = 0;
    Origin origin;
    std::uint64_t sequence = 0;

    friend auto operator<=>(const Key&, const Key&) = default;
  };
  enum class Visibility : std::uint8_t { none, delivered, reported };
  struct Streamed {
    std::size_t note = 0;
    std::optional<Position> position;
    std::optional<Position> inherited;
    Instant at;
    bool misled = false;  // its position is another primary's, which its peer could not know
    bool undone = false;  // its publisher was told
    std::vector<LifeId> awaited = {};  // have to confirm it
    Key reached = {};                  // of the places of the stream up to here the last
    std::size_t bytes = 0;  // of the stream up to here, as they are counted in its window
  };
  struct CommitPositionRead {  // for publication
    Note note;
    std::optional<ServerIncarnation> primary;  // known when it was published
    std::optional<ServerIncarnation> server;   // that is read, known then
    bool left = false;                         // sent or given back
    bool denied = false;                       // its primary turned out to be none
    bool answered = false;
    bool received = false;
    std::uint64_t sequence = 0;  // its own, once it is sent
  };
  struct Fate {
    Visibility visibility = Visibility::none;
    bool lost = false;      // is reported so
    bool promised = false;  // the receiver has confirmed that it has it
    Instant at;             // of its delivery or report
  };
  struct Share {              // what a life got from another
    std::uint64_t bound = 0;  // must account for all from here on; 0: nothing
    std::uint64_t last = 0;   // delivered
    bool present = false;     // ready, and not gone since
    bool resumed = false;     // from `bound` on
    std::vector<Fate> fates;  // of sequence i + 1
  };
  struct Released {
    Instant at;
    Key key;
    std::optional<Truth> shown;  // by the server, then
  };
  struct Question {
    Position position;
    Instant until;
    Where where = Where::here;
    std::uint64_t servers = 0;  // that its peer had read when it was asked
  };
  struct Life {
    Birth birth;
    Origin publisher;          // of the first life of its stream
    std::uint64_t before = 0;  // sequences of that stream that earlier lives have sent
    Key reached;               // of the places of its stream the last
    bool alive = false;
    bool leaving = false;
    std::vector<CommitPositionRead> asked;
    std::size_t last_left = 0;
    Ticket last_answered = 0;         // of those that keep their order
    std::uint64_t last_received = 0;  // its sequence
    std::deque<Sent> told{};  // that are said to be sent, and whose frame has not been seen yet
    std::vector<Streamed> stream;
    std::map<std::uint64_t, Place> highest;  // published or delivered, by cluster
    std::optional<ServerIncarnation> primary;
    std::set<std::pair<ClusterId, std::int64_t>> met;  // starts of primaries
    std::optional<ServerIncarnation> server;           // that is read
    bool denied = false;                               // a primary was met and left
    std::optional<Truth> shown;
    std::optional<Truth> last_shown;  // also while the server is down
    std::array<bool, topics> wants{};
    std::array<Instant, topics> unwanted_until{};
    std::vector<Share> from;                 // by life
    std::map<Ticket, Question> questions{};  // that are open
    std::uint64_t servers = 0;               // or histories of one, that it has read
    std::vector<Released> released;          // whose keys nothing behind them exceeds
  };

  bool knows(LifeId id, const Origin& origin, std::uint64_t& sequence, const std::string& doing,
             LifeId& author);
  void resume(LifeId id, const Cursor& cursor);
  Fate& fate_of(Share& share, std::uint64_t sequence);
  void check_promises(LifeId id, LifeId author);
  void check_received(const Life& life);
  void decide(LifeId id, LifeId author, std::uint64_t sequence, Visibility visibility, Instant now);
  void answered(Life& life, Ticket ticket);
  void check_soon(const std::string& who, const char* what, Instant since, Instant now);
  void check_told(Life& life, Ticket ticket, const std::optional<Position>& position);
  void check_visible(const Life& life, const Streamed& sent, const Note& note,
                     const std::string& who);
  void check_covered(const Life& life, const Position& position, Covered covered,
                     const std::string& who);
  void check_order(Life& life, LifeId author, std::uint64_t sequence,
                   std::optional<Instant> arrived, Instant now, const std::string& who);
  void check_covers(const Life& life, const Message& message, const Note& note,
                    const std::string& who, bool misled);
  [[nodiscard]] bool check_primary(const Life& life, const Position& position, const Note& note,
                                   const std::string& who);
  void raise(Life& life, const Position& position);
  void raise(Life& life, const Place& place);
  [[nodiscard]] bool shows(const std::optional<Truth>& shown, const Position& position) const;
  [[nodiscard]] bool lost_at(const Truth& shown, const Position& position) const;
  [[nodiscard]] bool parted_from(const Life& life, const std::optional<Position>& own) const;
  [[nodiscard]] bool could_be_there(const Truth& shown, const Position& own) const;
  [[nodiscard]] bool decided(const std::optional<Truth>& shown, const Streamed& sent) const;
  [[nodiscard]] bool could_go(const Released& with, const Life& receiver, LifeId author,
                              std::uint64_t sequence) const;
  [[nodiscard]] Key key_of(LifeId author, std::uint64_t sequence) const;
  Share& from(LifeId life, LifeId author);
  [[nodiscard]] bool goes_on(LifeId author) const;
  [[nodiscard]] static std::uint64_t last_decided(const Share& got);
  [[nodiscard]] std::string label(LifeId author, std::uint64_t sequence) const;
  [[nodiscard]] bool kept(const Life& author, std::uint64_t sequence, Instant now) const;

  const History& history_;
  Instant calm_since_ = never;
  std::optional<std::string> violation_;
  std::vector<Life> lives_;
  std::map<Origin, LifeId> by_origin_;
  std::map<Origin, std::vector<LifeId>> by_publisher_;
  std::vector<Position> loose_;  // that were announced, and are those of no change
  Totals totals_;
};

}  // namespace tidegate::sim
