#include "command/doors/status_socket/places.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer/io/listener.hpp"

namespace tidegate::status_socket {
namespace {

constexpr std::string_view suffix = ".sock";

std::string reason() { return std::strerror(errno); }

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_';
}

std::string escaped(const std::string& text, bool keep_dash) {
  std::string result;
  for (const char c : text) {
    if (plain(c) || (keep_dash && c == '-')) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      result +=
          static_cast<char>(std::strtoul(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string from_environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

SocketPlaces socket_places() {
  return {.runtime_directory = from_environment("RUNTIME_DIRECTORY"),
          .xdg_runtime_directory = from_environment("XDG_RUNTIME_DIR"),
          .user = geteuid()};
}

std::vector<std::string> socket_directories(const SocketPlaces& places) {
  std::vector<std::string> directories;
  if (const auto& list = places.runtime_directory; !list.empty()) {
    directories.push_back(list.substr(0, list.find(':')));  // systemd writes several this way
  }
  if (!places.xdg_runtime_directory.empty()) {
    directories.push_back(places.xdg_runtime_directory + "/tidegate");
  }
  if (places.user == 0) directories.emplace_back("/run/tidegate");
  directories.push_back(fmt::format("/tmp/tidegate-{}", places.user));
  // Where a service has its socket; others can only look if they are allowed to.
  if (places.user != 0) directories.emplace_back("/run/tidegate");
  return directories;
}

std::string socket_file_name(const std::string& mesh, const std::string& name) {
  return escaped(mesh, false) + "-" + escaped(name, true) + std::string(suffix);
}

std::vector<PeerSocket> find_peer_sockets(const std::vector<std::string>& directories) {
  std::vector<PeerSocket> found;
  for (const auto& directory : directories) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      const auto path = entry->path().string();
      const auto file = entry->path().filename().string();
      const auto dash = file.find('-');
      if (dash == std::string::npos || file.size() < dash + 1 + suffix.size() ||
          file.substr(file.size() - suffix.size()) != suffix || !io::is_socket_file(path)) {
        continue;
      }
      const auto name = file.substr(dash + 1, file.size() - suffix.size() - dash - 1);
      found.push_back({path, unescaped(file.substr(0, dash)), unescaped(name)});
    }
  }
  std::sort(found.begin(), found.end(), [](const PeerSocket& a, const PeerSocket& b) {
    return std::tie(a.mesh, a.name, a.path) < std::tie(b.mesh, b.name, b.path);
  });
  return found;
}

std::optional<Error> prepare_socket_directory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{"can't make the directory " + directory + ": " + reason()};
  }
  struct stat info {};
  if (lstat(directory.c_str(), &info) != 0) {
    return Error{"can't look at the directory " + directory + ": " + reason()};
  }
  // In /tmp somebody else may have been faster, to see or to spoof what we say.
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 0022U) != 0) {
    return Error{directory +
                 " is not a directory that only this user may change; remove it, or "
                 "name another place with --socket"};
  }
  return std::nullopt;
}

}  // namespace tidegate::status_socket
