// `tidegate peer`: the peer of an application that is not written in C++. It publishes what it
// reads and prints what it receives, as JSON lines (json.hpp).
//
// It ends by SIGTERM, or when the program that feeds it closes its standard input: what was written
// until then is published, or answered as not published, within `leave-timeout`. An init system
// starts services with /dev/null, which is no input and no end. A reader of standard output that
// is gone is the end, since deliveries would be lost.
#include "tidegate/peer.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/running_peer.hpp"
#include "command/commands/session.hpp"
#include "command/doors/http/address.hpp"
#include "command/doors/http/admission.hpp"
#include "command/doors/http/http_door.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_door.hpp"
#include "command/doors/network_thread.hpp"
#include "command/doors/notice_log.hpp"
#include "command/doors/outbox_subscriptions.hpp"
#include "command/doors/publish_socket/publish_socket.hpp"
#include "command/doors/service_manager/service_manager.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/doors/stomp/stomp_door.hpp"
#include "command/doors/subscriptions.hpp"
#include "command/doors/survey_socket/survey_socket.hpp"
#include "command/doors/tls/terminator.hpp"
#include "command/outbox_retention.hpp"
#include "command/subcommand.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/signals.hpp"

namespace tidegate::commands {
namespace {

// Whether it serves STOMP clients.
bool has_door(const command::Settings& settings) {
  return !settings.doors.empty() || !settings.http.empty();
}

Options peer_options(const command::Invocation& invocation) {
  auto options = invocation.settings.options;
  options.report_sent = true;  // to answer the lines that have an id
  // Clients of one door expect each other's messages.
  if (has_door(invocation.settings) && !invocation.given.contains("own-messages")) {
    options.own_messages = OwnMessages::gated;
  }
  return options;
}

// All that there is to say about this peer: also of its door, once there is one.
using Report = std::function<json_lines::PeerReport()>;

Report reporter(DrivenPeer& peer, const stomp_door::StompDoor* const& door,
                const command::OutboxRetention* retention) {
  return [&peer, &door, retention] {
    json_lines::PeerReport report;
    static_cast<Status&>(report) = peer.status();
    if (door != nullptr) report.door = door->counters();
    if (retention != nullptr) report.removal = retention->removal();
    return report;
  };
}

// The status socket of this peer. Without a socket the peer works all the same, so only a socket
// that was asked for by path is worth refusing the start.
Result<std::unique_ptr<status_socket::StatusSocket>> open_status_socket(
    const command::Invocation& invocation, io::Reactor& reactor, DrivenPeer& peer,
    const Report& report) {
  const auto document = [report] {
    const auto told = report();
    return json_lines::to_text(json_lines::to_json(told, told.door, told.removal)) + "\n";
  };
  const auto& settings = invocation.settings;
  const auto share = [&](const std::string& path, bool directory) {
    return status_socket::share_socket(path, settings.socket_group, settings.socket_mode,
                                       directory);
  };
  if (!settings.socket.empty()) {
    auto socket = status_socket::StatusSocket::open(settings.socket, reactor, document);
    if (!socket) return socket;
    if (auto refused = share(settings.socket, false)) return *refused;
    return socket;
  }
  const auto directory = status_socket::socket_directories(status_socket::socket_places()).front();
  auto trouble = status_socket::prepare_socket_directory(directory);
  if (!trouble) {
    const auto status = peer.status();
    const auto file = status_socket::socket_file_name(status.mesh, status.name);
    auto socket = status_socket::StatusSocket::open(directory + "/" + file, reactor, document);
    if (socket) {
      if (auto refused = share(directory + "/" + file, true)) return *refused;
      return socket;
    }
    trouble = socket.error();
  }
  command::write(invocation.log, {command::LogLevel::warning,
                                  "`tidegate status` can't reach this peer: " + trouble->message});
  return std::unique_ptr<status_socket::StatusSocket>();
}

// The socket over which `tidegate pub` publishes, beside the status socket. Without one commands
// join themselves.
std::unique_ptr<publish_socket::PublishSocket> open_publish_socket(
    const command::Invocation& invocation, const status_socket::StatusSocket* status_socket,
    io::Reactor& reactor, DrivenPeer& peer, doors::Orders& orders) {
  if (status_socket == nullptr) return nullptr;
  auto options = invocation.settings.options;
  options.name = peer.status().name;
  auto socket = publish_socket::PublishSocket::open(
      publish_socket::path_beside(status_socket->path()), reactor, orders, options);
  if (socket) return std::move(socket).value();
  command::write(invocation.log,
                 {command::LogLevel::warning,
                  "`tidegate pub` can't publish through this peer: " + socket.error().message});
  return nullptr;
}

// The socket over which `tidegate doctor --pairs` surveys the mesh, for those who may ask for the
// status. Without one nobody can.
std::unique_ptr<survey_socket::SurveySocket> open_survey_socket(
    const command::Invocation& invocation, const status_socket::StatusSocket* status_socket,
    io::Reactor& reactor, DrivenPeer& peer) {
  if (status_socket == nullptr) return nullptr;
  const auto& settings = invocation.settings;
  const auto path = survey_socket::path_beside(status_socket->path());
  auto socket = survey_socket::SurveySocket::open(path, reactor, peer);
  auto trouble =
      socket ? status_socket::share_socket(path, settings.socket_group, settings.socket_mode, false)
             : socket.error();
  if (!trouble) return std::move(socket).value();
  command::write(invocation.log,
                 {command::LogLevel::warning,
                  "`tidegate doctor --pairs` can't ask this peer: " + trouble->message});
  return nullptr;
}

// The door for STOMP clients, at its own addresses and over HTTP; nullptr: none is wanted.
Result<std::unique_ptr<stomp_door::StompDoor>> open_stomp_door(
    const command::Invocation& invocation, io::Reactor& reactor, DrivenPeer& peer,
    doors::PeerPatterns& patterns, doors::OutboxSubscriptions& outboxes,
    stomp_door::DurableStore* durable, tls::Terminator* terminator) {
  const auto& settings = invocation.settings;
  if (!has_door(settings)) return std::unique_ptr<stomp_door::StompDoor>();
  stomp_door::DoorOptions options{.sharing = {settings.door_group, settings.door_mode},
                                  .payload_bytes = settings.options.payload_bytes,
                                  .terminator = terminator};
  for (const auto& text : settings.doors) {
    options.addresses.push_back(stomp_door::parse_address(text).value());
  }
  if (const auto& login = settings.door_login; !login.empty()) {
    const auto colon = login.find(':');
    options.login = stomp::Login{login.substr(0, colon), login.substr(colon + 1)};
  }
  return stomp_door::StompDoor::open(std::move(options), reactor, peer, patterns, outboxes, durable,
                                     invocation.log);
}

// Those of its clients that outlive their connections, which the peer has to know before it starts;
// nullptr: there is no place for them.
Result<std::unique_ptr<stomp_door::DurableStore>> open_durable_store(
    const command::Settings& settings) {
  const auto& state_file = settings.options.state_file;
  if (!has_door(settings) || state_file.empty()) {
    return std::unique_ptr<stomp_door::DurableStore>();
  }
  return stomp_door::DurableStore::open(state_file);
}

// Nullptr: no rows of an outbox are to be removed.
Result<std::unique_ptr<command::OutboxRetention>> open_retention(
    const command::Invocation& invocation, io::Reactor& reactor) {
  const auto& settings = invocation.settings;
  const command::OutboxBounds bounds{settings.outbox_retain_for, settings.outbox_retain_bytes};
  if (bounds.age == Duration::zero() && bounds.bytes == 0) {
    return std::unique_ptr<command::OutboxRetention>();
  }
  const auto& options = settings.options;
  const auto& server = options.primary ? options.primary : options.database;
  if (!server) {
    return Error{
        "outbox-retain-for and outbox-retain-bytes need the server of the outbox; give it "
        "with --primary"};
  }
  return command::OutboxRetention::open(*server, bounds, reactor, invocation.log);
}

// The thread for HTTP and TLS; nullptr: neither is wanted.
Result<std::unique_ptr<doors::NetworkThread>> start_network(const command::Settings& settings,
                                                            io::Reactor& reactor) {
  if (settings.http.empty() && settings.door_certificate.empty()) {
    return std::unique_ptr<doors::NetworkThread>();
  }
  return doors::NetworkThread::start(reactor);
}

// TLS for the TCP ports of the door, and HTTP outside loopback; nullptr: none is wanted.
Result<std::unique_ptr<tls::Terminator>> open_terminator(const command::Settings& settings,
                                                         doors::NetworkThread* network) {
  if (settings.door_certificate.empty()) return std::unique_ptr<tls::Terminator>();
  return tls::Terminator::open({settings.door_certificate, settings.door_certificate_key},
                               *network);
}

// The HTTP server, whose WebSockets are clients of that door; nullptr: none is wanted.
Result<std::unique_ptr<http_door::HttpDoor>> open_http(
    const command::Invocation& invocation, io::Reactor& reactor, doors::NetworkThread* network,
    tls::Terminator* terminator, stomp_door::StompDoor* stomp, const Report& report) {
  const auto& settings = invocation.settings;
  if (settings.http.empty()) return std::unique_ptr<http_door::HttpDoor>();
  http_door::HttpOptions options{.token = settings.http_token,
                                 .payload_bytes = settings.options.payload_bytes,
                                 .terminator = terminator};
  for (const auto& text : settings.http) {
    options.addresses.push_back(http_door::parse_address(text).value());
  }
  for (const auto& text : settings.http_origins) {
    options.origins.push_back(http_door::parse_origin(text).value());
  }
  const auto adopt = [stomp](io::Descriptor end, std::string who) {
    stomp->adopt(std::move(end), std::move(who));
  };
  return http_door::HttpDoor::open(options, *network, reactor, adopt, report, invocation.log);
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
       fmt::format("{} in mesh {} on {}, ports {} and {}, {}", command::harmless(status.name),
                   status.mesh, interfaces, status.publish_port, status.direct_port,
                   status.keys.empty() ? "without a key" : "with the key " + status.keys.front())});
  if (!options.database) {
    command::write(
        invocation.log,
        {command::LogLevel::info,
         "no database given: messages are delivered at once, perhaps before their change is "
         "visible; --database names the server that this application reads"});
  }
}

void reload_certificate(const command::Invocation& invocation, tls::Terminator& terminator) {
  const auto error = terminator.reload();
  command::write(invocation.log,
                 error ? command::LogLine{command::LogLevel::error,
                                          error->message + "; the certificate is as it was"}
                       : command::LogLine{command::LogLevel::info,
                                          "the certificate of the door was read again"});
}

// SIGHUP: reads all settings again, takes on the level of the log, the keys and the certificate of
// the door, and names those that need a restart.
void reload(const command::Invocation& invocation, command::Settings& present, RunningPeer& peer,
            tls::Terminator* terminator) {
  const auto again = invocation.reload();
  for (const auto& problem : again.problems) {
    command::write(invocation.log,
                   {command::LogLevel::error,
                    command::harmless(problem.where) + ": " + command::harmless(problem.what)});
  }
  if (!again.problems.empty()) {
    return command::write(
        invocation.log, {command::LogLevel::error, "the settings are wrong: nothing was changed"});
  }
  std::string wait;
  bool level = false;
  for (const auto& name : command::changed_settings(present, again.settings)) {
    if (name == "log-level") {
      level = true;
    } else {
      wait += (wait.empty() ? "" : ", ") + name;
    }
  }
  if (level) {
    present.log_level = again.settings.log_level;
    const auto wanted = present.log_level.value_or(command::LogLevel::info);
    command::set_level(invocation.log, wanted);
  }
  command::write(invocation.log,
                 {command::LogLevel::info,
                  std::string("the settings were read again; ") + (level ? "log-level has changed"
                                                                         : "log-level is as "
                                                                           "it was")});
  if (!wait.empty()) {
    command::write(invocation.log, {command::LogLevel::warning,
                                    "changed, but only a restart takes them on: " + wait});
  }
  if (terminator != nullptr) reload_certificate(invocation, *terminator);
  peer.hang_up();
}

// Those that there are.
void add_doors(Session& session, std::initializer_list<doors::Door*> doors) {
  for (auto* door : doors) {
    if (door != nullptr) session.add(*door);
  }
}

// The service manager takes orders again once it is done.
void reload_told(const command::Invocation& invocation, command::Settings& present,
                 RunningPeer& peer, tls::Terminator* terminator,
                 service_manager::ServiceManager* manager) {
  if (manager != nullptr) manager->reloading();
  reload(invocation, present, peer, terminator);
  if (manager != nullptr) manager->ready();
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
      "  tidegate peer --door unix:/run/app/door --subscribe 'builds/#'\n"
      "      serves programs that speak STOMP, too (docs/stomp.md)\n"
      "  tidegate peer --http 127.0.0.1:15674\n"
      "      shows a live page there, and metrics, probes and events (docs/monitoring.md)\n"
      "  echo '{\"topic\":\"builds/42/new\",\"payload\":\"hello\",\"depends\":\"commit\"}' "
      "| "
      "tidegate peer ...\n"
      "      announces a change and leaves, as standard input ends; so does SIGTERM\n\n"
      "\"depends\" is absent, \"none\", \"commit\" (with \"durable\":true when the commit is "
      "known to\n"
      "be flushed) or the token of a position. Bytes go in \"payload_base64\". A line with an\n"
      "\"id\" is answered: \"sent\" or \"unpublished\". {\"wait\":\"tide1...\"} asks whether the "
      "server shows\n"
      "a position: \"covered\" answers. {\"subscribe\":\"builds/#\"} and "
      "{\"unsubscribe\":...} choose\n"
      "what is delivered from now on. {\"outbox\":NAME,\"subscribe\":PATTERN} and "
      "{\"outbox\":NAME,\"taken\":TICKET}\n"
      "read an outbox. docs/json.md lists all members.",
      {},
      command::LogLevel::info};
}

class PeerCommand final : public command::Subcommand {
 public:
  PeerCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--subscribe", patterns_,
                   "deliver only what matches; repeatable (default: #, everything; with --door "
                   "or --http nothing)")
        ->type_name("PATTERN")
        ->allow_extra_args(false);
    app.add_flag("--no-subscribe", nothing_,
                 "deliver nothing until a line on standard input subscribes");
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
    if (nothing_ && !patterns_.empty()) {
      problems.push_back({"--no-subscribe", "give either this or --subscribe"});
    }
  }

  int run(const command::Invocation& invocation) override {
    // A background job that reads the terminal would be stopped, and look dead.
    (void)std::signal(SIGTTIN, SIG_IGN);
    // That of a terminal that is closed is the end; a service is told to read its settings again.
    const bool on_terminal = isatty(STDIN_FILENO) != 0 || isatty(STDERR_FILENO) != 0;
    using Hangup = io::StopSignals::Hangup;
    const io::StopSignals stop(on_terminal ? Hangup::stops : Hangup::is_apart);
    std::optional<io::HangupSignal> hangup;
    if (!on_terminal) hangup.emplace();
    auto options = peer_options(invocation);
    const bool serves = has_door(invocation.settings);
    using Earlier = doors::PeerPatterns::Earlier;
    const auto durable = open_durable_store(invocation.settings);
    if (!durable) return command::fail(invocation, durable.error().message);
    const bool resumes = *durable != nullptr && (*durable)->prepare(options);
    auto started = DrivenPeer::start(std::move(options));
    if (!started) return command::fail(invocation, started.error().message);
    auto& peer = **started;
    for (const auto& text : patterns_) command::write_pattern_hint(invocation.log, text);
    doors::PeerPatterns patterns(peer, resumes ? Earlier::for_others : Earlier::for_all);
    doors::Subscriptions subscriptions(patterns);
    subscribe_first(subscriptions, serves);
    Session session(peer, &stop);
    const auto& wanted = invocation.settings.options;
    doors::OutboxSubscriptions outboxes({wanted.database.value_or(""), wanted.state_file},
                                        session.reactor(), patterns, invocation.log);
    const stomp_door::StompDoor* door = nullptr;
    const auto retention = open_retention(invocation, session.reactor());
    if (!retention) return command::fail(invocation, retention.error().message);
    const auto report = reporter(peer, door, retention->get());
    auto socket = open_status_socket(invocation, session.reactor(), peer, report);
    if (!socket) return command::fail(invocation, socket.error().message);
    RunningPeer orders(peer, wanted, invocation.log);
    const auto publishing =
        open_publish_socket(invocation, socket->get(), session.reactor(), peer, orders);
    orders.serves(publishing.get());
    const auto surveys = open_survey_socket(invocation, socket->get(), session.reactor(), peer);
    const auto network = start_network(invocation.settings, session.reactor());
    if (!network) return command::fail(invocation, network.error().message);
    const auto terminator = open_terminator(invocation.settings, network->get());
    if (!terminator) return command::fail(invocation, terminator.error().message);
    const auto stomp = open_stomp_door(invocation, session.reactor(), peer, patterns, outboxes,
                                       durable->get(), terminator->get());
    if (!stomp) return command::fail(invocation, stomp.error().message);
    door = stomp->get();
    const auto http = open_http(invocation, session.reactor(), network->get(), terminator->get(),
                                stomp->get(), report);
    if (!http) return command::fail(invocation, http.error().message);
    say_what_was_found(invocation, peer.status());

    json_lines::JsonDoor lines(session.reactor(), peer, subscriptions, outboxes, orders,
                               STDIN_FILENO, STDOUT_FILENO, wanted.payload_bytes);
    doors::NoticeLog log(invocation.log, session.reactor(), peer);
    const auto manager = service_manager::ServiceManager::open(session.reactor(), peer);
    add_doors(session, {&lines, &log, publishing.get(), http->get(), network->get(), stomp->get(),
                        &outboxes, surveys.get(), manager.get()});
    io::Reactor::Watch hangup_watch;
    auto present = invocation.settings;
    if (hangup) {
      hangup_watch = session.reactor().watch_input(hangup->descriptor(), [&](io::Readiness) {
        hangup->take();
        reload_told(invocation, present, orders, terminator->get(), manager.get());
      });
    }
    if (manager) manager->ready();
    (void)session.run();
    if (manager) manager->stopping();
    return end(session, lines, invocation);
  }

 private:
  void subscribe_first(doors::Subscriptions& subscriptions, bool serves) const {
    for (const auto& pattern : subscriptions_) subscriptions.add(pattern);
    // Clients of a door subscribe for themselves, and standard output is often a journal then.
    if (patterns_.empty() && !nothing_ && !serves) subscriptions.add(Pattern::all());
  }

  // The lines that were written are published first, within a bound.
  static int end(Session& session, json_lines::JsonDoor& lines,
                 const command::Invocation& invocation) {
    const auto bound = invocation.settings.leave_timeout;
    const auto until = io::clock_now() + bound;
    lines.finish_input();
    session.finish(bound, [&] { return lines.drained(); });
    const bool output_gone = lines.output_closed();
    if (!output_gone) {
      command::write(invocation.log, {command::LogLevel::info, "leaving"});
    } else if (lines.failure().empty()) {
      command::write(invocation.log,
                     {command::LogLevel::error, "nobody reads standard output any more: leaving"});
    } else {
      command::write(invocation.log,
                     {command::LogLevel::error,
                      "standard output can't be written: " + lines.failure() + ": leaving"});
    }
    session.end(std::chrono::ceil<std::chrono::milliseconds>(
        std::max(until - io::clock_now(), Duration::zero())));
    return output_gone ? command::exit_status::failed : command::exit_status::done;
  }

  std::vector<std::string> patterns_;
  bool nothing_ = false;
  std::vector<Pattern> subscriptions_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_peer_command() { return std::make_unique<PeerCommand>(); }

}  // namespace tidegate::commands
