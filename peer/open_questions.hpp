// The questions of an application about positions (Peer::when_covered) that it has not taken the
// answers to. They are counted until then, and so their number is bounded wherever they are: in the
// mailbox, in the node, in the inbox.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include "lib/base/limits.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"

namespace tidegate::peer {

class OpenQuestions {
 public:
  // Of a question that a call waits for: it is not counted.
  [[nodiscard]] Ticket number() {
    const std::lock_guard lock(mutex_);
    return ++last_;
  }

  // nullopt: too many are open.
  [[nodiscard]] std::optional<Ticket> open(Where where) {
    const std::lock_guard lock(mutex_);
    const bool all = where == Where::everywhere;
    if (open_.size() >= base::limits::questions ||
        (all && everywhere_ >= base::limits::questions_everywhere)) {
      return std::nullopt;
    }
    if (all) ++everywhere_;
    open_.emplace(++last_, where);
    return last_;
  }

  void close(Ticket ticket) {
    const std::lock_guard lock(mutex_);
    const auto question = open_.find(ticket);
    if (question == open_.end()) return;
    if (question->second == Where::everywhere) --everywhere_;
    open_.erase(question);
  }

 private:
  std::mutex mutex_;
  Ticket last_ = 0;
  std::map<Ticket, Where> open_;
  std::size_t everywhere_ = 0;
};

}  // namespace tidegate::peer
