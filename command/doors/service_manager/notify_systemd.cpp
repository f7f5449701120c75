#include <chrono>
#include <cstdint>

#include <systemd/sd-daemon.h>

#include "command/doors/service_manager/notify.hpp"
#include "command/environment.hpp"

namespace tidegate::service_manager {

bool wants_to_know() { return !command::from_environment("NOTIFY_SOCKET").empty(); }

void notify(const std::string& lines) { (void)sd_notify(0, lines.c_str()); }

std::optional<Duration> watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace tidegate::service_manager
