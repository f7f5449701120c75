#include "command/doors/json_lines/json_survey.hpp"

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json_members.hpp"

namespace tidegate::json_lines {

using json_members::encode;

Json survey_document(const command::LagSurvey& survey, std::string_view primary,
                     std::string_view replica) {
  Json json = Json::object();
  json["primary"] = primary;
  json["replica"] = replica;
  json["commits"] = survey.commits;
  json["early"] = survey.early;
  json["p50_ms"] = encode(survey.p50);
  json["p90_ms"] = encode(survey.p90);
  json["p99_ms"] = encode(survey.p99);
  json["longest_ms"] = encode(survey.longest);
  json["replica_answer_ms"] = encode(survey.replica_answer);
  json["primary_answer_ms"] = encode(survey.primary_answer);
  json["cures"] = Json::array();
  for (const auto& cure : survey.cures) {
    Json one = Json::object();
    one["name"] = cure.name;
    one["stale"] = cure.stale;
    one["wait_p50_ms"] = encode(cure.wait_p50);
    one["wait_p99_ms"] = encode(cure.wait_p99);
    one["queries"] = cure.queries;
    one["asked"] = cure.where;
    json["cures"].push_back(std::move(one));
  }
  return json;
}

}  // namespace tidegate::json_lines
