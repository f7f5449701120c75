// `tidegate keys reload`: a running peer takes on the keys that its file has now.
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
#include "command/status_text.hpp"
#include "command/subcommand.hpp"

namespace tidegate::commands {
namespace {

// The peer may have to wait for its own port.
constexpr Duration answer_bound = std::chrono::seconds(10);

command::Description help() {
  return {"keys",
          "lets a running peer take on the keys that its file has now, without a restart",
          "A file may have several keys: the first is used, each is accepted. From one key to "
          "another,\n"
          "each step at every peer of the mesh before the next one begins:\n"
          "  1. write the new key below the old one, and reload\n"
          "  2. put the new key first, and reload\n"
          "  3. take the old key out, and reload: whoever has only that one is cut off\n"
          "A file that can't be used changes nothing. SIGHUP does the same.\n\n"
          "Examples:\n"
          "  tidegate keys reload\n"
          "  tidegate keys reload --name app-1",
          {"mesh", "name", "socket", "log-level"},
          command::LogLevel::warning};
}

class KeysCommand final : public command::Subcommand {
 public:
  KeysCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("reload", action_, "the one thing that this command does")->type_name("");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    if (action_ == "reload") return;
    problems.push_back({action_.empty() ? "keys" : action_, "write `tidegate keys reload`"});
  }

  int run(const command::Invocation& invocation) override {
    const auto chosen = choose_local_peer(invocation);
    if (const auto* exit_status = std::get_if<int>(&chosen)) return *exit_status;
    const auto& peer = std::get<status_socket::PeerSocket>(chosen);
    const auto client = RunningPublisher::for_orders(peer);
    if (!client) return command::fail(invocation, client.error().message);
    const auto names = (*client)->reload_keys(answer_bound);
    if (!names) return command::fail(invocation, "nothing was changed: " + names.error().message);
    json_lines::Output output(STDOUT_FILENO);
    output.line(command::key_words(*names));
    return command::finish(output, invocation, command::exit_status::done);
  }

 private:
  std::string action_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_keys_command() { return std::make_unique<KeysCommand>(); }

}  // namespace tidegate::commands
