#include "command/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>
#include <variant>

#include <unistd.h>

// The parser reports by value, as everything here does; the packaged library throws.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
// Its assertions would end the program for some files that it refuses without them.
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>

#include "command/renamed_settings.hpp"
#include "command/service_links.hpp"
#include "command/setting_value.hpp"
#include "command/settings_file.hpp"
#include "command/socket_settings.hpp"
#include "command/suggestions.hpp"

namespace tidegate::command {
namespace {

constexpr std::string_view variable_prefix = "TIDEGATE_";

struct Setting {
  const char* name;
  const char* value;
  const char* text;
  Target (*target)(Settings&);
  const char* example = "";  // for the file; where it is empty the default stands there
  bool secret = false;       // not to stand where others can read it: in the environment alone
};

// In the order of Options, then the command's own. The default is appended from a default Settings;
// only where that is empty the text says what happens then.
const std::array<Setting, 46> table{{
    {"mesh", "NAME", "name of the mesh; peers of one mesh find each other",
     [](Settings& s) -> Target { return &s.options.mesh; }},
    {"name", "NAME", "name of this peer, for people (default: host name and process id)",
     [](Settings& s) -> Target { return &s.options.name; }, "app-1"},
    {"state-file", "PATH",
     "keeps the identity and the stream of this peer, and beside it the durable subscriptions of "
     "its STOMP clients (default: new at each start)",
     [](Settings& s) -> Target { return &s.options.state_file; }, "/var/lib/tidegate/app-1/state"},
    {"key-file", "PATH",
     "file with the key of the mesh, as `tidegate keygen` prints it; or its text in the "
     "environment, as TIDEGATE_KEYS (default: none, on loopback alone)",
     [](Settings& s) -> Target { return &s.options.key_file; }, "/etc/tidegate/mesh.key"},
    {"keys", "TEXT", "the text of such a file",
     [](Settings& s) -> Target { return &s.options.keys; }, "", true},
    {"insecure", "true|false", "use other interfaces than loopback without a key",
     [](Settings& s) -> Target { return &s.options.insecure; }},
    {"interfaces", "NAME", "network interfaces to listen and beacon on; repeatable",
     [](Settings& s) -> Target { return &s.options.interfaces; }},
    {"beacon-port", "PORT", "UDP port of the beacon, the same for the whole mesh",
     [](Settings& s) -> Target { return &s.options.beacon_port; }},
    {"seeds", "HOST:PORT", "direct ports of peers that a beacon does not reach; repeatable",
     [](Settings& s) -> Target { return &s.options.seeds; }, "10.0.0.7:17901"},
    {"first-port", "PORT", "first TCP port of the range in which the peer takes two",
     [](Settings& s) -> Target { return &s.options.first_port; }},
    {"last-port", "PORT", "last TCP port of that range",
     [](Settings& s) -> Target { return &s.options.last_port; }},
    {"local-transport", "tcp|ipc",
     "transport to peers on this host; ipc: Unix sockets, for peers of the same user",
     [](Settings& s) -> Target { return &s.options.local_transport; }},
    {"datagrams", "true|false",
     "short messages also travel in UDP datagrams, which is faster, where these come through",
     [](Settings& s) -> Target { return &s.options.datagrams; }},
    {"database", "CONNECTION",
     "libpq connection string of the server that this application reads; none: deliver at once",
     [](Settings& s) -> Target { return &s.options.database; },
     "host=replica-1 dbname=app user=tidegate"},
    {"primary", "CONNECTION",
     "libpq connection string of the server where changes are committed; none: database, when that "
     "is a primary",
     [](Settings& s) -> Target { return &s.options.primary; },
     "host=db-a,db-b dbname=app user=tidegate target_session_attrs=primary"},
    {"held-bytes", "SIZE", "most bytes of messages that wait for their change",
     [](Settings& s) -> Target { return &s.options.held_bytes; }},
    {"inbox-bytes", "SIZE", "most bytes of deliveries that the application has not taken yet",
     [](Settings& s) -> Target { return &s.options.inbox_bytes; }},
    {"unsent-bytes", "SIZE", "most bytes of published messages that are not sent yet",
     [](Settings& s) -> Target { return &s.options.unsent_bytes; }},
    {"payload-bytes", "SIZE", "most bytes of one payload",
     [](Settings& s) -> Target { return &s.options.payload_bytes; }},
    {"retain-bytes", "SIZE", "most bytes of own messages retained for peers that have missed them",
     [](Settings& s) -> Target { return &s.options.retain_bytes; }},
    {"retain-for", "TIME", "longest time for which own messages are retained",
     [](Settings& s) -> Target { return &s.options.retain_for; }},
    {"record", "PATH",
     "file to which the peer appends its readings, messages and deliveries, for `./dev conform` "
     "(default: none)",
     [](Settings& s) -> Target { return &s.options.record; }, "/var/lib/tidegate/app-1/record"},
    {"from", "latest|earliest",
     "first message of another peer: the next one it publishes, or the first one it still retains",
     [](Settings& s) -> Target { return &s.options.from; }},
    {"overdue", "hold|late|drop",
     "fate of a message whose change does not come: it stays held, is delivered and marked as "
     "late, "
     "or is dropped and reported",
     [](Settings& s) -> Target { return &s.options.overdue; }},
    {"overdue-after", "TIME", "time of being held after which overdue applies",
     [](Settings& s) -> Target { return &s.options.overdue_after; }},
    {"own-messages", "none|at-once|gated",
     "whether what this peer publishes is delivered here too: not, once it is sent, or once its "
     "change is visible",
     [](Settings& s) -> Target { return &s.options.own_messages; }},
    {"heartbeat", "TIME", "interval between heartbeats",
     [](Settings& s) -> Target { return &s.options.heartbeat; }},
    {"suspect-after", "TIME", "silence after which a peer is suspect",
     [](Settings& s) -> Target { return &s.options.suspect_after; }},
    {"gone-after", "TIME", "silence after which a peer is gone",
     [](Settings& s) -> Target { return &s.options.gone_after; }},
    {"log-level", "LEVEL", "least level that is logged: debug, info, warning or error",
     [](Settings& s) -> Target { return &s.log_level; }, "info"},
    {"log-format", "text|logfmt|json",
     "format of the log on standard error (default: text; for a service of systemd the journal, "
     "with fields)",
     [](Settings& s) -> Target { return &s.log_format; }, "logfmt"},
    {"socket", "PATH", "path of the peer's status socket (default: by mesh and name)",
     [](Settings& s) -> Target { return &s.socket; }, "/run/tidegate/app-1/status"},
    {"socket-group", "GROUP",
     "group that may ask for the status of the peer too (default: only its user and root)",
     [](Settings& s) -> Target { return &s.socket_group; }, "adm"},
    {"socket-mode", "MODE",
     "octal mode of the status socket (default: 0600, with socket-group 0660)",
     [](Settings& s) -> Target { return &s.socket_mode; }, "0660"},
    {"leave-timeout", "TIME",
     "longest time for which a peer that is stopped, or whose input ends, waits for positions",
     [](Settings& s) -> Target { return &s.leave_timeout; }},
    {"door", "ADDRESS",
     "where `tidegate peer` serves STOMP clients: unix:/path, tcp:127.0.0.1:61613 or systemd; "
     "repeatable",
     [](Settings& s) -> Target { return &s.doors; }, "tcp:127.0.0.1:61613"},
    {"door-group", "GROUP",
     "group that may connect to the Unix socket of a door too (default: only its user and root)",
     [](Settings& s) -> Target { return &s.door_group; }, "app"},
    {"door-mode", "MODE",
     "octal mode of the Unix socket of a door (default: 0600, with door-group 0660)",
     [](Settings& s) -> Target { return &s.door_mode; }, "0660"},
    {"door-login", "NAME:PASSCODE", "login and passcode that STOMP clients have to say",
     [](Settings& s) -> Target { return &s.door_login; }, "", true},
    {"door-certificate", "PATH",
     "certificate of the TCP ports of a door, and of `http` outside loopback, as PEM with those "
     "above it; they speak TLS then",
     [](Settings& s) -> Target { return &s.door_certificate; }, "/etc/tidegate/door.pem"},
    {"door-certificate-key", "PATH", "its private key, as PEM; nobody else may read the file",
     [](Settings& s) -> Target { return &s.door_certificate_key; }, "/etc/tidegate/door.key"},
    {"http", "ADDRESS",
     "where `tidegate peer` serves HTTP: /metrics and more (docs/monitoring.md), and on loopback "
     "STOMP over WebSocket at /stomp; 127.0.0.1:15674 or systemd; repeatable",
     [](Settings& s) -> Target { return &s.http; }, "127.0.0.1:15674"},
    {"http-origin", "ORIGIN",
     "web pages that may use that server, besides its own: https://app.example.org; repeatable",
     [](Settings& s) -> Target { return &s.http_origins; }, "https://app.example.org"},
    {"http-token", "TOKEN",
     "token that every request to that server has to bring, so that it may be open to a network",
     [](Settings& s) -> Target { return &s.http_token; }, "", true},
    {"outbox-retain-for", "TIME",
     "removes rows of the primary's outbox (`tidegate outbox`) that are older; 0s: none for that",
     [](Settings& s) -> Target { return &s.outbox_retain_for; }, "168h"},
    {"outbox-retain-bytes", "SIZE",
     "removes the oldest rows of that outbox beyond so many bytes; 0: none for that",
     [](Settings& s) -> Target { return &s.outbox_retain_bytes; }, "1GiB"},
}};

const Setting* find_setting(std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& s) { return s.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Strings setting_names() {
  Strings names;
  for (const auto& setting : table) names.emplace_back(setting.name);
  return names;
}

std::string variable_name(std::string_view setting) {
  std::string name(variable_prefix);
  for (const char c : setting) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string setting_name(std::string_view variable) {
  std::string name;
  for (const char c : variable.substr(variable_prefix.size())) {
    name += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

class Reader {
 public:
  explicit Reader(const ConfigSources& sources) : sources_(sources) {}

  Configuration read() {
    result_.settings.options.key_file = sources_.credentials.key_file;
    for (const auto& [name, text] : sources_.credentials.settings) read_credential(name, text);
    if (!sources_.file_name.empty()) read_file();
    for (const auto& [variable, value] : sources_.environment) read_variable(variable, value);
    for (const auto& [name, values] : sources_.flags) read_flag(name, values);
    auto& options = result_.settings.options;
    // Given by the service manager, unless something else is wanted.
    if (result_.given.contains("keys") && !result_.given.contains("key-file")) {
      options.key_file.clear();
    }
    for (const auto& problem : validate(options)) {
      const auto where = result_.where.find(problem.option);
      complain(where == result_.where.end() ? problem.option + " (default)" : where->second,
               problem.what);
    }
    for (const auto& [setting, what] : socket_problems(result_.settings)) {
      complain(result_.where[setting], what);
    }
    return std::move(result_);
  }

 private:
  void complain(std::string where, std::string what) {
    result_.problems.push_back({std::move(where), std::move(what)});
  }

  void assign(const Setting& setting, std::string_view text, Source source, std::string where) {
    if (setting.secret && source != Source::environment && source != Source::credential) {
      return complain(std::move(where),
                      "others may read it there; put it into the environment as " +
                          variable_name(setting.name));
    }
    auto refused = assign_text(setting.target(result_.settings), text);
    if (refused) return complain(std::move(where), std::move(*refused));
    accept(setting, source, std::move(where));
  }

  void accept(const Setting& setting, Source source, std::string where) {
    result_.given[setting.name] = source;
    result_.where[setting.name] = std::move(where);
  }

  void read_credential(const std::string& name, std::string_view text) {
    auto where = "the credential " + name;
    if (text.empty()) return complain(std::move(where), "is empty; write the secret into its file");
    assign(*find_setting(name), text, Source::credential, std::move(where));
  }

  void read_file() {
    if (const auto wrong = unparsable(sources_.file_text)) {
      const auto line = wrong->line == 0 ? "" : ":" + std::to_string(wrong->line);
      return complain(sources_.file_name + line, wrong->why);
    }
    const auto parsed = toml::parse(sources_.file_text, sources_.file_name);
    if (!parsed) {
      const auto& error = parsed.error();
      return complain(sources_.file_name + ":" + std::to_string(error.source().begin.line),
                      std::string(error.description()));
    }
    if (parsed.table().size() > most_file_keys) {
      return complain(sources_.file_name, "has " + std::to_string(parsed.table().size()) +
                                              " keys, and there are no more than " +
                                              std::to_string(table.size()) +
                                              " settings; is it another program's file?");
    }
    for (const auto& [key, node] : parsed.table()) {
      const auto where = sources_.file_name + ":" + std::to_string(key.source().begin.line) + ": " +
                         std::string(key.str());
      if (const auto* setting = find_setting(key.str())) {
        read_node(*setting, node, where);
      } else {
        complain(where, unknown_key(key.str()));
      }
    }
  }

  static std::string unknown_key(std::string_view key) {
    std::string with_dashes(key);
    std::replace(with_dashes.begin(), with_dashes.end(), '_', '-');
    if (const auto now = renamed_setting(with_dashes)) {
      return "is called " + std::string(*now) + " now";
    }
    if (find_setting(with_dashes) != nullptr) {
      return "settings in a file are written with '-'; write " + with_dashes;
    }
    const auto hint = did_you_mean(key, setting_names());
    return "there is no such setting" +
           (hint.empty() ? "; `tidegate peer --help` lists them" : hint);
  }

  void read_node(const Setting& setting, const toml::node& node, const std::string& where) {
    const auto target = setting.target(result_.settings);
    if (auto* const* list = std::get_if<Strings*>(&target)) {
      read_list(setting, **list, node, where);
    } else if (const auto* text = node.as_string()) {
      assign(setting, text->get(), Source::file, where);
    } else if (node.is_boolean() && std::holds_alternative<bool*>(target)) {
      assign(setting, node.as_boolean()->get() ? "true" : "false", Source::file, where);
    } else if (node.is_integer() && !std::holds_alternative<std::string*>(target) &&
               !std::holds_alternative<OptionalText*>(target)) {
      assign(setting, std::to_string(node.as_integer()->get()), Source::file, where);
    } else {
      complain(where,
               "write one value, text in quotes: " + std::string(setting.name) + " = \"...\"");
    }
  }

  void read_list(const Setting& setting, Strings& list, const toml::node& node,
                 const std::string& where) {
    const auto* array = node.as_array();
    Strings values;
    bool good = array != nullptr;
    for (std::size_t i = 0; good && i < array->size(); ++i) {
      const auto* text = array->get(i)->as_string();
      good = text != nullptr;
      if (good) values.push_back(text->get());
    }
    if (!good) {
      return complain(
          where, "write a list of texts: " + std::string(setting.name) + " = [\"...\", \"...\"]");
    }
    list = std::move(values);
    accept(setting, Source::file, where);
  }

  void read_variable(const std::string& variable, const std::string& value) {
    if (variable == config_variable) return;
    if (is_service_link(variable, value)) return result_.service_links.push_back(variable);
    if (const auto* setting = find_setting(setting_name(variable));
        setting != nullptr && variable == variable_name(setting->name)) {
      return assign(*setting, value, Source::environment, variable);
    }
    if (const auto now = renamed_setting(setting_name(variable))) {
      return complain(variable, "is called " + variable_name(*now) + " now");
    }
    // Without the prefix: what all have in common makes nothing alike.
    auto names = setting_names();
    names.push_back(setting_name(config_variable));
    const auto meant = near_miss(setting_name(variable), names);
    // Others may use the prefix too, so only what looks like a slip stops the start.
    if (!meant) {
      result_.warnings.push_back("the environment variable " + variable +
                                 " is no setting of tidegate and is ignored");
    } else {
      complain(variable, "there is no such setting; did you mean " + variable_name(*meant) + "?");
    }
  }

  void read_flag(const std::string& name, const Strings& values) {
    const auto where = "--" + name;
    const auto* setting = find_setting(name);
    if (setting == nullptr) {
      return complain(where, "there is no such setting" + did_you_mean(name, setting_names()));
    }
    const auto target = setting->target(result_.settings);
    if (std::holds_alternative<Strings*>(target)) {
      std::string joined;
      for (const auto& value : values) joined += value + ",";
      assign(*setting, joined, Source::flag, where);
    } else if (values.size() != 1) {
      complain(where, "is given " + std::to_string(values.size()) + " times; give it once");
    } else {
      assign(*setting, values.front(), Source::flag, where);
    }
  }

  const ConfigSources& sources_;
  Configuration result_;
};

}  // namespace

std::vector<SettingHelp> setting_help() {
  std::vector<SettingHelp> help;
  Settings defaults;
  for (const auto& setting : table) {
    const auto target = setting.target(defaults);
    const auto value = default_text(target);
    const bool exemplary = *setting.example != '\0';
    help.push_back(
        {setting.name, setting.value,
         setting.text + (value.empty() ? "" : " (default: " + value + ")"),
         std::holds_alternative<bool*>(target), setting.secret, variable_name(setting.name),
         setting.name + (" = " + file_text(target, exemplary ? setting.example : value))});
  }
  return help;
}

std::vector<std::string> changed_settings(Settings before, Settings after) {
  Strings changed;
  for (const auto& setting : table) {
    const auto was = setting.target(before);
    const auto is = setting.target(after);
    const bool same =
        std::visit([&](auto* value) { return *value == *std::get<decltype(value)>(is); }, was);
    if (!same) changed.emplace_back(setting.name);
  }
  return changed;
}

Configuration configure(const ConfigSources& sources) { return Reader(sources).read(); }

std::vector<std::pair<std::string, std::string>> environment_settings() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.substr(0, variable_prefix.size()) != variable_prefix) continue;
    const auto equals = std::min(text.find('='), text.size());
    found.emplace_back(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  }
  return found;
}

}  // namespace tidegate::command
