#include "command/doors/http/admission.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "command/doors/http/token.hpp"
#include "command/doors/tcp_address.hpp"
#include "command/log.hpp"
#include "lib/base/decimal.hpp"

namespace tidegate::http_door {
namespace {

constexpr unsigned bad_request = 400;
constexpr unsigned unauthorized = 401;
constexpr unsigned forbidden = 403;
constexpr unsigned misdirected_request = 421;

constexpr std::string_view scheme_end = "://";

std::string lower(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return all;
}

// "host:port" of an origin; empty: it has none.
std::string_view host_part(std::string_view origin) {
  const auto end = origin.find(scheme_end);
  return end == std::string_view::npos ? "" : origin.substr(end + scheme_end.size());
}

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == host.npos;
  return has_port ? host.substr(0, colon) : host;
}

bool is_this_host(std::string_view host) {
  auto name = without_port(host);
  if (name == "localhost") return true;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return doors::is_loopback(name);
}

bool is_host(std::string_view host) {
  auto name = without_port(host);
  if (name.size() < host.size() &&
      base::parse_number<std::uint16_t>(host.substr(name.size() + 1)).value_or(0) == 0) {
    return false;
  }
  const bool address = name.starts_with('[') && name.ends_with(']');
  if (address) name = name.substr(1, name.size() - 2);
  const std::string_view others = address ? ".:" : "-._";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || others.find(c) != others.npos;
  });
}

// As much of what a stranger has written as a person wants to read.
std::string shown(const std::string& text) {
  constexpr std::size_t most_shown = 200;
  return command::harmless(text.substr(0, most_shown));
}

}  // namespace

Result<std::string> parse_origin(std::string_view text) {
  const auto refuse = [&](const std::string& why) {
    return Error{"'" + std::string(text) + "' " + why};
  };
  if (text == "*" || text == "null") {
    return refuse(
        "would let in pages of anybody; name the origin of each, https://app.example.org");
  }
  auto origin = lower(text);
  const bool secure = origin.starts_with("https://");
  if (!secure && !origin.starts_with("http://")) {
    return refuse("is no origin of a web page; write https://app.example.org");
  }
  if (!is_host(host_part(origin))) {
    return refuse("is more, or less, than an origin; write scheme, host and port alone");
  }
  const std::string_view own_port = secure ? ":443" : ":80";
  if (origin.ends_with(own_port)) origin.resize(origin.size() - own_port.size());
  return origin;
}

std::optional<Refusal> Admission::refuses(const Credentials& shown_by_client) const {
  const auto& [hosts, origins, authorizations, probe] = shown_by_client;
  if (hosts.size() != 1 || origins.size() > 1) {
    return Refusal{bad_request, "a request has one Host, and no more than one Origin"};
  }
  const auto host = lower(hosts.front());
  if (!token_.empty() && !probe && !shows_token(authorizations, token_)) {
    return Refusal{unauthorized,
                   "a request has to bring the token of this peer (TIDEGATE_HTTP_TOKEN): "
                   "Authorization: Bearer TOKEN"};
  }
  if (token_.empty() && !knows_host(host)) {
    return Refusal{misdirected_request,
                   "this server is not called " + shown(host) +
                       "; call it by an address of loopback, or start the peer with "
                       "--http-origin https://" +
                       shown(host) + " if a proxy stands in front of it"};
  }
  if (!origins.empty() && !knows_origin(lower(origins.front()), host)) {
    const auto origin = shown(origins.front());
    return Refusal{forbidden, "web pages of " + origin +
                                  " may not use this peer; if they should, start it with "
                                  "--http-origin " +
                                  origin};
  }
  return std::nullopt;
}

bool Admission::knows_host(const std::string& host) const {
  return is_this_host(host) ||
         std::any_of(origins_.begin(), origins_.end(),
                     [&](const auto& origin) { return host_part(origin) == host; });
}

bool Admission::knows_origin(const std::string& origin, const std::string& host) const {
  return host_part(origin) == host ||
         std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

}  // namespace tidegate::http_door
