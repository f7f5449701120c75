// `tidegate trace`: why a message takes its time. Follows the next one on a topic through the mesh.
#include <algorithm>
#include <chrono>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/commands/running_publisher.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/subcommand.hpp"
#include "command/trace_text.hpp"
#include "command/units.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::commands {
namespace {

constexpr Duration usual_timeout = std::chrono::seconds(30);
// For the peer to answer that the time is over.
constexpr Duration answer_bound = std::chrono::seconds(5);

command::Description help() {
  return {"trace",
          "follows the next message on a topic through the mesh, and shows what takes its time",
          "The peer that runs on this host asks all members, and the first message that one of\n"
          "them publishes on the topic, a pattern as of `tidegate sub`, is followed to each that\n"
          "gets it. The steps at one receiver add up to the whole:\n"
          "  publish   accepted by its peer\n"
          "  position  the primary is asked for its position, after the commit, and answers\n"
          "  send      the position is flushed, the messages before it are sent, and so is it\n"
          "  arrival   the way\n"
          "  gap       the messages before it come, and the gate has room\n"
          "  held      the replica that is read comes as far as the change\n"
          "  poll      the reading of the replica that shows it\n"
          "  delivery  the application is given it\n"
          "One that is not over when the time is tells where it stands. Members of an older\n"
          "version are named.\n\n"
          "Exit status of this command: 0 the message was followed to its end; 5 it is under way\n"
          "somewhere; 9 nothing was published in the time given; 1 and 3 as always.\n\n"
          "Examples:\n"
          "  tidegate trace 'builds/#'\n"
          "  tidegate trace 'builds/*/new' --count 10 --timeout 5m\n"
          "  tidegate trace 'builds/#' --json | jq '.receivers[] | {name, steps}'",
          {"mesh", "name", "socket", "log-level"},
          command::LogLevel::warning};
}

class TraceCommand final : public command::Subcommand {
 public:
  TraceCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("TOPIC", pattern_text_, "the topic, or a pattern with * and #")
        ->required()
        ->type_name("");
    app.add_option("--timeout", timeout_text_,
                   "wait for the end of one message so long, at most 10min (default: 30s)")
        ->type_name("TIME");
    app.add_option("--count", count_text_, "follow so many messages, one behind the other")
        ->type_name("N");
    app.add_flag("--json", json_, "print one JSON object for each message");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    timeout_ = command::duration_flag("--timeout", timeout_text_, usual_timeout, problems);
    if (timeout_ > json_lines::longest_trace) {
      problems.push_back({"--timeout", "at most " +
                                           command::exact_duration(json_lines::longest_trace) +
                                           " can be waited; use --count for more messages"});
    }
    count_ = command::count_flag("--count", count_text_, 1, problems);
    if (count_ == 0) problems.push_back({"--count", "follow one message at least"});
    auto pattern = Pattern::parse(pattern_text_);
    if (!pattern) {
      problems.push_back({"TOPIC", pattern.error().message});
    } else if (pattern_text_.size() > base::limits::trace_pattern_bytes) {
      problems.push_back({"TOPIC", "it has more than " +
                                       std::to_string(base::limits::trace_pattern_bytes) +
                                       " bytes; write # for the rest"});
    } else {
      pattern_ = std::move(*pattern);
    }
  }

  int run(const command::Invocation& invocation) override {
    command::write_pattern_hint(invocation.log, pattern_text_);
    const auto chosen = choose_local_peer(invocation);
    if (const auto* exit_status = std::get_if<int>(&chosen)) return *exit_status;
    const auto& peer = std::get<status_socket::PeerSocket>(chosen);
    const auto client = RunningPublisher::for_orders(peer);
    if (!client) return command::fail(invocation, client.error().message);
    json_lines::Output output(STDOUT_FILENO);
    int status = command::exit_status::done;
    for (std::size_t i = 0; i < count_ && !output.closed(); ++i) {
      const auto line = (*client)->trace({pattern_, timeout_, ""}, timeout_ + answer_bound);
      if (!line) return command::fail(invocation, line.error().message);
      const auto traced = json_lines::parse_traced(*line);
      if (!traced) return command::fail(invocation, traced.error().message);
      show(*line, *traced, output);
      if (status == command::exit_status::done) status = status_of(*traced);
      if (traced->fate == Traced::Fate::none) break;
    }
    return command::finish(output, invocation, status);
  }

 private:
  void show(const json_lines::Json& line, const Traced& traced, json_lines::Output& output) const {
    auto text = json_ ? json_lines::to_text(line) : command::trace_text(traced, timeout_);
    if (!json_ && count_ == 1) text.pop_back();
    output.line(text);
    output.drain(answer_bound);
  }

  static int status_of(const Traced& traced) {
    if (traced.fate == Traced::Fate::none) return command::exit_status::nothing_published;
    return command::is_over(traced) ? command::exit_status::done : command::exit_status::not_yet;
  }

  std::string pattern_text_;
  Pattern pattern_;
  std::string timeout_text_;
  Duration timeout_{};
  std::string count_text_;
  std::size_t count_ = 1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_trace_command() {
  return std::make_unique<TraceCommand>();
}

}  // namespace tidegate::commands
