// The life of a command that is a peer: one thread, one reactor in which the peer, the signals and
// the doors hang. It decides nothing about messages; what a delivery or a notice means is the
// doors'.
//
// Nothing waits but that reactor. While a door is full, deliveries stay in the peer's inbox, and
// beyond `inbox-bytes` held.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "command/doors/door.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/signals.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"

namespace tidegate::commands {

enum class SessionEnd : std::uint8_t {
  stopped,        // by a signal
  door_finished,  // see Door::finished()
  reached,        // the condition
  time_over,      // the bound
};

class Session {
 public:
  // Without signals those end the process.
  Session(DrivenPeer& peer, const io::StopSignals* stop);

  // For doors and timers; outlives them.
  [[nodiscard]] io::Reactor& reactor() { return reactor_; }

  // A door that outlives the session's runs.
  void add(doors::Door& door) { doors_.push_back(&door); }

  // Runs until one of the ends; the peer has not left then. The condition is looked at whenever the
  // reactor was woken.
  [[nodiscard]] SessionEnd run(std::optional<Duration> bound = std::nullopt,
                               const std::function<bool()>& condition = nullptr);

  // As run(), for what is left to do: neither a signal nor a door that has finished ends it.
  void finish(Duration bound, const std::function<bool()>& condition);

  // Leaves the mesh, as leave() of the peer does, hands out what is still there, and lets the
  // clients of the doors have it, within a second more.
  void end(std::chrono::milliseconds leave_bound = std::chrono::seconds(2));

 private:
  void hand_out();
  void tell_turn();
  [[nodiscard]] bool any(bool (doors::Door::*is)() const) const;

  DrivenPeer& peer_;
  io::Reactor reactor_;
  io::Reactor::Watch peer_watch_;
  io::Reactor::Watch stop_watch_;
  std::vector<doors::Door*> doors_;
  bool stopped_ = false;
  bool finishing_ = false;
  bool more_ = false;  // hand_out() stopped at its limit
};

}  // namespace tidegate::commands
