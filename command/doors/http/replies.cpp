#include "command/doors/http/replies.hpp"

#include <chrono>

#include <nlohmann/json.hpp>

#include "command/doors/http/exposition.hpp"
#include "command/doors/http/metrics.hpp"
#include "command/status_text.hpp"
#include "command/units.hpp"
#include "tidegate/version.hpp"

namespace tidegate::http_door {
namespace {

constexpr unsigned bad_request = 400;
constexpr unsigned unavailable = 503;

constexpr Duration usual_lag = std::chrono::seconds(10);
constexpr std::string_view lag_member = "lag=";

Reply in_words(unsigned status, const std::string& text) {
  Reply reply;
  reply.status = status;
  reply.body = text + "\n";
  return reply;
}

}  // namespace

Reply health() { return in_words(200, "ok"); }

Reply leaving() { return in_words(unavailable, "not ready: the peer leaves"); }

Reply readiness(const json_lines::PeerReport& report, std::string_view query) {
  auto bound = usual_lag;
  if (!query.empty()) {
    const auto given = query.starts_with(lag_member)
                           ? command::parse_duration(query.substr(lag_member.size()))
                           : Result<Duration>(Error{""});
    if (!given) return in_words(bad_request, "there is only ?lag=TIME, such as ?lag=5s");
    bound = *given;
  }
  if (!report.gated) return in_words(200, "ready: no server is read, so nothing is waited for");
  const auto lag = command::lag(report);
  if (!lag) return in_words(unavailable, "not ready: the server that is read does not answer");
  if (*lag > bound) {
    return in_words(unavailable,
                    "not ready: a change that was announced " + command::rough_duration(*lag) +
                        " ago is not shown; the bound is " + command::exact_duration(bound));
  }
  return in_words(200, "ready");
}

Reply status_document(const json_lines::PeerReport& report) {
  const auto json = json_lines::to_json(report, report.door, report.removal);
  return {200, "application/json", json_lines::to_text(json) + "\n"};
}

Reply metrics(const json_lines::PeerReport& report) {
  return {200, exposition_type, metrics_text(report, version())};
}

}  // namespace tidegate::http_door
