#include "tests/live/beacon_speaker.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <stdexcept>

#include "tests/paths.hpp"

namespace tidegate::testing {
namespace {

support::Command speaker_command(int number, const std::string& interface, std::uint16_t port,
                                 std::vector<std::string> prefix) {
  support::Command command;
  command.arguments = std::move(prefix);
  command.arguments.insert(command.arguments.end(), {TIDEGATE_BEACON_SPEAKER, interface,
                                                     std::to_string(port), std::to_string(number)});
  command.input = support::Stream::pipe;
  command.output = support::Stream::pipe;
  return command;
}

bool begins_with(const std::string& line, const std::string& beginning) {
  return line.compare(0, beginning.size(), beginning) == 0;
}

// The last word of a line is a time.
Instant time_in(const std::string& line) {
  return Instant(Duration(std::stoll(line.substr(line.rfind(' ') + 1))));
}

}  // namespace

Instant read_steady_clock() { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

BeaconSpeaker::BeaconSpeaker(int number, const std::string& interface, std::uint16_t port,
                             std::vector<std::string> prefix)
    : number_(number), process_(speaker_command(number, interface, port, std::move(prefix))) {
  const auto line = process_.read_line(std::chrono::seconds(5));
  if (!line || !begins_with(*line, "open ")) {
    throw std::runtime_error("a beacon speaker does not start: " + line.value_or("(silent)"));
  }
  opened_ = time_in(*line);
}

bool BeaconSpeaker::read_more(Instant until) {
  const auto left = until - read_steady_clock();
  if (left <= Duration::zero()) return false;
  auto line = process_.read_line(left);
  if (!line) return false;
  lines_.push_back(std::move(*line));
  return true;
}

std::optional<Instant> BeaconSpeaker::heard(int peer, const std::string& path, Duration bound,
                                            Instant after) {
  const auto until = read_steady_clock() + bound;
  const auto beginning = "heard " + std::to_string(peer) + " " + path + " ";
  for (std::size_t i = 0; i < lines_.size() || read_more(until); ++i) {
    if (begins_with(lines_[i], beginning) && time_in(lines_[i]) >= after) return time_in(lines_[i]);
  }
  return std::nullopt;
}

bool BeaconSpeaker::said(const std::string& beginning, Duration bound) {
  const auto until = read_steady_clock() + bound;
  for (std::size_t i = 0; i < lines_.size() || read_more(until); ++i) {
    if (begins_with(lines_[i], beginning)) return true;
  }
  return false;
}

int BeaconSpeaker::times_said(const std::string& beginning) const {
  return static_cast<int>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) {
    return begins_with(line, beginning);
  }));
}

}  // namespace tidegate::testing
