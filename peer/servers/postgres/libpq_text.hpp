// The messages of libpq in the form that tidegate passes on: one line, with the SQLSTATE apart, and
// without a password. Pure text; it stands apart from connection.cpp so that it can be tested.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tidegate/result.hpp"

namespace tidegate::postgres {

// libpq's messages end with a newline, hold a line for each host, and indent continued lines.
[[nodiscard]] std::string one_line(std::string_view text);

// Why a server did not take a connection.
struct Refusal {
  std::string sqlstate;  // of the host tried last; empty when it was not a server that refused
  std::string words;     // one line
};

// libpq keeps no SQLSTATE of a refused connection. The only place that shows it is a message made
// with PQERRORS_VERBOSE: "FATAL:  42501: must be ...", then a line with the place in the server's
// source, which helps nobody here. The words depend on the locale, this form does not.
[[nodiscard]] Refusal read_refusal(std::string_view verbose);

// The error for a connection string that libpq can't read. `words` are libpq's, which quote the
// piece that it stumbled over: perhaps a piece of a password with a blank or a slash in it, or a
// whole URI whose scheme has a slip. So they are shown only if they quote nothing, or what can be
// nothing but the name of a setting in a string without a password.
[[nodiscard]] Error unreadable_connection_string(std::string_view text, std::string_view words);

// Whether libpq takes a part of the password in a URI for a host or a database, which later
// messages would show: "postgresql://me:pa@ss@host" has the host "ss@host". An encoded @ (%40) does
// no harm.
[[nodiscard]] bool password_spills(std::string_view uri);
[[nodiscard]] Error spilt_password();

// Why the value of a setting is refused though libpq has read it: a password may have got into it,
// and later messages, also the server's, would show it. "postgresql://me:hush" has the port "hush".
[[nodiscard]] std::optional<Error> misplaced_password(std::string_view keyword,
                                                      std::string_view value);

}  // namespace tidegate::postgres
