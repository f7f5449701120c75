// `tidegate trust`: an operator decides what no server can confirm, that a failover was taken back.
#include <chrono>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/commands/running_publisher.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/log.hpp"
#include "command/subcommand.hpp"

namespace tidegate::commands {
namespace {

constexpr Duration answer_bound = std::chrono::seconds(5);

command::Description help() {
  return {
      "trust",
      "lets a running peer go on with its primary after a failover was taken back",
      "A peer that has seen a later history than its primary's takes no positions from it, and\n"
      "its status names both. If the later history was given up for good, say so here; its\n"
      "changes are lost. If not, let --primary lead to the server that was promoted.\n\n"
      "Examples:\n"
      "  tidegate trust\n"
      "  tidegate trust --name app-1",
      {"mesh", "name", "socket", "log-level"},
      command::LogLevel::warning};
}

class TrustCommand final : public command::Subcommand {
 public:
  TrustCommand() : Subcommand(help()) {}

  void declare(CLI::App&) override {}
  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    const auto chosen = choose_local_peer(invocation);
    if (const auto* exit_status = std::get_if<int>(&chosen)) return *exit_status;
    const auto& peer = std::get<status_socket::PeerSocket>(chosen);
    const auto status = ask_status(peer);
    if (!status) return command::fail(invocation, status.error().message);
    if (!status->primary.asked) {
      return command::fail(invocation,
                           "this peer asks no primary for positions, so there is none to trust");
    }
    const auto client = RunningPublisher::for_orders(peer);
    if (!client) return command::fail(invocation, client.error().message);
    if (const auto error = (*client)->trust_primary(answer_bound)) {
      return command::fail(invocation, error->message);
    }
    json_lines::Output output(STDOUT_FILENO);
    output.line("the peer trusts its primary; tidegate status shows whether it goes on");
    return command::finish(output, invocation, command::exit_status::done);
  }
};

}  // namespace

std::unique_ptr<command::Subcommand> make_trust_command() {
  return std::make_unique<TrustCommand>();
}

}  // namespace tidegate::commands
