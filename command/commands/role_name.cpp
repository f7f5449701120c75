#include "command/commands/role_name.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::commands {
namespace {

constexpr std::size_t longest_name = 63;  // PostgreSQL cuts longer ones

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= longest_name &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

}  // namespace

void check_role_name(const std::string& flag, const std::string& name,
                     std::vector<command::SettingProblem>& problems) {
  if (is_plain_name(name)) return;
  problems.push_back({flag, fmt::format("'{}' is no name that this writes; take 1 to {} of a-z, "
                                        "0-9, _ and -",
                                        name, longest_name)});
}

}  // namespace tidegate::commands
