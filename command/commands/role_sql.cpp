// `tidegate role-sql`: the SQL that makes a role with the rights that a peer needs, and no others.
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/commands/role_name.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/subcommand.hpp"

namespace tidegate::commands {
namespace {

command::Description help() {
  return {"role-sql",
          "prints the SQL that makes the database role of a peer",
          "The role may connect and read the state of replication, and has no right to any table.\n"
          "Run the SQL once on the primary, in the database that the connection strings name:\n\n"
          "Examples:\n"
          "  tidegate role-sql | psql -h primary -U postgres app\n"
          "  psql -h primary -U postgres -c '\\password tidegate' app\n"
          "  tidegate role-sql --role peers --without-replication",
          {},
          command::LogLevel::warning};
}

std::string role_sql(const std::string& role, bool replication) {
  return fmt::format(
      R"(-- The role of a peer of tidegate. Run it as a superuser on the primary, in the database
-- that the connection strings name; once more does no harm.
BEGIN;
DO $sql$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{0}') THEN
    CREATE ROLE "{0}";
  END IF;
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO "{0}"',
                            pg_catalog.current_database());
END
$sql$;
ALTER ROLE "{0}" LOGIN {1}
  NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
{2} pg_monitor {3} "{0}";
COMMIT;
-- {4}
-- pg_hba.conf lets it in by the name of that database, not by "replication". Give it a password in
-- psql with: \password {0}
)",
      role, replication ? "REPLICATION" : "NOREPLICATION", replication ? "REVOKE" : "GRANT",
      replication ? "FROM" : "TO",
      replication
          ? "REPLICATION is for the histories of timelines, and would also let its holder copy "
            "the\n"
            "-- whole cluster; --without-replication leaves it out, see SECURITY.md for the price."
          : "Without REPLICATION a peer learns less of a failover, see SECURITY.md; pg_monitor "
            "shows\n"
            "-- it the timeline that a standby receives.");
}

class RoleSqlCommand final : public command::Subcommand {
 public:
  RoleSqlCommand() : Subcommand(help()) {}

  void declare(CLI::App& app) override {
    app.add_option("--role", role_, "name of the role (default: tidegate)")->type_name("NAME");
    app.add_flag("--without-replication", without_replication_,
                 "leave out the right to replication commands");
  }

  void check(std::vector<command::SettingProblem>& problems) override {
    check_role_name("--role", role_, problems);
  }

  int run(const command::Invocation& invocation) override {
    json_lines::Output output(STDOUT_FILENO);
    auto sql = role_sql(role_, !without_replication_);
    sql.pop_back();
    output.line(sql);
    return command::finish(output, invocation, command::exit_status::done);
  }

 private:
  std::string role_ = "tidegate";
  bool without_replication_ = false;
};

}  // namespace

std::unique_ptr<command::Subcommand> make_role_sql_command() {
  return std::make_unique<RoleSqlCommand>();
}

}  // namespace tidegate::commands
