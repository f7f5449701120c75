// `tidegate outbox`: the schema of an outbox as SQL, whether a database has it as it should be, and
// how the outbox of a database stands. Changes no database.
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/cursor_lags.hpp"
#include "command/commands/cursors.hpp"
#include "command/commands/role_name.hpp"
#include "command/doors/json_lines/json_outbox.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/log.hpp"
#include "command/outbox_text.hpp"
#include "command/subcommand.hpp"
#include "peer/servers/postgres/outbox_schema.hpp"
#include "peer/servers/postgres/outbox_status.hpp"
#include "peer/servers/postgres/session_settings.hpp"
#include "peer/servers/postgres/sql_question.hpp"

namespace tidegate::commands {
namespace {

// To count the rows of an outbox that nobody has tidied takes a while.
constexpr postgres::Database::Timeouts timeouts{.connect = std::chrono::seconds(10),
                                                .answer = std::chrono::minutes(2)};

command::Description help() {
  return {"outbox",
          "prints the SQL of an outbox, checks the one of a database, or shows how it stands",
          "An outbox is a table in which a transaction announces its change: the announcement is\n"
          "there if and when the change is. Exactly one of --sql, --check and status is given. "
          "--check\n"
          "and status ask the server of --database, or without one that of --primary; a flag goes\n"
          "before a setting from elsewhere. Nothing is changed there.\n\n"
          "Exit status of --check: 0 all is right; 1 something is wrong, or nobody can tell.\n\n"
          "Examples:\n"
          "  tidegate outbox --sql --app shop --reader tidegate | psql -h primary -U postgres app\n"
          "      once more does no harm, and mends what --check finds\n"
          "  tidegate outbox --check --database 'host=replica dbname=app user=tidegate'\n"
          "  tidegate outbox status --primary 'host=primary dbname=app'",
          {"database", "primary", "state-file", "log-level"},
          command::LogLevel::warning};
}

// The server that was chosen; else the exit status, and the log says why.
std::variant<std::string, int> chosen_server(const command::Invocation& invocation) {
  const auto by_flag = [&](const char* name) {
    const auto given = invocation.given.find(name);
    return given != invocation.given.end() && given->second == command::Source::flag;
  };
  const auto refuse = [&](const char* why) {
    command::write(invocation.log, {command::LogLevel::error, why});
    return command::exit_status::usage;
  };
  const auto& database = invocation.settings.options.database;
  const auto& primary = invocation.settings.options.primary;
  if (by_flag("database") && by_flag("primary")) {
    return refuse("one server is asked; give either --database or --primary");
  }
  if (primary && (by_flag("primary") || !database)) return *primary;
  if (database) return *database;
  return refuse("there is no server to ask; give it with --database or --primary");
}

class OutboxCommand final : public command::Subcommand {
 public:
  OutboxCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("status", action_, "show how much lies there, and what holds it back")
        ->type_name("");
    app.add_flag("--sql", sql_, "print the schema; psql applies it");
    app.add_flag("--check", check_, "print what is wrong with the schema, each on a line");
    add_roles(app, "--app", roles_.applications,
              "with --sql: a role that may announce, and nothing else");
    add_roles(app, "--reader", roles_.readers,
              "with --sql: the role of a peer, which reads and tidies");
    add_roles(app, "--bridge", roles_.bridges, "with --sql: the role of `tidegate bridge`");
    app.add_option("--state-dir", state_directory_,
                   "with status: where `tidegate sub --durable` keeps its cursors, if not in the "
                   "usual place; those of a door are found by state-file")
        ->type_name("DIR");
    app.add_flag("--json", json_, "with --check or status: print one JSON object");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    const bool status = action_ == "status";
    if (!status && !action_.empty())
      problems.push_back({action_, "write `tidegate outbox status`"});
    if (int{sql_} + int{check_} + int{!action_.empty()} != 1) {
      problems.push_back({"outbox", "give exactly one of --sql, --check and status"});
    }
    check_roles("--app", roles_.applications, problems);
    check_roles("--reader", roles_.readers, problems);
    check_roles("--bridge", roles_.bridges, problems);
    if (!status && !state_directory_.empty()) {
      problems.push_back({"--state-dir", "is for status alone"});
    }
    if (sql_ && json_) problems.push_back({"--json", "is for --check and status alone"});
  }

  int run(const command::Invocation& invocation) override {
    if (sql_) return print_schema(invocation);
    auto server = chosen_server(invocation);
    if (const auto* exit_status = std::get_if<int>(&server)) return *exit_status;
    auto database = postgres::prepare_connection(std::get<std::string>(server), timeouts);
    if (!database) return fail(invocation, database.error());
    if (auto trouble = postgres::connect(*database)) return fail(invocation, *trouble);
    return check_ ? check_schema(*database, invocation) : show_status(*database, invocation);
  }

 private:
  static void add_roles(CLI::App& app, const char* flag, std::vector<std::string>& roles,
                        const std::string& text) {
    app.add_option(flag, roles, text + "; may be repeated")
        ->type_name("ROLE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  static int fail(const command::Invocation& invocation, const postgres::ServerTrouble& trouble) {
    return command::fail(invocation, command::harmless(to_words(trouble)));
  }

  void check_roles(const char* flag, const std::vector<std::string>& roles,
                   std::vector<command::SettingProblem>& problems) const {
    for (const auto& role : roles) check_role_name(flag, role, problems);
    if (!sql_ && !roles.empty()) problems.push_back({flag, "is for --sql alone"});
  }

  [[nodiscard]] int print_schema(const command::Invocation& invocation) const {
    json_lines::Output output(STDOUT_FILENO);
    auto sql = postgres::outbox_schema(roles_);
    sql.pop_back();
    output.line(sql);
    return command::finish(output, invocation, command::exit_status::done);
  }

  [[nodiscard]] int check_schema(postgres::Database& database,
                                 const command::Invocation& invocation) const {
    const auto answer =
        postgres::ask(database, postgres::plain_question_settings + postgres::outbox_check());
    if (!answer) return fail(invocation, answer.error());
    const auto problems = postgres::outbox_problems(*answer);
    const auto advice = postgres::outbox_advice(*answer);
    json_lines::Output output(STDOUT_FILENO);
    if (json_) {
      output.line(json_lines::to_text(
          json_lines::outbox_check_document(database.server(), problems, advice)));
    } else {
      for (const auto& problem : problems) output.line(command::harmless(problem));
      if (problems.empty()) {
        output.line("the outbox on " + command::harmless(database.server()) + " is right");
      }
      for (const auto& one : advice) output.line("advice: " + command::harmless(one));
    }
    if (problems.empty()) return command::finish(output, invocation, command::exit_status::done);
    const auto status = command::finish(output, invocation, command::exit_status::failed);
    command::write(invocation.log, {command::LogLevel::error,
                                    "the outbox on " + command::harmless(database.server()) +
                                        " is wrong: " + command::outbox_cure("ROLE")});
    return status;
  }

  [[nodiscard]] int show_status(postgres::Database& database,
                                const command::Invocation& invocation) const {
    const auto answer = postgres::ask(
        database, postgres::plain_question_settings + postgres::outbox_status_question());
    if (!answer) return fail_to_show(invocation, answer.error());
    auto status = postgres::read_outbox_status(*answer);
    if (!status) return command::fail(invocation, command::harmless(status.error().message));
    const auto& settings = invocation.settings.options;
    auto cursors = kept_cursors(present_state_directory(state_directory_), settings.state_file);
    if (auto bridge = bridge_cursor(database)) cursors.push_back(std::move(*bridge));
    for (const auto& kept : cursors) status->cursors.push_back(lag_of(kept, database));
    json_lines::Output output(STDOUT_FILENO);
    auto text =
        json_ ? json_lines::to_text(json_lines::outbox_status_document(database.server(), *status))
              : command::outbox_text(database.server(), *status);
    if (text.back() == '\n') text.pop_back();
    output.line(text);
    return command::finish(output, invocation, command::exit_status::done);
  }

  // The words of the server would quote a question that its reader has not written.
  static int fail_to_show(const command::Invocation& invocation,
                          const postgres::ServerTrouble& trouble) {
    if (trouble.when != postgres::ServerTrouble::When::asking) return fail(invocation, trouble);
    const bool another = trouble.sqlstate == "42P01" || trouble.sqlstate == "42703";
    return command::fail(
        invocation,
        (another ? "this database has no outbox, or not the one that this version of tidegate reads"
                 : command::harmless(to_words(trouble))) +
            "; `tidegate outbox --check` tells what is wrong");
  }

  std::string action_;
  bool sql_ = false;
  bool check_ = false;
  postgres::OutboxRoles roles_;
  bool json_ = false;
  std::string state_directory_;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_outbox_command() {
  return std::make_unique<OutboxCommand>();
}

}  // namespace tidegate::commands
