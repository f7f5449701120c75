// A network of its own for some processes, to play several hosts on one machine and to cut their
// cables. It has no name anywhere: it is gone with the process that holds it, whose input ends when
// we do.
#pragma once

#include <string>
#include <vector>

#include "support/process.hpp"

namespace tidegate::testing {

class NetworkNamespace {
 public:
  // Its loopback interface is up. Without root's rights it is made in a user namespace of its own,
  // or in that of `owner`: a cable between two needs rights on both. Throws when there is no right
  // to make one.
  explicit NetworkNamespace(const NetworkNamespace* owner = nullptr);

  // The words in front of a command that is to run in here.
  [[nodiscard]] std::vector<std::string> prefix() const;

  // A line of shell, in here. Throws when it fails.
  void run(const std::string& command_line) const;

  // The calling thread, and those that it starts, are in here from now on. Throws when there is no
  // right to that.
  void enter() const;

  // Names this namespace to `ip link ... netns`.
  [[nodiscard]] pid_t pid() const { return holder_.pid(); }

 private:
  support::Process holder_;
};

}  // namespace tidegate::testing
