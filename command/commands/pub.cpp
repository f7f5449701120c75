// `tidegate pub`: one message from a script or by hand. A peer of the mesh that runs on this host
// publishes it (running_publisher.hpp); where there is none, one joins, meets the others, publishes
// and leaves.
//
// With --after it also makes the change that it announces. The order is: meet the others, commit,
// publish. If nobody is there, nothing is committed, so that a script can simply try again.
//
// With --outbox the announcement is a row of the same transaction. Then nobody has to be there: a
// hint through a peer of this host only makes the readers look at once.
//
// The SQL may take long, and a peer that is not run for seconds looks dead to the others: so a
// thread of its own commits, while the session goes on.
#include <array>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/meeting.hpp"
#include "command/commands/running_publisher.hpp"
#include "command/commands/session.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/notice_log.hpp"
#include "command/settle.hpp"
#include "command/subcommand.hpp"
#include "command/units.hpp"
#include "lib/base/limits.hpp"
#include "peer/io/signals.hpp"
#include "peer/servers/postgres/outbox_query.hpp"
#include "peer/servers/postgres/sql_change.hpp"
#include "tidegate/outbox.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::commands {
namespace {

using std::chrono::milliseconds;

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

// The fate of the one message.
class Outcome final : public doors::Door {
 public:
  void handle(const Incoming& incoming) override {
    const auto* notice = std::get_if<Notice>(&incoming);
    const auto* sent = notice != nullptr ? std::get_if<Sent>(notice) : nullptr;
    if (sent != nullptr) sent_ = *sent;
  }
  // Nothing when it was not sent.
  [[nodiscard]] const std::optional<Sent>& sent() const { return sent_; }

 private:
  std::optional<Sent> sent_;
};

command::Description help() {
  return {"pub",
          "publishes one message, and makes the change that it announces if wished",
          "Examples:\n"
          "  tidegate pub builds/42/new 'hello'\n"
          "  tidegate pub builds/42/new - <file\n"
          "  tidegate pub jobs/7/new --primary host=primary --after 'INSERT INTO jobs VALUES (7)'\n"
          "      commits, and announces the commit; if nobody is there, nothing is committed\n"
          "  tidegate pub --outbox jobs/7/new --primary host=primary --after 'INSERT INTO ...'\n"
          "      announces in the transaction itself, for `tidegate sub --durable`",
          {"mesh", "socket", "interfaces", "seeds", "primary", "database", "log-level"},
          command::LogLevel::warning};
}

class PubCommand final : public command::Subcommand {
 public:
  PubCommand() : Subcommand(help()) {}

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
    app.add_flag("--after-read", after_read_,
                 "deliver it only where all is visible that the database shows here by now, since "
                 "it follows from what was read there");
    app.add_option("--peers", peers_text_, "number of peers that must be ready")
        ->type_name("COUNT");
    app.add_option("--wait", wait_text_, "longest wait for the peers (default: 3s)")
        ->type_name("TIME");
    app.add_flag("--allow-none", allow_none_, "publish even if no peer is there");
    app.add_flag("--join", join_,
                 "join the mesh even if a peer of it runs on this host and would publish");
    app.add_flag("--outbox", outbox_,
                 "announce in the outbox of the primary (`tidegate outbox`), in one transaction "
                 "with --after: it reaches also those who are away")
        ->type_name("");
    app.add_flag("--json", json_, "print the result as one JSON line");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    if (auto topic = Topic::parse(topic_text_)) {
      topic_ = std::move(*topic);
    } else if (!topic_text_.empty()) {
      problems.push_back({"TOPIC", topic.error().message});
    }
    wait_ = command::duration_flag("--wait", wait_text_, command::usual_wait, problems);
    if (!peers_text_.empty()) peers_ = command::count_flag("--peers", peers_text_, 1, problems);
    if (after_commit_ && !sql_.empty()) {
      problems.push_back({"--after-commit", "give either this or --after"});
    }
    if (after_read_ && (after_commit_ || !sql_.empty())) {
      problems.push_back({"--after-read", "give either this or what announces a change"});
    }
    if (outbox_ && after_read_) {
      problems.push_back({"--outbox",
                          "a row is visible to nobody before its transaction is; leave "
                          "out --after-read"});
    }
    if (outbox_ && after_commit_) {
      problems.push_back(
          {"--outbox", "an announcement is part of its transaction; make the change with --after"});
    }
    if (outbox_ && (!peers_text_.empty() || join_)) {
      problems.push_back({"--outbox", "nobody has to be there; leave out --peers and --join"});
    }
  }

  int run(const command::Invocation& invocation) override {
    auto options = command::short_lived_options(invocation, "pub");
    options.report_sent = true;
    const auto& primary = options.primary ? options.primary : options.database;
    if ((!sql_.empty() || outbox_) && !primary) {
      return fail(invocation, command::exit_status::usage,
                  "there is no primary to make the change on; give it with --primary");
    }
    if (payload_option_->count() == 0 || payload_ == "-") {
      auto payload = read_payload();
      if (!payload) return fail(invocation, command::exit_status::failed, payload.error().message);
      payload_ = std::move(*payload);
    }
    if (outbox_) return announce(*primary, invocation);
    // The peer that publishes for clients of a running one reads no server.
    if (!after_read_ && wants_running_peer(invocation)) {
      if (const auto running = RunningPublisher::find(invocation, after_commit_)) {
        return publish_through(*running, primary, invocation);
      }
    }
    if (after_commit_ && !primary) {
      return fail(invocation, command::exit_status::usage,
                  "there is no primary to ask for the position of the change: no peer with one "
                  "runs here; give it with --primary");
    }
    if (after_read_ && !options.database) {
      return fail(invocation, command::exit_status::usage,
                  "there is no database that was read; give it with --database");
    }
    // Until something is committed, being stopped is a farewell; from then on it ends the process.
    std::optional<io::StopSignals> stop(std::in_place);
    auto started = DrivenPeer::start(options);
    if (!started) return fail(invocation, command::exit_status::failed, started.error().message);
    auto& peer = **started;

    command::Settling settling(peers_);
    const auto met = meet_others(peer, *stop, settling, invocation);
    stop.reset();
    if (met == SessionEnd::stopped) {
      return fail(invocation, command::exit_status::failed,
                  "stopped before anything was published");
    }
    if (!settling.enough() && !allow_none_) {
      return fail(invocation, command::exit_status::nobody, nobody_words(settling.ready()));
    }

    Session session(peer, nullptr);
    doors::NoticeLog log(invocation.log, session.reactor(), peer);
    session.add(log);
    auto dependency = without_change();
    if (!sql_.empty()) {
      const auto position = commit_change(session, *primary);
      if (!position) {
        return fail(invocation, command::exit_status::failed, uncommitted(position));
      }
      dependency = *position;
    }
    return publish(session, peer, dependency, settling.ready(), invocation);
  }

 private:
  static int fail(const command::Invocation& invocation, int status, const std::string& message) {
    command::write(invocation.log, {command::LogLevel::error, message});
    return status;
  }

  // Without one of its own.
  [[nodiscard]] Dependency without_change() const {
    if (after_commit_) return AfterCommit{.durable = false};
    if (after_read_) return AfterRead{};
    return NoChange{};
  }

  // With flags that say how to join, it joins.
  [[nodiscard]] bool wants_running_peer(const command::Invocation& invocation) const {
    if (join_) return false;
    for (const auto* name : {"name", "interfaces", "seeds", "beacon-port"}) {
      const auto given = invocation.given.find(name);
      if (given != invocation.given.end() && given->second == command::Source::flag) return false;
    }
    return true;
  }

  // The order is that of a peer of its own: meet the others, commit, publish.
  int publish_through(RunningPublisher& running, const std::optional<std::string>& primary,
                      const command::Invocation& invocation) {
    const auto ready = running.wait_ready(peers_, wait_);
    if (!ready) return fail(invocation, command::exit_status::failed, ready.error().message);
    if (*ready < peers_.value_or(1) && !allow_none_) {
      return fail(invocation, command::exit_status::nobody, nobody_words(*ready));
    }
    json_lines::Publication publication{*topic_, std::move(payload_), without_change(), ""};
    if (!sql_.empty()) {
      const auto position = postgres::commit_change(*primary, sql_);
      if (!position) return fail(invocation, command::exit_status::failed, uncommitted(position));
      publication.dependency = *position;
    }
    const auto position = running.publish(publication, leave_bound);
    if (!position) {
      return fail(invocation, command::exit_status::failed, position.error().message);
    }
    return report(*position, *ready, invocation);
  }

  // The hint is no part of it: without one the readers look by themselves.
  int announce(const std::string& primary, const command::Invocation& invocation) {
    const auto position = postgres::commit_change(
        primary, sql_ + "\n;\n" + postgres::announce_sql(*topic_, payload_));
    if (!position) {
      return fail(invocation, command::exit_status::failed,
                  position.error().message + "; the announcement is there if the change is");
    }
    if (const auto running = RunningPublisher::find(invocation, false)) {
      const auto hinted = running->publish({outbox_hint_topic(), "", *position, ""}, leave_bound);
      if (!hinted) {
        command::write(invocation.log, {command::LogLevel::info, hinted.error().message});
      }
    }
    json_lines::Output output(STDOUT_FILENO);
    output.line(json_ ? json_lines::to_text(json_lines::announced(*topic_, *position))
                      : "announced in the outbox, position " + to_string(*position));
    return command::finish(output, invocation, command::exit_status::done);
  }

  [[nodiscard]] static std::string uncommitted(const Result<Position, CommitError>& position) {
    return position.error().message + "; nothing was announced";
  }

  [[nodiscard]] SessionEnd meet_others(DrivenPeer& peer, const io::StopSignals& stop,
                                       command::Settling& settling,
                                       const command::Invocation& invocation) const {
    Session session(peer, &stop);
    doors::NoticeLog log(invocation.log, session.reactor(), peer);
    session.add(log);
    return meet(session, peer, settling, wait_);
  }

  [[nodiscard]] Result<Position, CommitError> commit_change(Session& session,
                                                            const std::string& primary) const {
    std::promise<Result<Position, CommitError>> promise;
    auto future = promise.get_future();
    std::thread thread([&] {
      promise.set_value(postgres::commit_change(primary, sql_));
      session.reactor().wake();
    });
    (void)session.run(std::nullopt, [&] {
      return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    thread.join();
    return future.get();
  }

  [[nodiscard]] std::string nobody_words(std::size_t ready) const {
    const auto found =
        peers_ ? fmt::format("only {} of {} peers", ready, *peers_) : std::string("no peer");
    return fmt::format(
        "{} ready within {}: nothing was {}published; look with `tidegate peers`, wait longer with "
        "--wait, or publish all the same with --allow-none",
        found, command::exact_duration(wait_), sql_.empty() ? "" : "committed or ");
  }

  int publish(Session& session, DrivenPeer& peer, const Dependency& dependency,
              std::size_t receivers, const command::Invocation& invocation) {
    Outcome outcome;
    session.add(outcome);
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
    session.end(leave_bound);
    if (!outcome.sent()) return command::exit_status::failed;
    return report(outcome.sent()->position, receivers, invocation);
  }

  [[nodiscard]] int report(const std::optional<Position>& position, std::size_t receivers,
                           const command::Invocation& invocation) const {
    json_lines::Output output(STDOUT_FILENO);
    if (json_) {
      output.line(json_lines::to_text(json_lines::published(*topic_, receivers, position)));
    } else {
      output.line(fmt::format("published to {} {}{}", receivers, receivers == 1 ? "peer" : "peers",
                              position ? ", position " + to_string(*position) : ""));
    }
    return command::finish(output, invocation, command::exit_status::done);
  }

  std::string topic_text_;
  std::string payload_;
  const CLI::Option* payload_option_ = nullptr;  // an empty payload is one too
  std::string sql_;
  std::string peers_text_;
  std::string wait_text_;
  bool after_commit_ = false;
  bool after_read_ = false;
  bool allow_none_ = false;
  bool json_ = false;
  bool join_ = false;
  bool outbox_ = false;

  std::optional<Topic> topic_;
  std::optional<std::size_t> peers_;
  Duration wait_ = command::usual_wait;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_pub_command() { return std::make_unique<PubCommand>(); }

}  // namespace tidegate::commands
