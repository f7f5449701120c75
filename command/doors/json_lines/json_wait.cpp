// The line in that asks whether a position is covered: {"wait":"tide1...","timeout_ms":500,"id":1}.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "lib/base/limits.hpp"
#include "tidegate/token.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::decode;

constexpr JsonBounds bounds{.depth = 8, .values = 256, .members = 16};
// Each character of the token and the id may be escaped, and numbers be long.
constexpr std::size_t longest_wait = 6 * (longest_token + base::limits::id_bytes) + 512;

Result<Wait> read_wait(const Json& json) {
  for (const auto& item : json.items()) {
    if (std::find(wait_members.begin(), wait_members.end(), item.key()) == wait_members.end()) {
      return Error{"\"" + item.key().substr(0, base::limits::peer_name_bytes) +
                   "\" is unknown beside \"wait\"; write id, timeout_ms and everywhere"};
    }
  }
  Wait wait;
  std::string token;
  if (!decode(json["wait"], token)) return Error{"wait is a token, as in \"tide1...\""};
  auto position = parse_token(token);
  if (!position) return Error{"wait: " + position.error().message};
  wait.position = std::move(*position);
  if (json.contains("timeout_ms") && !decode(json["timeout_ms"], wait.timeout)) {
    return Error{"timeout_ms is a number of milliseconds, not negative"};
  }
  bool everywhere = false;
  if (json.contains("everywhere") && !decode(json["everywhere"], everywhere)) {
    return Error{"everywhere is true or false"};
  }
  if (everywhere) wait.where = Where::everywhere;
  if (json.contains("id")) {
    auto id = json_members::read_id(json["id"]);
    if (!id) return id.error();
    wait.id = std::move(*id);
  }
  return wait;
}

}  // namespace

std::optional<Result<Wait>> parse_wait(std::string_view line) {
  if (line.size() > longest_wait || line.find("\"wait\"") == line.npos) return std::nullopt;
  const auto json = read_json(line, bounds);
  if (!json || !json->is_object() || !json->contains("wait")) return std::nullopt;
  return read_wait(*json);
}

Json to_json(const Wait& wait) {
  Json json = Json::object();
  json["wait"] = to_token(wait.position);
  json_members::Write{json}("timeout_ms", wait.timeout);
  json["everywhere"] = wait.where == Where::everywhere;
  if (!wait.id.empty()) json["id"] = Json::parse(wait.id);
  return json;
}

}  // namespace tidegate::json_lines
