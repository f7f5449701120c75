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

// The bodies of all functions, as quoted in the script.
std::string function_bodies() {
  const std::string mark = "$body$";
  const std::string text = with_limits(outbox_sql);
  std::string bodies;
  for (auto at = text.find(mark); at != std::string::npos;) {
    const auto end = text.find(mark, at + mark.size()) + mark.size();
    bodies += (bodies.empty() ? "" : ", ") + text.substr(at, end - at);
    at = text.find(mark, end);
  }
  return bodies;
}

const std::string announce_functions =
    "tidegate.announce(text, bytea, jsonb), tidegate.announce(text, text, jsonb)";
const std::string reader_functions =
    "tidegate.remove_announced(interval, bigint, integer), tidegate.note_timeline()";
const std::string bridge_functions =
    "tidegate.bridge_begin(bigint, bigint, bigint, bigint), "
    "tidegate.bridge_number(bigint, text, bigint, text, xid8[], bigint[])";

std::string grant(const std::string& role, const std::string& functions) {
  return "GRANT USAGE ON SCHEMA tidegate TO \"" + role + "\";\nGRANT EXECUTE ON FUNCTION " +
         functions + " TO \"" + role + "\";\n";
}

std::vector<std::string> texts(const std::vector<SqlRow>& rows, const std::string& kind) {
  std::vector<std::string> all;
  for (const auto& row : rows) {
    if (row.size() == 2 && row[1] == kind) all.push_back(row[0].value_or(""));
  }
  return all;
}

}  // namespace

std::string outbox_schema(const OutboxRoles& roles) {
  std::string rights;
  const auto may_read = [](const std::string& role) {
    return "GRANT SELECT ON ALL TABLES IN SCHEMA tidegate TO \"" + role + "\";\n";
  };
  for (const auto& role : roles.applications) rights += grant(role, announce_functions);
  for (const auto& role : roles.readers) rights += grant(role, reader_functions) + may_read(role);
  for (const auto& role : roles.bridges) rights += grant(role, bridge_functions) + may_read(role);
  return replaced(with_limits(outbox_sql), "@rights\n", rights);
}

std::string outbox_check() {
  const std::string again = "run `tidegate outbox --sql";
  auto text = with_limits(outbox_check_sql);
  text = replaced(std::move(text), "@again", again + " | psql` on the primary");
  text = replaced(std::move(text), "@reader", again + " --reader %1$s | psql` on the primary");
  return replaced(std::move(text), "@bodies", function_bodies());
}

std::vector<std::string> outbox_problems(const std::vector<SqlRow>& rows) {
  return texts(rows, "problem");
}
std::vector<std::string> outbox_advice(const std::vector<SqlRow>& rows) {
  return texts(rows, "advice");
}

}  // namespace tidegate::postgres
