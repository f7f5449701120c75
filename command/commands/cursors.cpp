#include "command/commands/cursors.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "command/environment.hpp"

namespace tidegate::commands {
namespace {

std::string usual_directory() {
  // systemd may give several, the first is the one.
  if (const auto given = command::from_environment("STATE_DIRECTORY"); !given.empty()) {
    return given.substr(0, given.find(':'));
  }
  if (const auto home = command::from_environment("XDG_STATE_HOME"); !home.empty()) {
    return home + "/tidegate";
  }
  const auto home = command::from_environment("HOME");
  return home.empty() ? "" : home + "/.local/state/tidegate";
}

}  // namespace

Result<std::string> state_directory(const std::string& given) {
  const auto directory = present_state_directory(given);
  if (directory.empty()) {
    return Error{
        "there is no directory for the cursor, as neither HOME nor XDG_STATE_HOME is set; "
        "name one with --state-dir"};
  }
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) {
    return Error{fmt::format("{} can't be made: {}; name another one with --state-dir", directory,
                             error.message())};
  }
  if (made) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  return directory;
}

std::string present_state_directory(const std::string& given) {
  return given.empty() ? usual_directory() : given;
}

std::string cursor_path(const std::string& directory, const std::string& name) {
  return directory + '/' + name + ".outbox";
}

}  // namespace tidegate::commands
