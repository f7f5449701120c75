#include "lib/base/cursor_name.hpp"

#include <algorithm>

namespace tidegate::base {
namespace {

constexpr std::size_t longest_name = 64;

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::optional<Error> wrong_cursor_name(const std::string& name) {
  const auto quoted = "'" + name + "' is no name of a subscription; take ";
  // Of the name before the ending that would be the lock, or the cursor while it is written.
  if (name.ends_with(".lock") || name.ends_with(".new")) {
    return Error{quoted + "one that does not end in .lock or .new"};
  }
  if (!name.empty() && name.size() <= longest_name && name.front() != '.' &&
      std::all_of(name.begin(), name.end(), plain)) {
    return std::nullopt;
  }
  return Error{quoted + "1 to " + std::to_string(longest_name) +
               " letters, digits, '.', '_' and '-', and no '.' in front"};
}

}  // namespace tidegate::base
