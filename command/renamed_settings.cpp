#include "command/renamed_settings.hpp"

#include <algorithm>
#include <array>

namespace tidegate::command {
namespace {

struct Renamed {
  std::string_view before;
  std::string_view now;
};

constexpr std::array<Renamed, 3> table{{
    {"kept-bytes", "retain-bytes"},
    {"kept-for", "retain-for"},
    {"outbox-bytes", "unsent-bytes"},
}};

}  // namespace

std::optional<std::string_view> renamed_setting(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Renamed& renamed) { return renamed.before == name; });
  if (found == table.end()) return std::nullopt;
  return found->now;
}

}  // namespace tidegate::command
