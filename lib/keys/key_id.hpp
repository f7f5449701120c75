// The name of a key, where it may be seen: in datagrams, logs and reports. It follows from the key
// and the mesh (keyring.hpp), and gives nothing away.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::keys {

using KeyId = std::uint64_t;  // of no key: 0

// 16 hexadecimal digits; of no key: nothing.
[[nodiscard]] std::string to_text(KeyId id);

}  // namespace tidegate::keys
