// Is this text? Names and topic elements are; payloads need not be.
#pragma once

#include <cstddef>
#include <string_view>

namespace tidegate::base {

// True for well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes);

// No byte has its high bit set. (libsodium decodes some of those as base64.)
[[nodiscard]] bool is_ascii(std::string_view bytes);

// The length of the character with which the text begins if a terminal obeys it instead of showing
// it: a control character, one byte or (U+0080 to U+009F) two, or one that turns the direction of
// what follows. 0: it is shown.
[[nodiscard]] std::size_t obeyed_bytes(std::string_view text);

}  // namespace tidegate::base
