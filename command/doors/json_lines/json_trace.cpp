// The line in that has a message followed, {"trace":"builds/#","timeout_ms":30000,"id":1}, and the
// answer to it as the program reads it.
#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::decode;

constexpr JsonBounds bounds{.depth = 8, .values = 256, .members = 16};
// Each character of the pattern and the id may be escaped, and numbers be long.
constexpr std::size_t longest_line =
    6 * (base::limits::trace_pattern_bytes + base::limits::id_bytes) + 512;

Result<Trace> read_trace(const Json& json) {
  for (const auto& item : json.items()) {
    if (std::find(trace_members.begin(), trace_members.end(), item.key()) == trace_members.end()) {
      return Error{"\"" + item.key().substr(0, base::limits::peer_name_bytes) +
                   "\" is unknown beside \"trace\"; write id and timeout_ms"};
    }
  }
  Trace trace;
  std::string text;
  if (!decode(json["trace"], text)) {
    return Error{R"(trace is a pattern as text, such as "builds/*/new")"};
  }
  auto pattern = Pattern::parse(text);
  if (!pattern) return pattern.error();
  if (text.size() > base::limits::trace_pattern_bytes) {
    return Error{"the pattern has " + std::to_string(text.size()) + " bytes, and a trace takes " +
                 std::to_string(base::limits::trace_pattern_bytes) + "; write # for the rest"};
  }
  trace.pattern = std::move(*pattern);
  if (json.contains("timeout_ms") &&
      (!decode(json["timeout_ms"], trace.timeout) || trace.timeout > longest_trace)) {
    return Error{"timeout_ms is a number of milliseconds, not negative, and at most 600000"};
  }
  if (json.contains("id")) {
    auto id = json_members::read_id(json["id"]);
    if (!id) return id.error();
    trace.id = std::move(*id);
  }
  return trace;
}

}  // namespace

std::optional<Result<Trace>> parse_trace(std::string_view line) {
  if (line.size() > longest_line || line.find("\"trace\"") == line.npos) return std::nullopt;
  const auto json = read_json(line, bounds);
  if (!json || !json->is_object() || !json->contains("trace")) return std::nullopt;
  return read_trace(*json);
}

Json to_json(const Trace& trace) {
  Json json = Json::object();
  json["trace"] = to_string(trace.pattern);
  json_members::Write{json}("timeout_ms", trace.timeout);
  if (!trace.id.empty()) json["id"] = Json::parse(trace.id);
  return json;
}

Result<Traced> parse_traced(const Json& json) {
  Traced traced;
  std::string wrong;
  json_members::members(json_members::Read(json, wrong), traced);
  const auto topic = json.find("topic");
  if (topic != json.end() && topic->is_array()) {
    std::vector<std::string> elements;
    for (const auto& element : *topic) {
      if (!decode(element, elements.emplace_back())) wrong = "topic";
    }
    auto read = Topic::of(elements);
    if (read) traced.topic = std::move(*read);
  }
  if (!wrong.empty()) return Error{"the answer has no valid " + wrong};
  return traced;
}

}  // namespace tidegate::json_lines
