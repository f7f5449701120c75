#include "command/doors/service_manager/service_manager.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "command/doors/service_manager/notify.hpp"
#include "command/log.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::service_manager {
namespace {

// Between two lines of status; the watchdog may want to hear more often.
constexpr Duration status_pause = std::chrono::seconds(5);

}  // namespace

std::unique_ptr<ServiceManager> ServiceManager::open(io::Reactor& reactor, DrivenPeer& peer) {
  if (!wants_to_know()) return nullptr;
  const auto bound = watchdog();
  // Half of it, as sd_watchdog_enabled(3) advises.
  const auto pause = bound ? std::min<Duration>(status_pause, *bound / 2) : status_pause;
  return std::unique_ptr<ServiceManager>(new ServiceManager(reactor, peer, pause));
}

ServiceManager::ServiceManager(io::Reactor& reactor, DrivenPeer& peer, Duration pause)
    : peer_(peer), timer_(reactor.timer()), pause_(pause) {}

void ServiceManager::ready() { notify("READY=1\nSTATUS=" + status()); }

void ServiceManager::reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(io::clock_now().time_since_epoch());
  notify(
      fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reads its settings again", now.count()));
}

void ServiceManager::stopping() { notify("STOPPING=1\nSTATUS=leaves the mesh"); }

void ServiceManager::peer_has_turned() {
  const auto now = io::clock_now();
  if (now < next_) return;
  notify("WATCHDOG=1\nSTATUS=" + status());
  next_ = now + pause_;
  timer_.set(next_);
}

std::string ServiceManager::status() const { return one_line(peer_.status()); }

std::string one_line(const Status& status) {
  const auto ready = std::count_if(status.peers.begin(), status.peers.end(), [](const auto& peer) {
    return peer.state == PeerState::ready || peer.state == PeerState::suspect;
  });
  auto line = fmt::format("{} {} ready, {} {} held", ready, ready == 1 ? "peer" : "peers",
                          status.held, status.held == 1 ? "message" : "messages");
  if (!status.troubles.empty()) line += "; " + command::harmless(status.troubles.front().text);
  return line;
}

}  // namespace tidegate::service_manager
