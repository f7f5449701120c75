// A file with a secret: the keys of a mesh, the private key of a certificate.
#pragma once

#include <string>

#include "tidegate/result.hpp"

namespace tidegate::peer {

struct SecretFile {
  std::string setting;  // that names it, for errors
  std::string path;
  std::string made_by;  // how one is made, if it is missing; may be empty
};

// The text of the file; an error when somebody may read it who should not: all but its owner, who
// must be this process's user or root, and a group where that is root.
[[nodiscard]] Result<std::string> read_secret(const SecretFile& secret);

}  // namespace tidegate::peer
