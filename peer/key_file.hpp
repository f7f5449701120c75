// The file that holds the keys of a mesh (lib/keys/mesh_key.hpp).
#pragma once

#include <string>

#include "lib/keys/keyring.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

// The keys that the options name; an empty ring when they name none.
[[nodiscard]] Result<keys::Keyring> open_keyring(const Options& options);

// The keys that a peer with these options takes on while it runs: those that its file has now, or
// those of a text. An error tells why it stays as it is, and what to do.
[[nodiscard]] Result<keys::Keyring> reopen_keyring(const Options& options);
[[nodiscard]] Result<keys::Keyring> other_keyring(const Options& options, const std::string& text);

}  // namespace tidegate::peer
