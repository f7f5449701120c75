// The one secret of a mesh as people handle it: a word of text, and a list of such words.
//
//     tidegate-key-1:Yk3vE2...      the version of this form, then 36 bytes in base64url: the key,
//                                   and 4 bytes by which a slip of the hand is noticed
//
// A list has one key in a line; the first one is used, all are accepted, so that a mesh can go from
// one to another (keyring.hpp). Empty lines, and what stands behind a '#', are left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/keys/secret.hpp"
#include "tidegate/result.hpp"

namespace tidegate::keys {

// In one list. A rotation needs two.
inline constexpr std::size_t most_keys = 8;

[[nodiscard]] std::string to_text(const Secret& key);

// An error names the line and never quotes it: it may be a key that was miscopied.
[[nodiscard]] Result<std::vector<Secret>> parse_keys(std::string_view text);

}  // namespace tidegate::keys
