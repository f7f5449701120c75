// The answers about a peer that an administrator's tools ask for: each is made from one report.
#pragma once

#include <string>
#include <string_view>

#include "command/doors/json_lines/json.hpp"

namespace tidegate::http_door {

struct Reply {
  unsigned status = 200;  // of HTTP
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  // Of the browser that shows it: nothing in it is run, or loads anything.
  std::string policy = "default-src 'none'; frame-ancestors 'none'";
};

// /healthz: whoever can make a report turns.
[[nodiscard]] Reply health();

// /readyz: a server that is read answers, and no announced change has waited for long. `query` is
// the part of the target behind '?', and may have a bound: lag=5s.
[[nodiscard]] Reply readiness(const json_lines::PeerReport& report, std::string_view query);

[[nodiscard]] Reply leaving();

// /status: the document of the status socket.
[[nodiscard]] Reply status_document(const json_lines::PeerReport& report);

// /metrics
[[nodiscard]] Reply metrics(const json_lines::PeerReport& report);

}  // namespace tidegate::http_door
