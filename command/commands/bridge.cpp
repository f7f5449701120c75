// `tidegate bridge`: publishes the rows of an outbox in the mesh (command/bridge/bridge.hpp). Of
// several that run one works, and the others take over when it ends.
//
// A life begins with the numbers: they tell the stream that this process goes on with. Then it
// joins the mesh as that stream's publisher. When the bridge has finished, another life begins.
#include "command/bridge/bridge.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "command/bridge/bridge_server.hpp"
#include "command/commands/commands.hpp"
#include "command/commands/session.hpp"
#include "command/doors/notice_log.hpp"
#include "command/log.hpp"
#include "command/subcommand.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/reactor.hpp"
#include "peer/io/signals.hpp"
#include "peer/peer_core.hpp"
#include "tidegate/outbox.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::commands {
namespace {

using command::BridgeServer;
using Rows = std::vector<postgres::BridgedRow>;

constexpr Duration pause = std::chrono::seconds(1);

struct Beginning {
  postgres::BridgeStream stream;
  Rows rows;  // those with numbers that can still be sent
  // The stream begins with this life: nobody has its rows yet.
  [[nodiscard]] bool fresh() const { return stream.epoch == stream.origin.incarnation; }
};

// Until the numbers are ours, and what has some was read.
class Begin {
 public:
  Begin(BridgeServer& server, postgres::BridgeLife before, std::size_t most_bytes,
        const command::Invocation& invocation)
      : server_(server), before_(before), most_bytes_(most_bytes), log_(invocation.log) {}

  // Nothing: it was stopped.
  std::optional<Beginning> run(const io::StopSignals& stop) {
    io::Reactor reactor;
    bool stopped = false;
    const auto watch =
        reactor.watch_input(stop.descriptor(), [&](io::Readiness) { stopped = true; });
    auto timer = reactor.timer();
    const BridgeServer::Attachment attachment(server_, reactor);
    auto ask_at = io::clock_now();
    auto lost = server_.lost();
    while (!done_ && !stopped) {
      if (server_.lost() != lost) {
        lost = server_.lost();
        beginning_.reset();
        say(command::LogLevel::warning, "no connection to the primary: " + server_.trouble());
      }
      const auto now = io::clock_now();
      if (server_.idle() && (beginning_ || now >= ask_at)) {
        ask_at = now + pause;
        ask();
      }
      timer.set(server_.idle() ? ask_at : never);
      if (!done_) reactor.run_once(std::chrono::milliseconds(-1));
    }
    return done_ ? std::move(beginning_) : std::nullopt;
  }

 private:
  using Answer = std::optional<Result<BridgeServer::Rows>>;

  void ask() {
    if (!beginning_) {
      return server_.ask(
          postgres::bridge_begin_sql(before_, io::wall_clock_microseconds(), most_bytes_),
          [this](const Answer& answer) {
            if (answer) take_stream(*answer);
          });
    }
    if (next_number() > beginning_->stream.last) {
      done_ = true;
      return;
    }
    server_.ask(postgres::bridge_read_sql(next_number()), [this](const Answer& answer) {
      if (answer) take_rows(*answer);
    });
  }

  // Of the first row that was not read yet.
  [[nodiscard]] std::uint64_t next_number() const {
    const auto& rows = beginning_->rows;
    return rows.empty() ? beginning_->stream.first : rows.back().number + 1;
  }

  void take_stream(const Result<BridgeServer::Rows>& answer) {
    if (!answer) return say(command::LogLevel::error, answer.error().message + no_outbox);
    auto stream = postgres::read_bridge_begin(*answer);
    if (!stream) return say(command::LogLevel::error, stream.error().message);
    if (!*stream) return say(command::LogLevel::info, "another bridge works; this one waits");
    beginning_.emplace(Beginning{std::move(**stream), {}});
    before_ = {beginning_->stream.origin.incarnation, beginning_->stream.last};
  }

  void take_rows(const Result<BridgeServer::Rows>& answer) {
    auto rows = answer ? postgres::read_bridged(*answer) : answer.error();
    const bool gap = rows && (rows->empty() || rows->front().number != next_number());
    if (!rows || gap) {
      // Removed since it was looked for: what was read before it is no use either.
      say(command::LogLevel::warning,
          rows ? "rows with numbers were removed meanwhile" : rows.error().message);
      beginning_.reset();
      return;
    }
    for (auto& row : *rows) {
      if (row.number != next_number()) break;
      beginning_->rows.push_back(std::move(row));
    }
  }

  void say(command::LogLevel level, const std::string& text) {
    if (std::exchange(said_, text) == text) return;
    command::write(log_, {level, command::harmless(text)});
  }

  static constexpr auto* no_outbox = "; `tidegate outbox --check` tells more";

  BridgeServer& server_;
  postgres::BridgeLife before_;
  std::size_t most_bytes_;
  spdlog::logger& log_;
  std::optional<Beginning> beginning_;
  bool done_ = false;
  std::string said_;
};

command::Description help() {
  return {
      "bridge",
      "publishes the announcements of an outbox in the mesh, for those who read no server of it",
      "Run it beside the primary, on two hosts if it matters: one works, the other takes over. "
      "Each\n"
      "announcement is published once, with a position, also after a restart or a take-over. "
      "The\n"
      "role needs what `tidegate outbox --sql --bridge ROLE` gives, and a connection that no "
      "pooler\n"
      "shares.\n\n"
      "Examples:\n"
      "  tidegate outbox --sql --app shop --bridge tidegate | psql -h primary -U postgres app\n"
      "  tidegate bridge --primary 'host=a,b dbname=app target_session_attrs=primary'\n"
      "  tidegate sub 'users/*/new'",
      {"mesh", "name", "interfaces", "seeds", "key-file", "primary", "from", "retain-bytes",
       "retain-for", "log-level"},
      command::LogLevel::info};
}

class BridgeCommand final : public command::Subcommand {
 public:
  BridgeCommand() : Subcommand(help()) {}

  void declare(CLI::App& /*app*/) override {}
  void check(std::vector<command::SettingProblem>& /*problems*/) override {}

  int run(const command::Invocation& invocation) override {
    const io::StopSignals stop;
    const auto& primary = invocation.settings.options.primary;
    if (!primary) {
      command::write(invocation.log, {command::LogLevel::error,
                                      "there is no server to read; give it with --primary"});
      return command::exit_status::usage;
    }
    auto server = BridgeServer::open(*primary);
    if (!server) return command::fail(invocation, server.error().message);
    postgres::BridgeLife before;
    while (true) {
      const auto most_bytes = std::min(invocation.settings.options.retain_bytes,
                                       invocation.settings.options.unsent_bytes / 2);
      Begin begin(*server, before, most_bytes, invocation);
      auto beginning = begin.run(stop);
      if (!beginning) return command::exit_status::done;
      const auto end = live(std::move(*beginning), *server, stop, invocation, before);
      if (end) return *end;
    }
  }

 private:
  // One life; nothing: another one is to follow.
  static std::optional<int> live(Beginning beginning, BridgeServer& server,
                                 const io::StopSignals& stop, const command::Invocation& invocation,
                                 postgres::BridgeLife& before) {
    auto options = invocation.settings.options;
    const auto primary = *std::exchange(options.primary, std::nullopt);
    options.database.reset();
    const auto from = std::exchange(options.from, From::latest);
    const auto& stream = beginning.stream;
    auto world = peer::checked_world(
        options, peer::KeptStream{stream.origin, stream.epoch, stream.first - 1});
    if (!world) return command::fail(invocation, world.error().message);
    auto outbox = OutboxSubscription::open(
        {.database = primary, .cursor = stream.cursor, .from = from, .taken_by_done = true});
    if (!outbox) return command::fail(invocation, outbox.error().message);
    command::write(invocation.log,
                   {command::LogLevel::info,
                    fmt::format("the bridge works: {} {}, from number {} on",
                                beginning.fresh() ? "a new stream" : "goes on with the stream",
                                to_string(stream.origin.peer), stream.last + 1)});
    const auto peer = peer::drive(options, std::move(world).value());
    if (!beginning.fresh()) {
      // Before it meets anybody: they ask for what they have missed as soon as they meet it.
      for (auto& row : std::exchange(beginning.rows, {})) {
        (void)peer->publish(command::publication_of(std::move(row)));
      }
    }
    peer->subscribe(Pattern::parse(to_string(outbox_hint_topic())).value());
    Session session(*peer, &stop);
    const BridgeServer::Attachment attachment(server, session.reactor());
    command::Bridge bridge(*peer, server, **outbox, std::move(beginning.stream),
                           std::move(beginning.rows), session.reactor(), invocation.log);
    doors::NoticeLog log(invocation.log, session.reactor(), *peer);
    session.add(bridge);
    session.add(log);
    const auto end = session.run();
    session.end();
    before = bridge.life();
    if (end == SessionEnd::stopped) return command::exit_status::done;
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<command::Subcommand> make_bridge_command() {
  return std::make_unique<BridgeCommand>();
}

}  // namespace tidegate::commands
