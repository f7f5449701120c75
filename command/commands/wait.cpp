// `tidegate wait`: until the replica shows what a token names. A web request or a job asks so for
// its own write, and a deployment waits until all replicas show a migration.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/local_peers.hpp"
#include "command/commands/running_publisher.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/log.hpp"
#include "command/subcommand.hpp"
#include "lib/base/saturated.hpp"
#include "tidegate/gate.hpp"
#include "tidegate/token.hpp"

namespace tidegate::commands {
namespace {

using json_lines::Json;
using std::chrono::milliseconds;

constexpr Duration usual_timeout = std::chrono::seconds(10);
// For the peer to answer that the time is over.
constexpr Duration answer_bound = std::chrono::seconds(5);

command::Description help() {
  return {"wait",
          "waits until the replica shows the change that a token names",
          "The peer that runs on this host answers for the server that it reads; with\n"
          "--everywhere all members of the mesh do, each for its own. A token is in the lines\n"
          "`sent` and `delivery` of a peer, and in the answer of `tidegate pub --json`.\n\n"
          "Exit status of this command: 0 it is visible; 5 not yet, in the time given; 6 never,\n"
          "since a failover has undone it (orphaned); 7 a failover may have undone it (in doubt);\n"
          "8 never, since it is of another cluster (foreign); 1 nobody can tell.\n\n"
          "Examples:\n"
          "  token=$(tidegate pub migrated 42 --after \"$(cat 42.sql)\" --json | jq -r .token)\n"
          "  tidegate wait $token --everywhere --timeout 5m\n"
          "      goes on when every replica shows the migration, or names those that are behind\n"
          "  tidegate wait $COOKIE --timeout 0s || read_from=primary\n"
          "  tidegate wait $token --database host=replica\n"
          "      without a peer",
          {"mesh", "name", "socket", "database", "log-level"},
          command::LogLevel::warning};
}

// The answer in whichever way it was found.
struct Answer {
  std::string covered;
  Json line;  // as it is printed with --json
};

struct Outcome {
  const char* covered;
  int status;
  const char* text;
};

constexpr std::array<Outcome, 6> outcomes{{
    {"visible", command::exit_status::done, "it is visible"},
    {"pending", command::exit_status::not_yet, "it is not visible yet"},
    {"orphaned", command::exit_status::orphaned, "never: a failover has undone the change"},
    {"in_doubt", command::exit_status::in_doubt,
     "in doubt: a failover may have undone the change; look whether it is there"},
    {"foreign", command::exit_status::foreign, "never: the change is of another cluster"},
    {"unknown", command::exit_status::failed,
     "nobody can tell: no server is read, or it does not answer"},
}};

const Outcome& outcome_of(const std::string& covered) {
  const auto found = std::find_if(outcomes.begin(), outcomes.end(), [&](const Outcome& outcome) {
    return covered == outcome.covered;
  });
  return found == outcomes.end() ? outcomes.back() : *found;
}

std::string text_of(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The members that say something else than that it is visible.
std::string others(const Json& line) {
  std::string text;
  const auto members = line.find("members");
  if (members == line.end() || !members->is_array()) return text;
  for (const auto& member : *members) {
    const auto covered = text_of(member, "covered");
    if (covered == "visible" || covered == "unread") continue;
    const auto address = text_of(member, "address");
    text += fmt::format("\n  {}{}: {}", command::harmless(text_of(member, "name")),
                        address.empty() ? "" : " (" + command::harmless(address) + ")",
                        covered == "silent"    ? "did not answer"
                        : covered == "pending" ? "behind"
                        : covered == "unknown" ? "its server does not answer"
                                               : command::harmless(covered));
  }
  return text;
}

class WaitCommand final : public command::Subcommand {
 public:
  WaitCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("TOKEN", token_, "the change, as a token: tide1...");
    app.add_flag("--everywhere", everywhere_, "ask all members, and name those that are behind");
    app.add_option("--timeout", timeout_text_, "give up after this time (default: 10s)")
        ->type_name("TIME");
    app.add_flag("--json", json_, "print one JSON object");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    timeout_ = command::duration_flag("--timeout", timeout_text_, usual_timeout, problems);
    auto position = parse_token(token_);
    if (position) {
      position_ = std::move(*position);
    } else {
      problems.push_back({"TOKEN", position.error().message});
    }
  }

  int run(const command::Invocation& invocation) override {
    const auto given = invocation.given.find("database");
    const bool apart = given != invocation.given.end() && given->second == command::Source::flag;
    if (apart && everywhere_) {
      command::write(invocation.log,
                     {command::LogLevel::error,
                      "--everywhere asks the members of the mesh; leave out --database"});
      return command::exit_status::usage;
    }
    if (apart) return show(ask_server(*invocation.settings.options.database), invocation);
    const auto chosen = choose_local_peer(invocation);
    if (const auto* status = std::get_if<int>(&chosen)) return *status;
    return show(ask_peer(std::get<status_socket::PeerSocket>(chosen)), invocation);
  }

 private:
  [[nodiscard]] Result<Answer> ask_server(const std::string& database) const {
    const auto gate = DatabaseGate::open({.database = database});
    if (!gate) return gate.error();
    const auto timeout = std::chrono::ceil<milliseconds>(base::bounded(timeout_));
    const Coverage coverage{0, (*gate)->covered(position_, timeout), {}};
    return Answer{std::string(to_string(coverage.covered)), json_lines::to_json(coverage)};
  }

  [[nodiscard]] Result<Answer> ask_peer(const status_socket::PeerSocket& peer) const {
    const auto client = RunningPublisher::for_orders(peer);
    if (!client) return client.error();
    const json_lines::Wait wait{position_, timeout_, everywhere_ ? Where::everywhere : Where::here,
                                ""};
    auto line = (*client)->wait_covered(wait, base::bounded(timeout_) + answer_bound);
    if (!line) return line.error();
    return Answer{text_of(*line, "covered"), std::move(*line)};
  }

  [[nodiscard]] int show(const Result<Answer>& answer,
                         const command::Invocation& invocation) const {
    if (!answer) return command::fail(invocation, answer.error().message);
    const auto& outcome = outcome_of(answer->covered);
    json_lines::Output output(STDOUT_FILENO);
    output.line(json_ ? json_lines::to_text(answer->line) : outcome.text + others(answer->line));
    return command::finish(output, invocation, outcome.status);
  }

  std::string token_;
  Position position_;
  bool everywhere_ = false;
  std::string timeout_text_;
  Duration timeout_{};
  bool json_ = false;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_wait_command() { return std::make_unique<WaitCommand>(); }

}  // namespace tidegate::commands
