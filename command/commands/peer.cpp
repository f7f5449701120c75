// `tidegate peer`: the peer of an application that is not written in C++. It publishes what it
// reads and prints what it receives, as JSON lines (json.hpp).
//
// The end of standard input is not the end: an init system starts services with none. To publish
// one message from a script there is `tidegate pub`; the program that feeds lines to a peer also
// ends it, with SIGTERM. A reader of standard output that is gone is the end, since deliveries
// would be lost.
#include "tidegate/peer.hpp"

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_door.hpp"
#include "command/doors/notice_log.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/subcommand.hpp"
#include "peer/io/signals.hpp"

namespace tidegate::commands {
namespace {

// The status socket of this peer. Without one the peer works all the same, so only a socket that
// was asked for by path is worth refusing the start.
Result<std::unique_ptr<status_socket::StatusSocket>> open_status_socket(
    const command::Invocation& invocation, io::Reactor& reactor, DrivenPeer& peer) {
  const auto document = [&peer] {
    return json_lines::to_text(json_lines::to_json(peer.status())) + "\n";
  };
  if (const auto& path = invocation.settings.socket; !path.empty()) {
    return status_socket::StatusSocket::open(path, reactor, document);
  }
  const auto directory = status_socket::socket_directories(status_socket::socket_places()).front();
  auto trouble = status_socket::prepare_socket_directory(directory);
  if (!trouble) {
    const auto status = peer.status();
    const auto file = status_socket::socket_file_name(status.mesh, status.name);
    auto socket = status_socket::StatusSocket::open(directory + "/" + file, reactor, document);
    if (socket) return socket;
    trouble = socket.error();
  }
  command::write(invocation.log, {command::LogLevel::warning,
                                  "`tidegate status` can't reach this peer: " + trouble->message});
  return std::unique_ptr<status_socket::StatusSocket>();
}

void say_what_was_found(const command::Invocation& invocation, const Status& status) {
  const auto& options = invocation.settings.options;
  std::string interfaces;
  for (const auto& name : options.interfaces) {
    interfaces += (interfaces.empty() ? "" : ", ") + name;
  }
  command::write(
      invocation.log,
      {command::LogLevel::info,
       fmt::format("{} in mesh {} on {}, ports {} and {}", command::harmless(status.name),
                   status.mesh, interfaces, status.publish_port, status.direct_port)});
  if (!options.database) {
    command::write(
        invocation.log,
        {command::LogLevel::info,
         "no database given: messages are delivered at once, perhaps before their change is "
         "visible; --database names the server that this application reads"});
  }
}

command::Description help() {
  return {
      "peer",
      "runs the peer of an application: publishes JSON lines from standard input, prints "
      "deliveries",
      "Examples:\n"
      "  tidegate peer\n"
      "      joins the mesh 'default' on this host\n"
      "  tidegate peer --interfaces eth0 --database host=replica --primary host=primary\n"
      "      holds each message until the replica shows its change\n"
      "  echo '{\"topic\":\"builds/42/new\",\"payload\":\"hello\",\"depends\":\"commit\"}' "
      "| "
      "tidegate peer ...\n"
      "      announces a change; the peer goes on until SIGTERM\n\n"
      "\"depends\" is absent, \"none\", \"commit\" (with \"durable\":true when the commit is "
      "known to\n"
      "be flushed) or a position {\"system\":\"7423...\",\"timeline\":1,\"lsn\":\"0/3000060\"}. "
      "Bytes\n"
      "go in \"payload_base64\". A line with an \"id\" is answered: \"sent\" or \"unpublished\".",
      {},
      command::LogLevel::info};
}

class PeerCommand final : public command::Subcommand {
 public:
  PeerCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--subscribe", patterns_,
                   "deliver only what matches; repeatable (default: #, everything)")
        ->type_name("PATTERN")
        ->allow_extra_args(false);
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    for (const auto& text : patterns_) {
      auto pattern = Pattern::parse(text);
      if (pattern) {
        subscriptions_.push_back(std::move(*pattern));
      } else {
        problems.push_back({"--subscribe", pattern.error().message});
      }
    }
    if (patterns_.empty()) subscriptions_.push_back(Pattern::all());
  }

  int run(const command::Invocation& invocation) override {
    // A background job that reads the terminal would be stopped, and look dead.
    (void)std::signal(SIGTTIN, SIG_IGN);
    const io::StopSignals stop;
    auto options = invocation.settings.options;
    options.report_sent = true;  // to answer the lines that have an id
    auto started = DrivenPeer::start(std::move(options));
    if (!started) {
      command::write(invocation.log, {command::LogLevel::error, started.error().message});
      return command::exit_status::failed;
    }
    auto& peer = **started;
    for (auto& pattern : subscriptions_) peer.subscribe(std::move(pattern));
    Session session(peer, &stop);
    auto socket = open_status_socket(invocation, session.reactor(), peer);
    if (!socket) {
      command::write(invocation.log, {command::LogLevel::error, socket.error().message});
      return command::exit_status::failed;
    }
    say_what_was_found(invocation, peer.status());

    json_lines::JsonDoor lines(session.reactor(), peer, STDIN_FILENO, STDOUT_FILENO,
                               invocation.settings.options.payload_bytes);
    doors::NoticeLog log(invocation.log);
    session.add(lines);
    session.add(log);
    const bool reader_gone = session.run() == SessionEnd::door_finished;
    command::write(invocation.log,
                   {reader_gone ? command::LogLevel::error : command::LogLevel::info,
                    reader_gone ? "nobody reads standard output any more: leaving" : "leaving"});
    session.end();
    return reader_gone ? command::exit_status::failed : command::exit_status::done;
  }

 private:
  std::vector<std::string> patterns_;
  std::vector<Pattern> subscriptions_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_peer_command() { return std::make_unique<PeerCommand>(); }

}  // namespace tidegate::commands
