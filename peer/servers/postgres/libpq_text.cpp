#include "peer/servers/postgres/libpq_text.hpp"

#include <algorithm>

namespace tidegate::postgres {
namespace {

bool is_sqlstate(std::string_view code) {
  return code.size() == 5 && std::all_of(code.begin(), code.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// "LOCATION:  InitPostgres, postinit.c:787"
bool is_source_location(std::string_view line) {
  const auto number = line.rfind(".c:");
  return number != std::string_view::npos && number + 3 < line.size() &&
         line.find_first_not_of("0123456789", number + 3) == std::string_view::npos;
}

bool is_uri(std::string_view text) {
  return text.rfind("postgresql://", 0) == 0 || text.rfind("postgres://", 0) == 0;
}

// Calls back for each element of "a,b,c".
bool all_elements(std::string_view list, bool (*good)(std::string_view)) {
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    if (!good(list.substr(0, end))) return false;
    if (end == list.size()) return true;
    list.remove_prefix(end + 1);
  }
}

// A path of a Unix socket may have any character, one without a file begins with @.
bool is_host(std::string_view host) {
  return host.substr(0, 1) == "/" || host.substr(0, 1) == "@" ||
         host.find_first_of("@/ =") == std::string_view::npos;
}

bool is_port(std::string_view port) {
  return port.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool continued = part.substr(0, 1) == "\t";
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    if (part.empty()) continue;
    if (!line.empty()) line += continued ? " " : "; ";
    line += part;
  }
  return line;
}

Refusal read_refusal(std::string_view verbose) {
  Refusal refusal;
  std::string words;
  while (!verbose.empty()) {
    const auto end = std::min(verbose.find('\n'), verbose.size());
    const auto line = verbose.substr(0, end);
    verbose.remove_prefix(std::min(end + 1, verbose.size()));
    if (is_source_location(line)) continue;

    constexpr std::string_view separator = ":  ";
    const auto colon = line.find(separator);
    const auto code = colon == std::string_view::npos ? "" : line.substr(colon + 3).substr(0, 5);
    if (is_sqlstate(code) && line.substr(colon + 8).substr(0, 2) == ": ") {
      refusal.sqlstate = code;
      words.append(line.substr(0, colon + 3)).append(line.substr(colon + 10));
    } else {
      words += line;
    }
    words += '\n';
  }
  refusal.words = one_line(words);
  return refusal;
}

namespace {

// The name of a setting, as it stands in front of a value.
bool names_setting(std::string_view word, std::string_view text) {
  constexpr std::size_t longest_keyword = 32;
  const auto at = text.find(word);
  if (word.empty() || word.size() > longest_keyword || at == std::string_view::npos) return false;
  const auto behind = text.find_first_not_of(" \t", at + word.size());
  return behind != std::string_view::npos && text[behind] == '=' &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool may_be_shown(std::string_view text, std::string_view words) {
  const auto first = words.find('"');
  const auto last = words.rfind('"');
  if (first == std::string_view::npos) return true;
  if (is_uri(text) || text.find("pass") != std::string_view::npos) return false;
  return names_setting(words.substr(first + 1, last - first - 1), text);
}

}  // namespace

Error unreadable_connection_string(std::string_view text, std::string_view words) {
  if (may_be_shown(text, words)) {
    return Error{"libpq can't read the connection string: " + one_line(words)};
  }
  return Error{
      "libpq can't read the connection string; its reason may quote the password and is not shown; "
      "write key=value with quotes around blanks ('...') or a URI with :/?#@% percent-encoded, or "
      "try it without the password to see the reason"};
}

// libpq ends the user and the password at the first @, if no / comes before it. Hosts and database
// follow, up to the ?.
bool password_spills(std::string_view uri) {
  if (!is_uri(uri)) return false;
  uri.remove_prefix(uri.find("://") + 3);
  const auto end_of_login = uri.find_first_of("@/");
  if (end_of_login == std::string_view::npos) return false;
  if (uri[end_of_login] == '@') uri.remove_prefix(end_of_login + 1);
  return uri.substr(0, uri.find('?')).find('@') != std::string_view::npos;
}

std::optional<Error> misplaced_password(std::string_view keyword, std::string_view value) {
  const bool nested = keyword == "dbname" && (value.find("://") != std::string_view::npos ||
                                              value.find("password") != std::string_view::npos);
  if (nested) {
    return Error{"dbname is a connection string itself; leave out dbname= and give what it has"};
  }
  const bool good = keyword == "port"                            ? all_elements(value, is_port)
                    : keyword == "host" || keyword == "hostaddr" ? all_elements(value, is_host)
                                                                 : true;
  if (good) return std::nullopt;
  return Error{"the " + std::string(keyword) + " in the connection string is none, and is not " +
               "shown, as it may be a piece of a password; a URI has user, password, host and "
               "port in this order, with : @ : between them"};
}

Error spilt_password() {
  return Error{
      "the connection string has an @ too many, so that a part of the password would be taken for "
      "a name; percent-encode the special characters of user and password (@ is %40, / is %2F)"};
}

}  // namespace tidegate::postgres
