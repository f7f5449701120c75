// The text of a file with settings, before the TOML parser gets it.
//
// The parser is not made for everything: it recurses for each dot in a key, ends the program at a
// table that is called "[.]", and takes some letters that are not ASCII for impossible where white
// space may stand. Settings are flat and few, so what they can't need is refused here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tidegate/result.hpp"

namespace tidegate::command {

// The keys that a file may have; there are fewer settings.
inline constexpr std::size_t most_file_keys = 256;

// Of a file that is longer than any with settings no more is read than shows that.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

struct Unparsable {
  std::size_t line = 0;  // 0: the whole
  std::string why;
};

// Why the parser must not get the text.
[[nodiscard]] std::optional<Unparsable> unparsable(std::string_view text);

}  // namespace tidegate::command
