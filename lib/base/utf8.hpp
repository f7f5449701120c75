// Is this text? Names and topic elements are; payloads need not be.
#pragma once

#include <string_view>

namespace tidegate::base {

// True for well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace tidegate::base
