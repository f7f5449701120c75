// Hosts in small: network namespaces with a virtual cable between them, and the peer of an
// application on one of them, as its user starts it. Everything is nameless, so it is gone with the
// processes that hold it.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"
#include "tests/support/network_namespace.hpp"

namespace tidegate::testing {

struct Hosts {
  NetworkNamespace left;
  NetworkNamespace right{&left};

  Hosts() { connect(); }

  void connect() const {
    // One end keeps its index when it is made again, the other does not.
    left.run("ip link add cable0 index 7001 type veth peer name cable1 netns " +
             std::to_string(right.pid()));
    right.run("ip address add 10.17.88.2/24 broadcast + dev cable1 && ip link set cable1 up");
    left.run("ip address add 10.17.88.1/24 broadcast + dev cable0 && ip link set cable0 up");
  }
};

// nullptr, said in a message, where namespaces are not allowed.
template <typename Network, typename... Arguments>
std::unique_ptr<Network> make_network(const Arguments&... arguments) {
  try {
    support::run({.arguments = {"ip", "-Version"}}, std::chrono::seconds(5));
    return std::make_unique<Network>(arguments...);
  } catch (const std::runtime_error& error) {
    MESSAGE("skipped, no network namespaces here: " << std::string(error.what()));
    return nullptr;
  }
}

inline std::unique_ptr<Hosts> make_hosts() { return make_network<Hosts>(); }

inline constexpr auto* sample_key =
    "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg";

class HostPeer {
 public:
  // `prefix`: of the command, to run it on a host.
  HostPeer(std::vector<std::string> prefix, const std::string& interface, const std::string& name,
           const std::vector<std::string>& options = {}, bool keyed = true)
      : directory_("peer"),
        keyed_(keyed),
        prefix_(std::move(prefix)),
        process_(command(prefix_, interface, name, options)) {}
  HostPeer(const NetworkNamespace& host, const std::string& interface, const std::string& name,
           const std::vector<std::string>& options = {}, bool keyed = true)
      : HostPeer(host.prefix(), interface, name, options, keyed) {}

  // The time until it prints a line with this text; nullopt: not within the bound.
  std::optional<Duration> says(const std::string& text, Duration bound) {
    const auto begin = std::chrono::steady_clock::now();
    while (true) {
      const Duration passed = std::chrono::steady_clock::now() - begin;
      if (passed >= bound) return std::nullopt;
      const auto line = process_.read_line(bound - passed);
      if (line && line->find(text) != std::string::npos) {
        return std::chrono::steady_clock::now() - begin;
      }
    }
  }
  void say(const std::string& line) { process_.write(line + "\n"); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

  // Another command on the same host, about this peer.
  [[nodiscard]] Ran ask(const Arguments& arguments) const {
    auto all = prefix_;
    all.emplace_back(TIDEGATE_COMMAND);
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto own = own_options();
    all.insert(all.end(), own.begin(), own.end());
    return CommandMesh::finish(support::Process({.arguments = all,
                                                 .input = support::Stream::pipe,
                                                 .output = support::Stream::pipe,
                                                 .errors = support::Stream::pipe}));
  }

  // Asked to leave, as an operator does.
  bool ends_within(Duration bound) {
    process_.send(SIGTERM);
    return process_.wait(bound).has_value();
  }

 private:
  // All have the same key, or none.
  [[nodiscard]] std::vector<std::string> own_options() const {
    std::vector<std::string> options = {"--socket", (directory_.path() / "status.sock").string()};
    if (!keyed_) {
      options.emplace_back("--insecure");
      return options;
    }
    const auto key_file = (directory_.path() / "mesh.key").string();
    std::ofstream(key_file) << sample_key;
    std::filesystem::permissions(key_file, std::filesystem::perms::owner_read);
    options.insert(options.end(), {"--key-file", key_file});
    return options;
  }

  [[nodiscard]] support::Command command(std::vector<std::string> arguments,
                                         const std::string& interface, const std::string& name,
                                         const std::vector<std::string>& options) const {
    arguments.insert(arguments.end(),
                     {TIDEGATE_COMMAND, "peer", "--interfaces", interface, "--name", name});
    const auto own = own_options();
    arguments.insert(arguments.end(), own.begin(), own.end());
    arguments.insert(arguments.end(), options.begin(), options.end());
    return {
        .arguments = arguments, .input = support::Stream::pipe, .output = support::Stream::pipe};
  }

  support::TemporaryDirectory directory_;
  bool keyed_;
  std::vector<std::string> prefix_;
  support::Process process_;
};

}  // namespace tidegate::testing
