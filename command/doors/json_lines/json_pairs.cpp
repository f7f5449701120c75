#include "command/doors/json_lines/json_pairs.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json_members.hpp"
#include "lib/node/names.hpp"

namespace tidegate::json_lines {
namespace {

using health::PairFinding;
using health::Verdict;
using json_members::encode;

Json milliseconds_or_null(const std::optional<Duration>& time) {
  return time ? encode(*time) : Json(nullptr);
}

std::string cluster_text(ClusterId id) { return id == 0 ? "" : std::to_string(id); }

Json pair_json(const PairSeen& pair) {
  Json json = Json::object();
  json["origin"] = to_string(pair.origin.peer);
  json["name"] = pair.name;
  json["host"] = pair.host;
  json["publish_port"] = pair.publish_port;
  json["direct_port"] = pair.direct_port;
  json["state"] = to_string(pair.state);
  json["lacks"] = to_string(pair.lacks);
  json["silent_ms"] = encode(pair.silent);
  json["last_beacon_ms"] = milliseconds_or_null(pair.last_beacon);
  json["beacon_came"] = pair.beacon_came;
  json["stream_came"] = pair.stream_came;
  json["round_trip_ms"] = milliseconds_or_null(pair.round_trip);
  json["large_came"] = pair.large_came;
  json["clock_ahead_ms"] = milliseconds_or_null(pair.clock_ahead);
  json["direct"] = node::port_answer_names.name(pair.direct);
  json["publish"] = node::port_answer_names.name(pair.publish);
  return json;
}

Json refused_json(const RefusedSeen& refused) {
  Json json = Json::object();
  json["host"] = refused.host;
  json["direct_port"] = refused.direct_port;
  json["why"] = node::refused_names.name(refused.why);
  json["detail"] = refused.detail;
  json["ago_ms"] = encode(refused.ago);
  return json;
}

Json seed_json(const SeedSeen& seed) {
  Json json = Json::object();
  json["seed"] = seed.seed;
  json["unanswered_ms"] = encode(seed.unanswered);
  json["tested"] = seed.tested;
  json["reason"] = seed.reason;
  json["answer"] = node::port_answer_names.name(seed.answer);
  return json;
}

template <typename Item, typename Encode>
Json list_json(const std::vector<Item>& items, Encode encode_one) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(encode_one(item));
  return list;
}

Json member_json(const MemberSeen& member) {
  Json json = Json::object();
  json["origin"] = to_string(member.origin.peer);
  json["name"] = member.name;
  json["host"] = member.host;
  json["direct_port"] = member.direct_port;
  json["state"] = to_string(member.state);
  json["answered"] = member.answered;
  json["version"] = member.version;
  json["reads"] = cluster_text(member.reads);
  json["announces"] = cluster_text(member.announces);
  json["pairs"] = list_json(member.pairs, pair_json);
  json["refused"] = list_json(member.refused, refused_json);
  json["seeds"] = list_json(member.seeds, seed_json);
  return json;
}

Json finding_json(const PairFinding& finding) {
  Json json = Json::object();
  json["verdict"] = to_string(finding.verdict);
  json["from"] = finding.from;
  json["to"] = finding.to;
  json["what"] = finding.what;
  json["cure"] = finding.cure;
  return json;
}

std::int64_t count(const std::vector<PairFinding>& findings, Verdict verdict) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const PairFinding& finding) { return finding.verdict == verdict; });
}

// Throws what the library throws where a member is missing or of another type.
PairsReport report_from(const Json& json) {
  PairsReport report;
  report.mesh = json.at("mesh").get<std::string>();
  report.members = json.at("members").size();
  report.answered = json.at("answered").get<std::size_t>();
  report.left_out = json.at("left_out").get<std::size_t>();
  report.took =
      std::chrono::nanoseconds(static_cast<std::int64_t>(json.at("took_ms").get<double>() * 1e6));
  for (const auto& one : json.at("findings")) {
    PairFinding finding;
    const auto verdict = one.at("verdict").get<std::string>();
    finding.verdict = verdict == to_string(Verdict::problem)   ? Verdict::problem
                      : verdict == to_string(Verdict::warning) ? Verdict::warning
                                                               : Verdict::ok;
    finding.from = one.at("from").get<std::string>();
    finding.to = one.at("to").get<std::string>();
    finding.what = one.at("what").get<std::string>();
    finding.cure = one.at("cure").get<std::string>();
    report.findings.push_back(std::move(finding));
  }
  return report;
}

}  // namespace

Json pairs_document(const Survey& survey, std::string_view mesh,
                    const std::vector<PairFinding>& findings) {
  Json json = Json::object();
  json["mesh"] = mesh;
  json["problems"] = count(findings, Verdict::problem);
  json["warnings"] = count(findings, Verdict::warning);
  json["answered"] = health::answered(survey);
  json["left_out"] = survey.left_out;
  json["took_ms"] = encode(survey.took);
  json["findings"] = list_json(findings, finding_json);
  json["members"] = list_json(survey.members, member_json);
  return json;
}

Result<PairsReport> parse_pairs(const std::string& text) {
  try {
    return report_from(Json::parse(text));
  } catch (const Json::exception&) {
    return Error{
        "the answer is no survey; is another program listening there, or has the peer "
        "ended?"};
  }
}

}  // namespace tidegate::json_lines
