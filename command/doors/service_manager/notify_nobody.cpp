#include "command/doors/service_manager/notify.hpp"

namespace tidegate::service_manager {

bool wants_to_know() { return false; }
void notify(const std::string&) {}
std::optional<Duration> watchdog() { return std::nullopt; }

}  // namespace tidegate::service_manager
