// Holds each message until its change is visible on the server that this master reads, and decides
// when that server should be asked how far it is.
//
// 1. Nothing leaves as covered unless a reading of the server's present life covers it (tide.hpp).
// 2. The server is asked only while the first held message waits for it: at once, then often, then
// ever more rarely,
//    in proportion to how long the first held message has waited. One answer serves all.
// 3. When the server goes away its readings are forgotten: after a crash it may show less.
#pragma once

#include <cstddef>
#include <optional>

#include "instant.hpp"
#include "reorder_queue.hpp"
#include "tide.hpp"

namespace tidegate {

class Gate {
 public:
  // Not gated: there is no server to wait for, everything may go at once, as it came. (Positions
  // may then be of several clusters, and say nothing of the order in which their origins sent
  // them.)
  Gate(bool gated, std::size_t most_bytes) : gated_(gated), most_bytes_(most_bytes) {}

  struct Released {
    Held held;
    Cover cover = Cover::covered;  // covered: deliver; orphaned or foreign: report; never wait
  };

  // False, and nothing taken, when the message does not fit the bound.
  [[nodiscard]] bool hold(Held& held);

  // The next message whose fate is decided, in release order.
  [[nodiscard]] std::optional<Released> release();

  // release() has something.
  [[nodiscard]] bool decided() const { return !queue_.empty() && fate_of_top() != Cover::wait; }

  // Whether the server should be asked now; a true answer counts as asked. Never while the fate of
  // the first message is decided: more readings would not help it.
  [[nodiscard]] bool take_poll(Instant now);

  // When take_poll() may next be true. hold, release and the server's calls may change it. Asking
  // early or late is harmless.
  [[nodiscard]] Instant deadline() const;

  void server_up();
  void polled(std::optional<Tide> tide);  // the answer; none: the last reading still stands
  void server_down();

  [[nodiscard]] bool gated() const { return gated_; }
  [[nodiscard]] const std::optional<Tide>& tide() const { return tide_; }
  [[nodiscard]] const ReorderQueue& held() const { return queue_; }

 private:
  [[nodiscard]] Cover fate_of_top() const;

  bool gated_;
  std::size_t most_bytes_;
  ReorderQueue queue_;
  std::optional<Tide> tide_;
  bool up_ = false;
  bool polling_ = false;
  Instant polled_ = Instant::min();  // when the last poll was sent
};

}  // namespace tidegate
