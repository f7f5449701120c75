// Which headers a message may have. The same rule holds where they are published and where they
// arrive, so that every door can show them as it likes: as lines of text, or as members of an
// object.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "tidegate/headers.hpp"

namespace tidegate::message {

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

// All that Message::headers says of them.
[[nodiscard]] bool valid_headers(std::span<const HeaderView> headers);
[[nodiscard]] bool valid_headers(std::span<const Header> headers);

}  // namespace tidegate::message
