// The test's side of tidegate-beacon-speaker: starts one, and waits for what it says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "tidegate/time.hpp"

namespace tidegate::testing {

class BeaconSpeaker {
 public:
  // `prefix` is put before the command, to run it in another namespace. Throws when it does not
  // start; what it says then is in the message.
  BeaconSpeaker(int number, const std::string& interface, std::uint16_t port,
                std::vector<std::string> prefix = {});

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] Instant opened() const { return opened_; }

  // When it heard `peer` by `path` ("multicast", "broadcast") for the first time after `after`;
  // nullopt when it did not within `bound` from now.
  [[nodiscard]] std::optional<Instant> heard(int peer, const std::string& path, Duration bound,
                                             Instant after = {});

  // Whether a line that begins so is said within `bound`, or was said before.
  [[nodiscard]] bool said(const std::string& beginning, Duration bound);
  // How often it has said such a line, as far as its output was read.
  [[nodiscard]] int times_said(const std::string& beginning) const;

  // Lets it say farewell and end.
  void leave() { process_.close_input(); }

 private:
  bool read_more(Instant until);

  int number_;
  support::Process process_;
  std::vector<std::string> lines_;  // all that it has said
  Instant opened_;
};

[[nodiscard]] Instant read_steady_clock();

}  // namespace tidegate::testing
