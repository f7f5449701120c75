// `tidegate peers` lists the members of the mesh. A peer that runs on this host knows and is asked;
// otherwise one joins for a moment and looks.
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/commands/meeting.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/settle.hpp"
#include "command/status_text.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::commands {
namespace {

command::Description help() {
  return {"peers",
          "lists the members of the mesh",
          "Examples:\n"
          "  tidegate peers\n"
          "  tidegate peers --json --interfaces eth0",
          {"mesh", "name", "socket", "interfaces", "seeds", "log-level"},
          command::LogLevel::warning};
}

class PeersCommand final : public command::Subcommand {
 public:
  PeersCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--wait", wait_text_,
                   "longest search if no peer of this host can be asked (default: 3s)")
        ->type_name("TIME");
    app.add_flag("--json", json_, "print one JSON object");
    app.add_flag("--all", all_, "show also the peers that have left, as the JSON always does");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    wait_ = command::duration_flag("--wait", wait_text_, command::usual_wait, problems);
  }

  int run(const command::Invocation& invocation) override {
    const auto local = find_local_peers(invocation);
    for (const auto& peer : local.running) {
      const auto status = ask_status(peer);
      if (status) return show(*status, true, invocation);
      command::write(invocation.log, {command::LogLevel::warning, status.error().message});
      if (!invocation.settings.socket.empty()) return command::exit_status::failed;
    }
    return look_around(invocation);
  }

 private:
  [[nodiscard]] int look_around(const command::Invocation& invocation) const {
    auto started = DrivenPeer::start(command::short_lived_options(invocation, "peers"));
    if (!started) return command::fail(invocation, started.error().message);
    auto& peer = **started;
    Session session(peer, nullptr);
    command::Settling settling(std::nullopt);
    (void)meet(session, peer, settling, wait_);
    auto status = peer.status();
    command::sort_peers(status);
    session.end();
    if (status.peers.empty()) {
      command::write(
          invocation.log,
          {command::LogLevel::error,
           "no peer of mesh " + status.mesh + " was met within " + command::exact_duration(wait_) +
               "; look with `tidegate doctor`, or wait longer with --wait"});
      return command::exit_status::nobody;
    }
    return show(status, false, invocation);
  }

  // The one that was asked is one of the peers; the one that only looked is not.
  [[nodiscard]] int show(const Status& status, bool resident,
                         const command::Invocation& invocation) const {
    json_lines::Output output(STDOUT_FILENO);
    if (json_) {
      output.line(json_lines::to_text(json_lines::peers_document(status, resident)));
    } else {
      auto text = resident ? command::peers_text(status, all_) : command::others_text(status, all_);
      text.pop_back();
      output.line(text);
    }
    return command::finish(output, invocation, command::exit_status::done);
  }

  std::string wait_text_;
  bool json_ = false;
  bool all_ = false;
  Duration wait_ = command::usual_wait;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_peers_command() {
  return std::make_unique<PeersCommand>();
}

}  // namespace tidegate::commands
