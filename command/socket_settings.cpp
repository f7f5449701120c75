#include "command/socket_settings.hpp"

#include "command/doors/http/address.hpp"
#include "command/doors/http/admission.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/doors/stomp/address.hpp"

namespace tidegate::command {

std::vector<SocketProblem> socket_problems(const Settings& settings) {
  std::vector<SocketProblem> problems;
  const auto check_mode = [&](const char* setting, const std::string& mode) {
    if (mode.empty() || status_socket::parse_mode(mode)) return;
    problems.push_back({setting, "'" + mode +
                                     "' is not a mode; write octal digits up to 0777, such as "
                                     "0660"});
  };
  check_mode("socket-mode", settings.socket_mode);
  check_mode("door-mode", settings.door_mode);
  for (const auto& text : settings.doors) {
    const auto address = stomp_door::parse_address(text);
    if (!address) problems.push_back({"door", address.error().message});
  }
  for (const auto& text : settings.http) {
    const auto address = http_door::parse_address(text);
    if (!address) problems.push_back({"http", address.error().message});
  }
  for (const auto& text : settings.http_origins) {
    const auto origin = http_door::parse_origin(text);
    if (!origin) problems.push_back({"http-origin", origin.error().message});
  }
  const auto& login = settings.door_login;
  if (!login.empty() && (login.front() == ':' || login.find(':') == std::string::npos)) {
    problems.push_back({"door-login", "has no name and passcode; write NAME:PASSCODE"});
  }
  return problems;
}

}  // namespace tidegate::command
