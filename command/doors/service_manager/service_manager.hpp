// systemd as a client: it is told when the peer listens, how it stands in a line, that it lives,
// that it reads its settings again, and that it leaves (sd_notify(3), Type=notify).
//
// The watchdog (WatchdogSec=) is fed behind a turn of the peer by the thread that makes it, and a
// timer only wakes that thread. So a peer that is stuck, in whatever, starves it; a thread of its
// own would tell that all is well.
#pragma once

#include <memory>
#include <string>

#include "command/doors/door.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"

namespace tidegate::service_manager {

class ServiceManager final : public doors::Door {
 public:
  // nullptr: none has asked to be told (NOTIFY_SOCKET). The references outlive it.
  [[nodiscard]] static std::unique_ptr<ServiceManager> open(io::Reactor& reactor, DrivenPeer& peer);

  void ready();      // listens everywhere, or has read the settings again
  void reloading();  // until ready()
  void stopping();

  void handle(const Incoming&) override {}
  void peer_has_turned() override;

 private:
  ServiceManager(io::Reactor& reactor, DrivenPeer& peer, Duration pause);

  [[nodiscard]] std::string status() const;

  DrivenPeer& peer_;
  io::Reactor::Timer timer_;
  Duration pause_;
  Instant next_ = Instant::min();
};

// One line: "3 peers ready, 0 messages held", and the oldest trouble.
[[nodiscard]] std::string one_line(const Status& status);

}  // namespace tidegate::service_manager
