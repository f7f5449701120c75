#include "command/doors/activated_sockets.hpp"

#include <algorithm>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/environment.hpp"
#include "lib/base/decimal.hpp"

namespace tidegate::doors {
namespace {

constexpr int first = 3;
constexpr std::string_view http_name = "http";

// The door as the settings call it.
std::string place_of(ActivatedFor door) {
  return door == ActivatedFor::http ? "http 'systemd'" : "the door 'systemd'";
}

int number(const char* variable) {
  return base::parse_number<int>(command::from_environment(variable)).value_or(-1);
}

bool listens(int descriptor) {
  int answer = 0;
  socklen_t size = sizeof answer;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

}  // namespace

Result<std::vector<io::Descriptor>> take_activated(ActivatedFor door) {
  const int count = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") : 0;
  const auto list = command::from_environment("LISTEN_FDNAMES");
  std::string_view names = list;
  std::vector<io::Descriptor> taken;
  for (int descriptor = first; descriptor < first + count; ++descriptor) {
    const auto name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if ((name == http_name) != (door == ActivatedFor::http)) continue;
    if (!listens(descriptor)) {
      return Error{place_of(door) +
                   " has got something else than a listening socket; write ListenStream= into its "
                   "unit"};
    }
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    taken.emplace_back(descriptor);
  }
  if (!taken.empty()) return taken;
  return Error{place_of(door) +
               " has got no socket; a .socket unit beside the service hands one "
               "over" +
               (door == ActivatedFor::http ? ", with FileDescriptorName=http" : "")};
}

}  // namespace tidegate::doors
