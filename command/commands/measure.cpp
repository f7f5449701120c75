// `tidegate measure`: before anyone adopts it, how early announcements would be on somebody's own
// primary and replica. It commits small messages in the WAL and no row: nothing is left behind.
//
// The commit and its position come in one query string: an explicit COMMIT is over before the next
// statement runs. The replica is then asked again and again without a pause, so a lag is known to
// the time of one answer.
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/doors/json_lines/json_survey.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/log.hpp"
#include "command/measure/lag_survey.hpp"
#include "command/subcommand.hpp"
#include "peer/io/clock.hpp"
#include "peer/servers/postgres/sql_question.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate::commands {
namespace {

constexpr postgres::Database::Timeouts timeouts{.connect = std::chrono::seconds(10),
                                                .answer = std::chrono::seconds(30)};
constexpr Duration patience = std::chrono::seconds(30);  // for one commit to be shown
constexpr std::size_t most_commits = 1'000'000;

const std::string commit_sql =
    "BEGIN; SELECT pg_catalog.pg_logical_emit_message(true, 'tidegate', ''); COMMIT;"
    " SELECT pg_catalog.pg_current_wal_insert_lsn()";
const std::string replay_sql = "SELECT pg_catalog.pg_last_wal_replay_lsn()";
const std::string identity_sql =
    "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()),"
    " pg_catalog.pg_is_in_recovery()";

command::Description help() {
  return {"measure",
          "tells how many announcements would be read too early on your servers",
          "Commits small messages in the WAL of the primary, no row, and looks when the replica "
          "shows\n"
          "each: how many would be too early for a reader who hears of them at once, how long the\n"
          "replica takes, and what the usual cures would cost. Every role may do it.\n\n"
          "Examples:\n"
          "  tidegate measure --primary 'host=primary dbname=app' --database 'host=replica "
          "dbname=app'\n"
          "  tidegate measure --count 10000 --rate 200 --json ...",
          {"primary", "database", "log-level"},
          command::LogLevel::warning};
}

class MeasureCommand final : public command::Subcommand {
 public:
  MeasureCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--count", count_text_, "how many commits to make (default: 1000)")
        ->type_name("COUNT");
    app.add_option("--rate", rate_text_, "how many in a second, at most (default: 50)")
        ->type_name("COUNT");
    app.add_flag("--json", json_, "print one JSON object");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    count_ = command::count_flag("--count", count_text_, 1000, problems);
    rate_ = command::count_flag("--rate", rate_text_, 50, problems);
    if (count_ == 0 || count_ > most_commits) {
      problems.push_back({"--count", "is between 1 and 1000000"});
    }
    if (rate_ == 0 || rate_ > most_commits) {
      problems.push_back({"--rate", "is between 1 and 1000000"});
    }
  }

  int run(const command::Invocation& invocation) override {
    const auto& options = invocation.settings.options;
    if (!options.primary || !options.database) {
      command::write(invocation.log,
                     {command::LogLevel::error,
                      "two servers are measured; give --primary and --database, the replica"});
      return command::exit_status::usage;
    }
    auto primary = open(*options.primary);
    if (!primary) return command::fail(invocation, "the primary: " + primary.error().message);
    auto replica = open(*options.database);
    if (!replica) return command::fail(invocation, "the replica: " + replica.error().message);
    if (const auto error = compare(*primary, *replica)) {
      return command::fail(invocation, error->message);
    }
    std::vector<command::LagSample> samples;
    std::vector<Duration> primary_answers;
    const auto trouble = measure(*primary, *replica, samples, primary_answers);
    if (trouble) {
      return command::fail(invocation, command::harmless(trouble->message) + ", after " +
                                           std::to_string(samples.size()) + " commits");
    }
    const auto survey = command::survey(samples, std::move(primary_answers));
    json_lines::Output output(STDOUT_FILENO);
    auto text = json_ ? json_lines::to_text(json_lines::survey_document(survey, primary->server(),
                                                                        replica->server()))
                      : command::survey_text(survey, primary->server(), replica->server());
    if (text.back() == '\n') text.pop_back();
    output.line(text);
    return command::finish(output, invocation, command::exit_status::done);
  }

 private:
  static Result<postgres::Database> open(const std::string& server) {
    auto database = postgres::prepare_connection(server, timeouts);
    if (!database) return Error{to_words(database.error())};
    if (const auto trouble = postgres::connect(*database)) return Error{to_words(*trouble)};
    return std::move(database).value();
  }

  // Why nothing can be measured between them.
  static std::optional<Error> compare(postgres::Database& primary, postgres::Database& replica) {
    const auto one = postgres::ask(primary, identity_sql);
    const auto other = postgres::ask(replica, identity_sql);
    if (!one) return Error{to_words(one.error())};
    if (!other) return Error{to_words(other.error())};
    if (one->front().at(1) != "f") {
      return Error{
          "--primary names a standby; with several hosts add target_session_attrs=primary"};
    }
    if (other->front().at(1) != "t") {
      return Error{"--database names no replica: what it commits is shown at once"};
    }
    if (one->front().at(0) != other->front().at(0)) {
      return Error{"the two are of different clusters"};
    }
    return std::nullopt;
  }

  std::optional<Error> measure(postgres::Database& primary, postgres::Database& replica,
                               std::vector<command::LagSample>& samples,
                               std::vector<Duration>& primary_answers) const {
    const auto pause = Duration(std::chrono::seconds(1)) / static_cast<Duration::rep>(rate_);
    auto next = io::clock_now();
    while (samples.size() < count_) {
      std::this_thread::sleep_for(next - io::clock_now());
      next = std::max(next + pause, io::clock_now());
      const auto committed = ask_lsn(primary, commit_sql);
      if (!committed) return committed.error();
      auto sample = watch(replica, *committed);
      if (!sample) return sample.error();
      samples.push_back(*sample);
      if (samples.size() % 10 != 0) continue;
      const auto asked = io::clock_now();
      if (const auto read = postgres::ask(primary, "SELECT 1"); !read) {
        return Error{to_words(read.error())};
      }
      primary_answers.push_back(io::clock_now() - asked);
    }
    return std::nullopt;
  }

  // Begins when COMMIT has been answered.
  static Result<command::LagSample> watch(postgres::Database& replica, Lsn committed) {
    const auto begin = io::clock_now();
    command::LagSample sample;
    while (true) {
      const auto replayed = ask_lsn(replica, replay_sql);
      if (!replayed) return replayed.error();
      const auto passed = io::clock_now() - begin;
      if (sample.first_look == Duration::zero()) sample.first_look = passed;
      if (replayed->bytes >= committed.bytes) {
        sample.lag = passed;
        return sample;
      }
      sample.early = true;
      if (passed > patience) {
        return Error{
            "the replica has not shown a commit within 30 s; look whether its replay is "
            "paused or cut off"};
      }
    }
  }

  static Result<Lsn> ask_lsn(postgres::Database& server, const std::string& sql) {
    const auto answer = postgres::ask(server, sql);
    if (!answer) return Error{to_words(answer.error())};
    if (answer->empty() || !answer->front().at(0)) return Error{"a server told no position"};
    return parse_lsn(*answer->front()[0]);
  }

  std::string count_text_;
  std::string rate_text_;
  bool json_ = false;
  std::size_t count_ = 0;
  std::size_t rate_ = 0;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_measure_command() {
  return std::make_unique<MeasureCommand>();
}

}  // namespace tidegate::commands
