#include "command/doors/http/replies.hpp"

#include <chrono>

#include <nlohmann/json.hpp>

#include "command/doors/http/exposition.hpp"
#include "command/doors/http/metrics.hpp"
#include "command/readiness.hpp"
#include "command/units.hpp"
#include "tidegate/version.hpp"

namespace tidegate::http_door {
namespace {

constexpr unsigned bad_request = 400;
constexpr unsigned unavailable = 503;

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
  auto bound = command::usual_lag;
  if (!query.empty()) {
    const auto given = query.starts_with(lag_member)
                           ? command::parse_duration(query.substr(lag_member.size()))
                           : Result<Duration>(Error{""});
    if (!given) return in_words(bad_request, "there is only ?lag=TIME, such as ?lag=5s");
    bound = *given;
  }
  const auto [ready, text] = command::readiness(report, bound);
  return in_words(ready ? 200 : unavailable, text);
}

Reply status_document(const json_lines::PeerReport& report) {
  const auto json = json_lines::to_json(report, report.door, report.removal);
  return {200, "application/json", json_lines::to_text(json) + "\n"};
}

Reply metrics(const json_lines::PeerReport& report) {
  return {200, exposition_type, metrics_text(report, version())};
}

}  // namespace tidegate::http_door
