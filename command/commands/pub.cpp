// `tidegate pub`: one message from a script or by hand. A peer joins, meets the others, publishes
// and leaves.
//
// With --after it also makes the change that it announces. The order is: meet the others, commit,
// publish. If nobody is there, nothing is committed, so that a script can simply try again.
//
// The peer runs in a thread of its own here: the SQL may take long, and a peer that is not run for
// seconds looks dead to the others.
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/settle.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "lib/base/limits.hpp"
#include "peer/io/clock.hpp"
#include "peer/servers/postgres/sql_change.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::commands {
namespace {

using std::chrono::milliseconds;

constexpr Duration default_wait = std::chrono::seconds(3);

// How long the primary may take to tell the position of somebody else's commit.
constexpr milliseconds leave_bound = std::chrono::seconds(10);

Result<std::string> read_payload() {
  std::string payload;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0) return payload;
    if (got < 0) return Error{"the payload can't be read from standard input"};
    payload.append(buffer.data(), static_cast<std::size_t>(got));
    if (payload.size() > base::limits::payload_bytes) {
      return Error{fmt::format("the payload is longer than {} bytes, the most that a mesh carries",
                               base::limits::payload_bytes)};
    }
  }
}

class PubCommand final : public command::Subcommand {
 public:
  void declare(CLI::App& app) override {
    app.add_option("TOPIC", topic_text_, "such as builds/42/new")->required()->type_name("");
    payload_option_ =
        app.add_option("PAYLOAD", payload_, "text; '-' or nothing: read from standard input")
            ->type_name("");
    app.add_option("--after", sql_,
                   "make this change on the primary, in one transaction, and "
                   "announce it")
        ->type_name("SQL");
    app.add_flag("--after-commit", after_commit_,
                 "announce a change that somebody else has just committed");
    app.add_option("--peers", peers_text_, "number of peers that must be ready")
        ->type_name("COUNT");
    app.add_option("--wait", wait_text_, "longest wait for the peers (default: 3s)")
        ->type_name("TIME");
    app.add_flag("--allow-none", allow_none_, "publish even if no peer is there");
    app.add_flag("--json", json_, "print the result as one JSON line");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    if (auto topic = Topic::parse(topic_text_)) {
      topic_ = std::move(*topic);
    } else if (!topic_text_.empty()) {
      problems.push_back({"TOPIC", topic.error().message});
    }
    wait_ = command::duration_flag("--wait", wait_text_, default_wait, problems);
    if (!peers_text_.empty()) peers_ = command::count_flag("--peers", peers_text_, 1, problems);
    if (after_commit_ && !sql_.empty()) {
      problems.push_back({"--after-commit", "give either this or --after"});
    }
  }

  int run(const command::Invocation& invocation) override {
    const auto options = command::short_lived_options(invocation, "pub");
    const auto primary = options.primary.empty() ? options.database : options.primary;
    if ((!sql_.empty() || after_commit_) && primary == "none") {
      return fail(invocation, command::exit_status::usage,
                  "there is no primary to ask for the position of the change; give it with "
                  "--primary");
    }
    if (payload_option_->count() == 0 || payload_ == "-") {
      auto payload = read_payload();
      if (!payload) return fail(invocation, command::exit_status::failed, payload.error().message);
      payload_ = std::move(*payload);
    }
    // Until something is committed, being stopped is a farewell; from then on it ends the process.
    std::optional<command::StopSignals> stop(std::in_place);
    auto started = Peer::start(options, Drive::own_thread);
    if (!started) return fail(invocation, command::exit_status::failed, started.error().message);
    auto& peer = **started;

    command::Settling settling(peers_);
    meet(peer, settling, *stop, invocation);
    if (stop->came()) {
      return fail(invocation, command::exit_status::failed,
                  "stopped before anything was published");
    }
    stop.reset();
    if (!settling.enough() && !allow_none_) {
      return fail(invocation, command::exit_status::nobody, nobody_words(settling));
    }

    Dependency dependency = NoChange{};
    if (after_commit_) dependency = AfterCommit{.durable = false};
    if (!sql_.empty()) {
      const auto position = postgres::commit_change(primary, sql_);
      if (!position) {
        return fail(invocation, command::exit_status::failed,
                    position.error().message + "; nothing was announced");
      }
      dependency = *position;
    }
    return publish(peer, dependency, settling.ready(), invocation);
  }

 private:
  static int fail(const command::Invocation& invocation, int status, const std::string& message) {
    command::write(invocation.log, {command::LogLevel::error, message});
    return status;
  }

  void meet(Peer& peer, command::Settling& settling, const command::StopSignals& stop,
            const command::Invocation& invocation) const {
    constexpr milliseconds pause(20);
    const auto end = io::clock_now() + wait_;
    while (!stop.came() && !settling.settled(peer.status(), io::clock_now()) &&
           io::clock_now() < end) {
      const auto incoming = peer.next(pause);
      const auto* notice = incoming ? std::get_if<Notice>(&*incoming) : nullptr;
      if (notice != nullptr) command::write(invocation.log, command::describe(*notice));
    }
  }

  [[nodiscard]] std::string nobody_words(const command::Settling& settling) const {
    const auto found = peers_ ? fmt::format("only {} of {} peers", settling.ready(), *peers_)
                              : std::string("no peer");
    return fmt::format(
        "{} ready within {}: nothing was {}published; look with `tidegate peers`, wait longer with "
        "--wait, or publish all the same with --allow-none",
        found, command::exact_duration(wait_), sql_.empty() ? "" : "committed or ");
  }

  int publish(Peer& peer, const Dependency& dependency, std::size_t receivers,
              const command::Invocation& invocation) {
    const auto answer = peer.publish(*topic_, std::move(payload_), dependency);
    if (answer == Publish::payload_too_large) {
      return fail(invocation, command::exit_status::failed,
                  "not published: the payload is longer than payload-bytes allows");
    }
    if (answer == Publish::no_primary) {
      return fail(invocation, command::exit_status::failed,
                  "not published: there is no primary to ask for the position; give it with "
                  "--primary");
    }
    if (answer != Publish::accepted) {
      return fail(invocation, command::exit_status::failed,
                  "not published: " + std::string(to_string(answer)));
    }
    peer.leave(leave_bound);
    bool sent = true;
    while (const auto incoming = peer.next(milliseconds(0))) {
      const auto* notice = std::get_if<Notice>(&*incoming);
      if (notice == nullptr) continue;
      command::write(invocation.log, command::describe(*notice));
      if (std::holds_alternative<Unpublished>(*notice)) sent = false;
    }
    if (!sent) return command::exit_status::failed;
    report(dependency, receivers);
    return command::exit_status::done;
  }

  void report(const Dependency& dependency, std::size_t receivers) const {
    const auto* position = std::get_if<Position>(&dependency);
    json_lines::Output output(STDOUT_FILENO);
    if (json_) {
      const auto known = position != nullptr ? std::optional(*position) : std::nullopt;
      output.line(json_lines::to_text(json_lines::published(*topic_, receivers, known)));
    } else {
      output.line(fmt::format("published to {} {}{}", receivers, receivers == 1 ? "peer" : "peers",
                              position != nullptr ? ", position " + to_string(*position) : ""));
    }
    output.drain(std::chrono::seconds(1));
  }

  std::string topic_text_;
  std::string payload_;
  const CLI::Option* payload_option_ = nullptr;  // an empty payload is one too
  std::string sql_;
  std::string peers_text_;
  std::string wait_text_;
  bool after_commit_ = false;
  bool allow_none_ = false;
  bool json_ = false;

  std::optional<Topic> topic_;
  std::optional<std::size_t> peers_;
  Duration wait_ = default_wait;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_pub_command() { return std::make_unique<PubCommand>(); }

}  // namespace tidegate::commands
