#include "command/doors/http/token.hpp"

#include <algorithm>
#include <cctype>

#include <sodium.h>

namespace tidegate::http_door {
namespace {

constexpr std::size_t least_token = 16;
constexpr std::size_t most_token = 256;

bool same(std::string_view shown, std::string_view token) {
  return shown.size() == token.size() &&
         sodium_memcmp(shown.data(), token.data(), token.size()) == 0;
}

// The scheme is written in any case.
std::optional<std::string_view> behind_scheme(std::string_view value, std::string_view scheme) {
  const auto is = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ' ||
      !std::equal(scheme.begin(), scheme.end(), value.begin(),
                  [&](char b, char a) { return is(a, b); })) {
    return std::nullopt;
  }
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

// "user:password" behind base64.
std::optional<std::string> password(std::string_view login) {
  std::string text(login.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(), login.data(),
                        login.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  text.resize(size);
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return text.substr(colon + 1);
}

}  // namespace

std::optional<std::string> refuse_token(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isgraph(static_cast<unsigned char>(c)) != 0;
  });
  if (printable && text.size() >= least_token && text.size() <= most_token) return std::nullopt;
  return "is no token: 16 to 256 printable characters of ASCII without blanks; `openssl rand -hex "
         "32` makes one";
}

bool shows_token(const std::vector<std::string>& authorizations, std::string_view token) {
  return std::any_of(authorizations.begin(), authorizations.end(), [&](const auto& value) {
    if (const auto bearer = behind_scheme(value, "bearer")) return same(*bearer, token);
    const auto login = behind_scheme(value, "basic");
    const auto word = login ? password(*login) : std::nullopt;
    return word && same(*word, token);
  });
}

}  // namespace tidegate::http_door
