// `tidegate peers`: who is in the mesh. A peer that runs on this host knows already and is asked;
// otherwise one joins for a moment and looks.
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "clock.hpp"
#include "command.hpp"
#include "json.hpp"
#include "local_peers.hpp"
#include "output.hpp"
#include "peer.hpp"
#include "settle.hpp"
#include "status_text.hpp"
#include "units.hpp"

namespace tidegate {
namespace {

using std::chrono::milliseconds;

constexpr Duration default_wait = std::chrono::seconds(3);

class PeersCommand final : public Subcommand {
 public:
  void declare(CLI::App& app) override {
    app.add_option("--wait", wait_text_,
                   "look around for so long, if no peer of this host can be asked (default: 3s)")
        ->type_name("TIME");
    app.add_flag("--json", json_, "print one JSON object");
  }

  void check(std::vector<SettingProblem>& problems) override {
    wait_ = duration_flag("--wait", wait_text_, default_wait, problems);
  }

  int run(const Invocation& invocation) override {
    const auto local = find_local_peers(invocation);
    for (const auto& peer : local.running) {
      const auto status = ask_status(peer);
      if (status) return show(*status, true);
      write(invocation.log, {LogLevel::warning, status.error().message});
      if (!invocation.settings.socket.empty()) return exit_status::failed;
    }
    return look_around(invocation);
  }

 private:
  [[nodiscard]] int look_around(const Invocation& invocation) const {
    auto started = Peer::start(short_lived_options(invocation, "peers"), Drive::caller);
    if (!started) {
      write(invocation.log, {LogLevel::error, started.error().message});
      return exit_status::failed;
    }
    auto& peer = **started;
    Settling settling(std::nullopt);
    const auto end = clock_now() + wait_;
    while (!settling.settled(peer.status(), clock_now()) && clock_now() < end) {
      (void)peer.next(milliseconds(20));
    }
    const auto status = peer.status();
    peer.leave();
    if (status.peers.empty()) {
      write(invocation.log,
            {LogLevel::error, "no peer of mesh " + status.mesh + " was met within " +
                                  exact_duration(wait_) +
                                  "; look with `tidegate doctor`, or wait longer with --wait"});
      return exit_status::nobody;
    }
    return show(status, false);
  }

  // The one that was asked is one of the peers; the one that only looked is not.
  [[nodiscard]] int show(const Status& status, bool resident) const {
    Output output(STDOUT_FILENO);
    if (json_) {
      Json json = Json::object();
      json["mesh"] = status.mesh;
      json["asked"] = resident ? Json(status.name) : Json(nullptr);
      json["peers"] = to_json(status)["peers"];
      output.line(to_text(json));
    } else {
      auto text = resident ? peers_text(status) : others_text(status);
      text.pop_back();
      output.line(text);
    }
    output.drain(std::chrono::seconds(1));
    return exit_status::done;
  }

  std::string wait_text_;
  bool json_ = false;
  Duration wait_ = default_wait;
};

}  // namespace

std::unique_ptr<Subcommand> make_peers_command() { return std::make_unique<PeersCommand>(); }

}  // namespace tidegate
