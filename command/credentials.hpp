// The secrets that systemd hands over to a service (LoadCredential=): files in a folder that no
// other process sees. So a secret stands neither in the settings nor in the environment.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tidegate::command {

struct Credentials {
  std::string key_file;  // the path of mesh.key; empty: there is none
  // The text of each that has the name of a setting, without the end of its line.
  std::vector<std::pair<std::string, std::string>> settings;
};

// Those in the folder that $CREDENTIALS_DIRECTORY names; of settings only those with these names.
[[nodiscard]] Credentials read_credentials(const std::vector<std::string>& settings);

}  // namespace tidegate::command
