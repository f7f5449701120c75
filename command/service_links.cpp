#include "command/service_links.hpp"

#include <algorithm>

namespace tidegate::command {
namespace {

using std::string_view;

bool take_prefix(string_view& text, string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ends_with(string_view text, string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// "tcp://10.96.0.11:17880". No setting has a value like this.
bool is_link_url(string_view value) {
  return take_prefix(value, "tcp://") || take_prefix(value, "udp://") ||
         take_prefix(value, "sctp://");
}

// Behind "_PORT_": "17880_TCP", and then nothing, "_PROTO", "_PORT" or "_ADDR".
bool is_numbered_port(string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return false;
  text.remove_prefix(digits);
  if (!take_prefix(text, "_TCP") && !take_prefix(text, "_UDP") && !take_prefix(text, "_SCTP")) {
    return false;
  }
  return text.empty() || text == "_PROTO" || text == "_PORT" || text == "_ADDR";
}

bool has_numbered_port(string_view variable) {
  constexpr string_view mark = "_PORT_";
  for (auto at = variable.find(mark); at != string_view::npos; at = variable.find(mark, at + 1)) {
    if (is_numbered_port(variable.substr(at + mark.size()))) return true;
  }
  return false;
}

}  // namespace

bool is_service_link(string_view variable, string_view value) {
  if (is_link_url(value) || has_numbered_port(variable)) return true;
  // Kubernetes: TIDEGATE_SERVICE_HOST, TIDEGATE_SERVICE_PORT, TIDEGATE_SERVICE_PORT_BEACON.
  if (ends_with(variable, "_SERVICE_HOST") || ends_with(variable, "_SERVICE_PORT") ||
      variable.find("_SERVICE_PORT_") != string_view::npos) {
    return true;
  }
  // Docker: TIDEGATE_NAME=/web/tidegate, and the environment of the other container.
  if (variable == "TIDEGATE_NAME" && value.substr(0, 1) == "/" && ends_with(value, "/tidegate")) {
    return true;
  }
  return take_prefix(variable, "TIDEGATE_ENV_");
}

}  // namespace tidegate::command
