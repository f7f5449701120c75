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
//
// With a token (token.hpp) every request has to show it, and may call the server as it likes: no
// page of a strange name knows the token. Probes of orchestrators, which learn next to nothing,
// need none.
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

// The values of all header fields of a name, as the client has written them.
struct Credentials {
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::vector<std::string> authorizations = {};
  bool probe = false;  // what is asked for needs no token
};

class Admission {
 public:
  // Without a token it is empty.
  explicit Admission(std::vector<std::string> origins, std::string token = "")
      : origins_(std::move(origins)), token_(std::move(token)) {}

  [[nodiscard]] bool wants_token() const { return !token_.empty(); }

  [[nodiscard]] std::optional<Refusal> refuses(const Credentials& shown) const;

 private:
  [[nodiscard]] bool knows_host(const std::string& host) const;
  [[nodiscard]] bool knows_origin(const std::string& origin, const std::string& host) const;

  std::vector<std::string> origins_;
  std::string token_;
};

}  // namespace tidegate::http_door
