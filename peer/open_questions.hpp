// The questions of an application, about positions (Peer::when_covered) and about the time that a
// message takes (DrivenPeer::when_traced), that it has not taken the answers to. They are counted
// until then, and so their number is bounded wherever they are: in the mailbox, in the node, in the
// inbox.
//
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
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
    return open(where == Where::here ? Kind::here : Kind::everywhere);
  }
  [[nodiscard]] std::optional<Ticket> open_trace() { return open(Kind::trace); }

  void close(Ticket ticket) {
    const std::lock_guard lock(mutex_);
    const auto question = open_.find(ticket);
    if (question == open_.end()) return;
    --count(question->second);
    open_.erase(question);
  }

 private:
  enum class Kind : std::uint8_t { here, everywhere, trace };
  std::optional<Ticket> open(Kind kind) {
    const std::lock_guard lock(mutex_);
    if (open_.size() >= base::limits::questions || count(kind) >= most(kind)) return std::nullopt;
    ++count(kind);
    open_.emplace(++last_, kind);
    return last_;
  }

  static std::size_t most(Kind kind) {
    switch (kind) {
      case Kind::here:
        return base::limits::questions;
      case Kind::everywhere:
        return base::limits::questions_everywhere;
      case Kind::trace:
        return base::limits::traces_of_asker;
    }
    TIDEGATE_MUST(false);
  }
  std::size_t& count(Kind kind) { return counts_.at(static_cast<std::size_t>(kind)); }

  std::mutex mutex_;
  Ticket last_ = 0;
  std::map<Ticket, Kind> open_;
  std::array<std::size_t, 3> counts_{};  // by kind
};

}  // namespace tidegate::peer
