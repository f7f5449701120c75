#include "lib/stomp/frame.hpp"

#include <algorithm>

#include "lib/base/enum_names.hpp"

namespace tidegate::stomp {

std::string_view to_string(Version version) {
  static constexpr auto names = base::enum_names<Version>(
      {{Version::v1_0, "1.0"}, {Version::v1_1, "1.1"}, {Version::v1_2, "1.2"}});
  return names.name(version);
}

const std::string* Frame::find(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return header.name == name; });
  return found == headers.end() ? nullptr : &found->value;
}

bool opens_connection(std::string_view command) {
  return command == "CONNECT" || command == "STOMP" || command == "CONNECTED";
}

}  // namespace tidegate::stomp
