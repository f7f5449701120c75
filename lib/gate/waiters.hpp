// Those who want to know whether the server shows a position, and wait for the answer: beside the
// messages that are held, and by the same readings of the server (tide_poll.hpp).
//
// 1. The last reading answers at once whatever it can decide for good. Nobody asks the server then.
// 2. One who does not want to wait for the change is answered by a reading that was asked for at
//    most a moment before the question, so that any number of questions a second cost a bounded
//    number of readings. If none comes, the answer is `unknown`.
// 3. The others stay until a reading decides, or until their time is over. One reading serves all;
//    they come ever more rarely, as for messages (tide_poll.hpp), by the one that has waited
//    longest. While the server stays on its history, a reading looks only at those whose offset it
//    has reached.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/gate/tide_poll.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::gate {

class Waiters {
 public:
  struct Answer {
    Ticket ticket = 0;
    Covered covered = Covered::unknown;
  };

  // No waiting: at the next reading the answer is known.
  void ask_once(Ticket ticket, Position position, const TidePoll& poll, Instant now);
  void ask(Ticket ticket, Position position, const TidePoll& poll, Instant now, Instant until);

  // It is not answered any more, if it has waited.
  void forget(Ticket ticket, const Position& position);

  // Whenever the poll was answered, or its server went away.
  void look(const TidePoll& poll) {
    if (size() > 0) look_at_all(poll);
  }

  // Answers those whose time is over.
  void expire(const TidePoll& poll, Instant now) {
    if (size() > 0) expire_due(poll, now);
  }
  // Answers all.
  void give_up(const TidePoll& poll);

  // Every call that is not const may have answered somebody.
  [[nodiscard]] bool has_answers() const { return !answers_.empty(); }
  [[nodiscard]] std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }

  // For whom the server should be read; nullopt: for nobody.
  [[nodiscard]] std::optional<TidePoll::Waiting> waiting() const {
    return size() > 0 ? std::optional(longest_waiting()) : std::nullopt;
  }
  // When expire() may next have something to do.
  [[nodiscard]] Instant deadline() const { return size() > 0 ? first_end() : never; }
  [[nodiscard]] std::size_t size() const { return once_.size() + waiting_.size(); }

 private:
  struct Once {
    Ticket ticket = 0;
    Position position;
    Instant since;
  };
  struct Waiter {
    Position position;
    Instant since;
    Instant until;
  };
  // The lowest offset first.
  using Key = std::pair<std::uint64_t, Ticket>;

  // Only while somebody waits.
  void look_at_all(const TidePoll& poll);
  void expire_due(const TidePoll& poll, Instant now);
  [[nodiscard]] TidePoll::Waiting longest_waiting() const;
  [[nodiscard]] Instant first_end() const;

  bool answer_once(const Once& asked, const TidePoll& poll);
  using Place = std::map<Key, Waiter>::iterator;
  Place answer(Place waiter, Covered covered);
  Place remove(Place waiter);
  void look_at_waiting(const Tide& tide);

  std::vector<Once> once_;  // as they came
  std::map<Key, Waiter> waiting_;
  std::set<std::pair<Instant, Key>> begins_;  // of those
  std::set<std::pair<Instant, Key>> ends_;
  Instant newest_ = Instant::min();  // the last question that a reading had to answer
  // The reading by which those that wait were looked at, and whether one of them may be decided
  // before its offset is reached.
  std::optional<Tide> looked_with_;
  bool some_stray_ = false;
  std::vector<Answer> answers_;
};

}  // namespace tidegate::gate
