// The checks of settings about sockets for other programs: the status socket, and doors.
#pragma once

#include <string>
#include <vector>

#include "command/config.hpp"

namespace tidegate::command {

struct SocketProblem {
  std::string setting;
  std::string what;
};
[[nodiscard]] std::vector<SocketProblem> socket_problems(const Settings& settings);

}  // namespace tidegate::command
