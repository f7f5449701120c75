#include "peer/servers/postgres/session_settings.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/paths.hpp"

using namespace tidegate::postgres;

namespace {

// Calls in SQL of functions, and uses of views, that are not said to be those of pg_catalog. The
// syntax of SQL itself (CASE, greatest, extract, EXISTS) names nothing that a schema could hide.
std::vector<std::string> unqualified(const std::string& text) {
  static const std::regex name(
      R"((^|[^a-z_.])((pg_[a-z_]+|current_setting|set_config|split_part|date_trunc|host|count|)"
      R"(inet_server_addr|quote_ident)\(|(FROM|JOIN) pg_(?!catalog\.)))");
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto comment = line.find("//");
    const auto quote = line.find('"');
    if (quote == std::string::npos || comment < quote) continue;
    if (std::regex_search(line.substr(quote), name)) found.push_back(line);
  }
  return found;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("an unqualified name in SQL is found") {
  CHECK(unqualified("\"SELECT pg_is_in_recovery()\"").size() == 1);
  CHECK(unqualified("\" current_setting('x')\"").size() == 1);
  CHECK(unqualified("\" FROM pg_stat_wal_receiver\"").size() == 1);
  CHECK(unqualified("\"SELECT pg_catalog.host(pg_catalog.inet_server_addr())\"").empty());
  CHECK(unqualified("// \"pg_is_in_recovery()\"").empty());
}

TEST_CASE("all names in our SQL are those of pg_catalog") {
  const std::filesystem::path root = TIDEGATE_SOURCE_ROOT;
  std::vector<std::filesystem::path> files = {root / "command/health/doctor_database.cpp"};
  for (const auto& entry : std::filesystem::directory_iterator(root / "peer/servers/postgres")) {
    if (entry.path().extension() == ".cpp") files.push_back(entry.path());
  }
  for (const auto& file : files) {
    for (const auto& line : unqualified(text_of(file))) {
      FAIL_CHECK(file.filename().string() << ": " << line);
    }
  }
}

TEST_CASE("the settings are for the process that the other side names, or for any replication's") {
  const auto plain = session_settings_sql(Database::Session::plain, 42);
  CHECK(plain.find("pg_backend_pid() OPERATOR(pg_catalog.=) 42") != std::string::npos);
  CHECK(plain.find("OR true") == std::string::npos);
  const auto replication = session_settings_sql(Database::Session::replication, 42);
  CHECK(replication.find("OR true") != std::string::npos);
  CHECK(plain.rfind(question_settings, 0) == 0);
}
