#include "bench/schedule.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t burst = 1'800;

Duration from_seconds(double seconds) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Workload paced(std::size_t rate, double seconds) {
  Workload workload{fmt::format("{} a second", rate), {}};
  const auto count = static_cast<std::size_t>(static_cast<double>(rate) * seconds);
  for (std::size_t i = 0; i < count; ++i) {
    workload.due.push_back(from_seconds(static_cast<double>(i) / static_cast<double>(rate)));
  }
  return workload;
}

Workload bursts(std::size_t seconds) {
  Workload workload{fmt::format("bursts of {}", burst), {}};
  for (std::size_t second = 0; second < seconds; ++second) {
    workload.due.insert(workload.due.end(), burst, second * 1s);
  }
  return workload;
}

// Lines are [seconds since 1970, routing key, bytes, ...], or a mark of the recorder.
Workload buildbot(const std::string& file, double speed) {
  Workload workload{fmt::format("a Buildbot build, {} x", speed), {}};
  std::ifstream lines(file);
  if (!lines) throw std::runtime_error("can't read " + file);
  std::string line;
  double first = 0;
  while (std::getline(lines, line)) {
    const auto record = nlohmann::json::parse(line);
    if (!record.is_array()) continue;
    const auto time = record.at(0).get<double>();
    if (workload.due.empty()) first = time;
    workload.due.push_back(from_seconds((time - first) / speed));
  }
  return workload;
}

}  // namespace tidegate::bench
