// Environment variables that container platforms set for a service called tidegate, or
// tidegate-something. They share the prefix of the settings, and one may even bear the name of a
// setting: the service tidegate-beacon makes TIDEGATE_BEACON_PORT=tcp://10.96.0.11:17880. Nobody
// wrote them, so they neither count nor stop a start.
//
// Kubernetes sets them in every pod of the namespace (unless enableServiceLinks is false), Docker
// for a container that is linked (--link).
#pragma once

#include <string_view>

namespace tidegate::command {

[[nodiscard]] bool is_service_link(std::string_view variable, std::string_view value);

}  // namespace tidegate::command
