#include "command/socket_settings.hpp"

#include <algorithm>

#include "command/doors/http/address.hpp"
#include "command/doors/http/admission.hpp"
#include "command/doors/http/token.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/doors/stomp/address.hpp"
#include "command/doors/tcp_address.hpp"

namespace tidegate::command {

namespace {

using Problems = std::vector<SocketProblem>;

void check_mode(const char* setting, const std::string& mode, Problems& problems) {
  if (mode.empty() || status_socket::parse_mode(mode)) return;
  problems.push_back(
      {setting, "'" + mode + "' is not a mode; write octal digits up to 0777, such as 0660"});
}

bool has_port_for_tls(const Settings& settings) {
  const auto is_remote = [](const std::string& text) {
    const auto address = http_door::parse_address(text);
    const auto* endpoint = address ? std::get_if<base::Endpoint>(&*address) : nullptr;
    return endpoint == nullptr || !doors::is_loopback(endpoint->host);
  };
  return std::any_of(settings.doors.begin(), settings.doors.end(),
                     [](const auto& door) { return !door.starts_with("unix:"); }) ||
         std::any_of(settings.http.begin(), settings.http.end(), is_remote);
}

void check_certificate(const Settings& settings, Problems& problems) {
  const bool certificate = !settings.door_certificate.empty();
  const bool key = !settings.door_certificate_key.empty();
  if (certificate && !key) {
    problems.push_back({"door-certificate", "has no key; give door-certificate-key, too"});
  } else if (key && !certificate) {
    problems.push_back({"door-certificate-key", "has no certificate; give door-certificate, too"});
  } else if (certificate && !has_port_for_tls(settings)) {
    problems.push_back({"door-certificate",
                        "serves no port: there is no door tcp:... or systemd, and no http outside "
                        "loopback"});
  }
}

void check_doors(const Settings& settings, Problems& problems) {
  const stomp_door::Protection protection{.certificate = !settings.door_certificate.empty(),
                                          .login = !settings.door_login.empty()};
  for (const auto& text : settings.doors) {
    const auto address = stomp_door::parse_address(text);
    if (!address) {
      problems.push_back({"door", address.error().message});
    } else if (const auto open = stomp_door::exposed(*address, protection)) {
      problems.push_back({"door", open->message});
    }
  }
  const auto& login = settings.door_login;
  if (!login.empty() && (login.front() == ':' || login.find(':') == std::string::npos)) {
    problems.push_back({"door-login", "has no name and passcode; write NAME:PASSCODE"});
  }
}

void check_http(const Settings& settings, Problems& problems) {
  for (const auto& text : settings.http) {
    const auto address = http_door::parse_address(text);
    if (!address) {
      problems.push_back({"http", address.error().message});
    } else if (const auto open = http_door::exposed(*address, !settings.http_token.empty())) {
      problems.push_back({"http", open->message});
    }
  }
  for (const auto& text : settings.http_origins) {
    const auto origin = http_door::parse_origin(text);
    if (!origin) problems.push_back({"http-origin", origin.error().message});
  }
  if (settings.http_token.empty()) return;
  if (const auto wrong = http_door::refuse_token(settings.http_token)) {
    problems.push_back({"http-token", *wrong});
  }
}

}  // namespace

std::vector<SocketProblem> socket_problems(const Settings& settings) {
  Problems problems;
  check_mode("socket-mode", settings.socket_mode, problems);
  check_mode("door-mode", settings.door_mode, problems);
  check_doors(settings, problems);
  check_certificate(settings, problems);
  check_http(settings, problems);
  return problems;
}

}  // namespace tidegate::command
