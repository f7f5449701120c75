// The token that a client of the HTTP server has to show, where one is set: as a bearer, or as the
// password of any user, which browsers ask for and remember for as long as they are open.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::http_door {

// Why the text is not good as a token, and what to do.
[[nodiscard]] std::optional<std::string> refuse_token(std::string_view text);

// Whether one of the values of `Authorization` shows it. Takes as long for a wrong one as for a
// right one of that length.
[[nodiscard]] bool shows_token(const std::vector<std::string>& authorizations,
                               std::string_view token);

}  // namespace tidegate::http_door
