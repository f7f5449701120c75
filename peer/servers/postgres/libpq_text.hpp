// The messages of libpq in the form that tidegate passes on: one line, with the SQLSTATE apart, and
// without a password. Pure text; it stands apart from connection.cpp so that it can be tested.
#pragma once

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
// piece that it stumbled over: perhaps a piece of a password with a blank or a slash in it. So
// they are shown only if the string can hold no password.
[[nodiscard]] Error unreadable_connection_string(std::string_view text, std::string_view words);

// Whether libpq takes a part of the password in a URI for a host or a database, which later
// messages would show: "postgresql://me:pa@ss@host" has the host "ss@host". An encoded @ (%40) does
// no harm.
[[nodiscard]] bool password_spills(std::string_view uri);
[[nodiscard]] Error spilt_password();

}  // namespace tidegate::postgres
