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
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/environment.hpp"
#include "lib/base/decimal.hpp"
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

// Only real directories: somebody may have put a link into /tmp.
std::vector<std::string> places_of_others() {
  std::vector<std::string> places;
  const auto look = [&](const char* parent, const std::string& prefix, const std::string& below) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().filename().string().rfind(prefix, 0) != 0) continue;
      const auto place = entry->path().string() + below;
      struct stat info {};
      if (lstat(place.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) places.push_back(place);
    }
  };
  // Of each instance of the service.
  look("/run/tidegate", "", "");
  if (geteuid() == 0) {
    look("/tmp", "tidegate-", "");
    look("/run/user", "", "/tidegate");
  }
  std::sort(places.begin(), places.end());
  return places;
}

std::optional<gid_t> group_named(const std::string& name) {
  if (const auto number = base::parse_number<gid_t>(name)) return *number;
  const auto* entry = getgrnam(name.c_str());
  return entry != nullptr ? std::optional(entry->gr_gid) : std::nullopt;
}

}  // namespace

SocketPlaces socket_places() {
  return {.runtime_directory = command::from_environment("RUNTIME_DIRECTORY"),
          .xdg_runtime_directory = command::from_environment("XDG_RUNTIME_DIR"),
          .user = geteuid(),
          .of_others = places_of_others()};
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
  for (const auto& place : places.of_others) {
    if (std::find(directories.begin(), directories.end(), place) == directories.end()) {
      directories.push_back(place);
    }
  }
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

std::optional<std::uint32_t> parse_mode(const std::string& text) {
  std::uint32_t mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
    if (mode > 0777) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return mode;
}

std::optional<Error> share_socket(const std::string& path, const std::string& group,
                                  const std::string& mode, bool directory) {
  if (group.empty() && mode.empty()) return std::nullopt;
  const auto fail = [&](const std::string& why) {
    return Error{"can't let others ask at " + path + ": " + why};
  };
  const auto place = std::filesystem::path(path).parent_path().string();
  if (!group.empty()) {
    const auto id = group_named(group);
    if (!id) return fail("there is no group " + group);
    const auto same = static_cast<uid_t>(-1);
    if (chown(path.c_str(), same, *id) != 0) return fail(reason());
    if (directory && chown(place.c_str(), same, *id) != 0) return fail(reason());
  }
  const auto wanted = static_cast<mode_t>(parse_mode(mode).value_or(0660));
  if (chmod(path.c_str(), wanted) != 0) return fail(reason());
  // Connecting takes the right to write.
  const mode_t way =
      0700U | ((wanted & 0020U) != 0 ? 0050U : 0U) | ((wanted & 0002U) != 0 ? 0005U : 0U);
  if (directory && chmod(place.c_str(), way) != 0) return fail(reason());
  return std::nullopt;
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
