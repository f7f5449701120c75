#include "tests/support/network_namespace.hpp"

#include <chrono>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace tidegate::testing {
namespace {

using namespace std::chrono_literals;

bool root() { return ::geteuid() == 0; }

// A user namespace gives root's rights, to itself and to those inside it.
std::vector<std::string> holder_command(const NetworkNamespace* owner) {
  if (owner == nullptr && !root()) return {"unshare", "--user", "--map-root-user", "--net", "cat"};
  std::vector<std::string> arguments;
  if (owner != nullptr && !root()) arguments = owner->prefix();
  arguments.insert(arguments.end(), {"unshare", "--net", "cat"});
  return arguments;
}

}  // namespace

NetworkNamespace::NetworkNamespace(const NetworkNamespace* owner)
    : holder_({.arguments = holder_command(owner),
               .input = support::Stream::pipe,
               .output = support::Stream::pipe,
               .errors = support::Stream::pipe}) {
  holder_.write("made\n");
  if (holder_.read_line(5s) != "made") {
    throw std::runtime_error(holder_.read_error_line(1s).value_or("unshare does not answer"));
  }
  run("ip link set lo up");
}

std::vector<std::string> NetworkNamespace::prefix() const {
  std::vector<std::string> result = {"nsenter", "--target", std::to_string(holder_.pid()), "--net"};
  if (!root()) result.insert(result.end(), {"--user", "--preserve-credentials"});
  return result;
}

void NetworkNamespace::enter() const {
  const auto file = "/proc/" + std::to_string(holder_.pid()) + "/ns/net";
  const io::Descriptor space(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space || ::setns(space.get(), CLONE_NEWNET) != 0) {
    throw std::runtime_error("can't enter a network namespace; be root");
  }
}

void NetworkNamespace::run(const std::string& command_line) const {
  auto arguments = prefix();
  arguments.insert(arguments.end(), {"sh", "-c", command_line});
  support::run({.arguments = arguments}, 5s);
}

}  // namespace tidegate::testing
