#include "brokers.hpp"

#include <algorithm>

namespace tidegate::bench {

Brokers::Brokers(const std::vector<std::string>& systems, const Report& report) {
  for (const auto& carrier : bench::carriers()) {
    if (!systems.empty() && std::ranges::find(systems, carrier.name) == systems.end()) continue;
    const auto missing = carrier.missing();
    if (missing.empty()) {
      carriers_.push_back(&carrier);
    } else {
      report.progress(carrier.title + " does not take part: " + missing);
    }
  }
}

std::string Brokers::address(const Carrier& carrier) {
  auto& broker = running_[&carrier];
  if (!broker) {
    const auto directory = directory_.path() / carrier.name;
    std::filesystem::create_directory(directory);
    broker = carrier.start(directory);
  }
  return broker->address();
}

}  // namespace tidegate::bench
