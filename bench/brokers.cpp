#include "bench/brokers.hpp"

#include <algorithm>

namespace tidegate::bench {

Brokers::Brokers(const std::vector<std::string>& systems, LocalTransport transport,
                 const Report& report)
    : transport_(transport) {
  for (const auto& carrier : bench::carriers()) {
    if (!systems.empty() && std::ranges::find(systems, carrier.name) == systems.end()) continue;
    auto missing = carrier.missing();
    if (missing.empty() && transport == LocalTransport::ipc && !carrier.start_ipc) {
      missing = "it is measured over tcp only";
    }
    if (missing.empty()) {
      carriers_.push_back(&carrier);
    } else {
      report.progress(carrier.title + " does not take part: " + missing);
    }
  }
}

std::string Brokers::address(const Carrier& carrier) {
  auto& broker = running_[&carrier];
  if (!broker && transport_ == LocalTransport::ipc) broker = carrier.start_ipc();
  if (!broker) {
    const auto directory = directory_.path() / carrier.name;
    std::filesystem::create_directory(directory);
    broker = carrier.start(directory);
  }
  return broker->address();
}

}  // namespace tidegate::bench
