#include "peer/servers/postgres/outbox_schema.hpp"

#include <utility>

#include "lib/base/limits.hpp"
#include "peer/servers/postgres/outbox_sql.hpp"

namespace tidegate::postgres {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string with_limits(std::string text) {
  using namespace base::limits;
  for (const auto& [name, number] : std::initializer_list<std::pair<const char*, std::size_t>>{
           {"@version", outbox_version},
           {"@topic_bytes", topic_bytes},
           {"@topic_elements", topic_elements},
           {"@payload_bytes", payload_bytes},
           {"@headers", message_headers},
           {"@header_bytes", header_bytes}}) {
    text = replaced(std::move(text), name, std::to_string(number));
  }
  return text;
}

const std::string announce_functions =
    "tidegate.announce(text, bytea, jsonb), tidegate.announce(text, text, jsonb)";
const std::string reader_functions =
    "tidegate.remove_announced(timestamptz, integer), tidegate.note_timeline()";

std::string grant(const std::string& role, const std::string& functions) {
  return "GRANT USAGE ON SCHEMA tidegate TO \"" + role + "\";\nGRANT EXECUTE ON FUNCTION " +
         functions + " TO \"" + role + "\";\n";
}

}  // namespace

std::string outbox_schema(const std::vector<std::string>& application_roles,
                          const std::vector<std::string>& reader_roles) {
  std::string rights;
  for (const auto& role : application_roles) rights += grant(role, announce_functions);
  for (const auto& role : reader_roles) {
    rights += grant(role, reader_functions) +
              "GRANT SELECT ON ALL TABLES IN SCHEMA tidegate TO \"" + role + "\";\n";
  }
  return replaced(with_limits(outbox_sql), "@rights\n", rights);
}

std::string outbox_check() { return with_limits(outbox_check_sql); }

std::vector<std::string> outbox_problems(const std::vector<SqlRow>& rows) {
  std::vector<std::string> problems;
  for (const auto& row : rows) {
    if (!row.empty()) problems.push_back(row[0].value_or(""));
  }
  return problems;
}

}  // namespace tidegate::postgres
