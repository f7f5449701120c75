// Settings of the `tidegate` command: every member of Options but report_sent, and some of the
// command itself, from a TOML file, the environment and flags. A later source wins: default, file,
// environment, flag.
//
// One table in config.cpp drives all three and the help text. A setting has one name, "held-bytes":
//
//     held-bytes = "64MiB"          in the file (with '-', as on the command line)
//     TIDEGATE_HELD_BYTES=64MiB     in the environment
//     --held-bytes 64MiB            as a flag
//
// A list is an array in the file, is separated by commas in the environment, and a flag is repeated
// (commas work there too).
//
// A setting that is true or false is true as a flag without a value. Secrets come from the
// environment alone.
//
// Nothing is refused one by one: all that is wrong in all sources is collected, each with where it
// came from and what to write instead. Nothing here touches the system except the last three
// functions.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/credentials.hpp"
#include "command/log.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::command {

struct Settings {
  Options options;

  // The least level that is logged; each subcommand has a default of its own.
  std::optional<LogLevel> log_level;
  // Empty: the journal if standard error goes there, else text.
  std::optional<LogFormat> log_format;

  // Path of the socket on which a running peer answers `tidegate status`; empty: a place by mesh
  // and name, see status_socket.hpp.
  std::string socket;

  // Others that may ask there: a group by name or number, and the file's mode in octal digits.
  // Empty: this user alone, or with a group 0660.
  std::string socket_group;
  std::string socket_mode;

  // How long a running peer may take to publish what was written to it, once it is stopped.
  Duration leave_timeout = std::chrono::seconds(5);
  // Where a running peer serves STOMP clients (command/doors/stomp/address.hpp); others that may
  // connect to its Unix sockets, as for the status socket; and "NAME:PASSCODE", which a client has
  // to say, or empty.
  std::vector<std::string> doors;
  std::string door_group;
  std::string door_mode;
  std::string door_login;
  // TLS for its TCP ports: files of PEM; both or none.
  std::string door_certificate;
  std::string door_certificate_key;

  // Where a running peer serves HTTP (command/doors/http/address.hpp), and the web pages that may
  // use that (command/doors/http/admission.hpp).
  std::vector<std::string> http;
  std::vector<std::string> http_origins;
  std::string http_token;  // that every request has to show; empty: none

  // A running peer removes what is older, and more, in the outbox of its primary
  // (command/outbox_retention.hpp); 0: it does not remove by that.
  Duration outbox_retain_for{};
  std::size_t outbox_retain_bytes = 0;
};

// A setting as the help text shows it.
struct SettingHelp {
  std::string name;
  std::string value;  // "SIZE"
  std::string text;   // what it does, with its default
  bool yes_or_no = false;
  bool secret = false;   // no flag
  std::string variable;  // "TIDEGATE_HELD_BYTES"
  std::string line;      // of a file, as an example: held-bytes = "256MiB"
};
[[nodiscard]] std::vector<SettingHelp> setting_help();

// Text that somebody wrote, not judged yet.
struct ConfigSources {
  std::string file_name;  // of the TOML file; empty: there is none
  std::string file_text;
  std::vector<std::pair<std::string, std::string>> environment;         // TIDEGATE_... only
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;  // without "--"
  Credentials credentials = {};
};

struct SettingProblem {
  std::string where;  // "tidegate.toml:3: held-byte", "TIDEGATE_HELD_BYTES", "--held-bytes"
  std::string what;   // what is wrong and what to write instead

  friend bool operator==(const SettingProblem&, const SettingProblem&) = default;
};

enum class Source : std::uint8_t { credential, file, environment, flag };

struct Configuration {
  Settings settings;
  std::map<std::string, Source> given;       // by name; what is not in it has its default
  std::map<std::string, std::string> where;  // by name: the place, as a problem names it
  std::vector<SettingProblem> problems;      // of all sources, and of validate()
  std::vector<std::string> warnings;         // what was ignored
  std::vector<std::string> service_links;    // variables that service_links.hpp has recognised
};

[[nodiscard]] Configuration configure(const ConfigSources& sources);

// The names of the settings whose values differ.
[[nodiscard]] std::vector<std::string> changed_settings(Settings before, Settings after);

// Those variables whose name begins with TIDEGATE_.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> environment_settings();

// The variable that names the file where --config does not.
inline constexpr const char* config_variable = "TIDEGATE_CONFIG";

}  // namespace tidegate::command
