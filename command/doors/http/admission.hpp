// Whom the HTTP server lets in, by what a browser says about itself.
//
// Every page that a user of this host has open can send requests to 127.0.0.1 and open WebSockets
// there; cookies or not, it would then read and publish as a member of the mesh. A browser tells
// the origin of the page, and only the pages of this server, and those that the operator has named,
// are let in. Programs that are no browser tell no origin, and are as trusted as with `tcp:` doors.
//
// A page may also bring a name of its own to lead to 127.0.0.1 once it is loaded (DNS rebinding);
// then its origin looks like that of this server. So a request has to call the server by an address
// or name of loopback, or by the host of an origin that was named.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/result.hpp"

namespace tidegate::http_door {

// "https://app.example.org", as browsers write it: in lower case, without the port that belongs to
// its scheme.
[[nodiscard]] Result<std::string> parse_origin(std::string_view text);

struct Refusal {
  unsigned status = 0;  // of HTTP
  std::string text;     // for people; one line, what to do
};

class Admission {
 public:
  explicit Admission(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // The values of all header fields of that name, as the client has written them.
  [[nodiscard]] std::optional<Refusal> refuses(const std::vector<std::string>& hosts,
                                               const std::vector<std::string>& origins) const;

 private:
  [[nodiscard]] bool knows_host(const std::string& host) const;
  [[nodiscard]] bool knows_origin(const std::string& origin, const std::string& host) const;

  std::vector<std::string> origins_;
};

}  // namespace tidegate::http_door
