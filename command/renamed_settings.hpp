// Names that settings had before. Where one of them is met, as a flag, a variable or in a file, it
// is refused with its present name: a guess by likeness would name another setting, as outbox-bytes
// is like inbox-bytes. It is not taken on, so that each setting has one name.
#pragma once

#include <optional>
#include <string_view>

namespace tidegate::command {

// The present name of the setting that was called `name`; nothing when none was.
[[nodiscard]] std::optional<std::string_view> renamed_setting(std::string_view name);

}  // namespace tidegate::command
