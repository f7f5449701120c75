// `tidegate peer`: the peer of a master that is not written in C++. It publishes what it reads and
// prints what it receives, as JSON lines (json.hpp).
//
// The end of standard input is not the end: an init system starts services with none. To publish
// one message from a script there is `tidegate pub`; whoever feeds lines to a peer also ends it,
// with SIGTERM. A reader of standard output that is gone is the end, since deliveries would be
// lost.
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/subcommand.hpp"

namespace tidegate::commands {
namespace {

// The status socket of this peer. Without one the peer works all the same, so only a socket that
// was asked for by path is worth refusing the start.
Result<std::optional<status_socket::StatusSocket>> open_status_socket(
    const command::Invocation& invocation, const Status& status) {
  using Opened = std::optional<status_socket::StatusSocket>;
  if (!invocation.settings.socket.empty()) {
    auto socket = status_socket::StatusSocket::open(invocation.settings.socket);
    if (!socket) return socket.error();
    return Opened(std::move(*socket));
  }
  const auto directory = status_socket::socket_directories(status_socket::socket_places()).front();
  auto trouble = status_socket::prepare_socket_directory(directory);
  if (!trouble) {
    auto socket = status_socket::StatusSocket::open(
        directory + "/" + status_socket::socket_file_name(status.mesh, status.name));
    if (socket) return Opened(std::move(*socket));
    trouble = socket.error();
  }
  command::write(invocation.log, {command::LogLevel::warning,
                                  "`tidegate status` can't reach this peer: " + trouble->message});
  return Opened();
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
  if (options.database == "none") {
    command::write(
        invocation.log,
        {command::LogLevel::info,
         "no database given: messages are delivered at once, perhaps before their change is "
         "visible; --database names the server that this master reads"});
  }
}

class PeerCommand final : public command::Subcommand {
 public:
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
    command::StopSignals stop;
    auto options = invocation.settings.options;
    options.report_sent = true;  // to answer the lines that have an id
    auto started = Peer::start(options, Drive::caller);
    if (!started) {
      command::write(invocation.log, {command::LogLevel::error, started.error().message});
      return command::exit_status::failed;
    }
    auto& peer = **started;
    for (auto& pattern : subscriptions_) peer.subscribe(std::move(pattern));
    const auto status = peer.status();
    auto socket = open_status_socket(invocation, status);
    if (!socket) {
      command::write(invocation.log, {command::LogLevel::error, socket.error().message});
      return command::exit_status::failed;
    }
    say_what_was_found(invocation, status);

    json_lines::Output output(STDOUT_FILENO);
    json_lines::PublishInput input(STDIN_FILENO, invocation.settings.options.payload_bytes);
    Session session{.peer = peer,
                    .stop = stop,
                    .output = output,
                    .input = &input,
                    .status = *socket ? &**socket : nullptr,
                    .bound = std::nullopt,
                    .take = [&](const Incoming& incoming) {
                      print(incoming, input, output, invocation.log);
                      return true;
                    }};
    const auto end = run_session(session);
    const bool reader_gone = end == SessionEnd::reader_gone;
    command::write(invocation.log,
                   {reader_gone ? command::LogLevel::error : command::LogLevel::info,
                    reader_gone ? "nobody reads standard output any more: leaving" : "leaving"});
    end_session(session);
    return reader_gone ? command::exit_status::failed : command::exit_status::done;
  }

 private:
  static void print(const Incoming& incoming, json_lines::PublishInput& input,
                    json_lines::Output& output, spdlog::logger& log) {
    if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
      return output.line(json_lines::to_text(json_lines::to_json(*delivery)));
    }
    const auto& notice = std::get<Notice>(incoming);
    const auto id = input.take_id(notice);
    if (std::holds_alternative<Sent>(notice) && id.empty()) return;  // nobody has asked
    output.line(json_lines::to_text(json_lines::to_json(notice, id)));
    command::write(log, command::describe(notice));
  }

  std::vector<std::string> patterns_;
  std::vector<Pattern> subscriptions_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_peer_command() { return std::make_unique<PeerCommand>(); }

}  // namespace tidegate::commands
