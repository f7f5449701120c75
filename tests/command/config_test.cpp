#include "command/config.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "command/pattern_hint.hpp"
#include "command/renamed_settings.hpp"
#include "command/settings_file.hpp"
#include "command/suggestions.hpp"
#include "command/units.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command;
using tidegate::testing::contains;

namespace {

Configuration from_file(const std::string& text) {
  return configure({.file_name = "t.toml", .file_text = text});
}
Configuration from_variable(const std::string& name, const std::string& value) {
  return configure({.environment = {{name, value}}});
}
Configuration from_flag(const std::string& name, const std::string& value) {
  return configure({.flags = {{name, {value}}}});
}

// The one problem that there must be.
SettingProblem only_problem(const Configuration& configuration) {
  REQUIRE(configuration.problems.size() == 1);
  return configuration.problems.front();
}

bool lacks(const std::string& text, const std::string& part) {
  return text.find(part) == std::string::npos;
}

}  // namespace

TEST_CASE("without any source every setting has its default, and nothing is wrong") {
  const auto configuration = configure({});
  CHECK(configuration.problems.empty());
  CHECK(configuration.given.empty());
  CHECK(configuration.settings.options.mesh == Options().mesh);
  CHECK(configuration.settings.options.held_bytes == Options().held_bytes);
  CHECK_FALSE(configuration.settings.log_level.has_value());
}

TEST_CASE("a key comes from a file, or as text from the environment alone") {
  const std::string key = "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg";
  const std::vector<std::pair<std::string, std::string>> text = {{"TIDEGATE_KEYS", key}};
  CHECK(configure({.flags = {{"key-file", {"/k"}}}}).settings.options.key_file == "/k");
  CHECK(from_file("key-file = \"/k\"").settings.options.key_file == "/k");
  CHECK(configure({.environment = text}).settings.options.keys == key);

  const auto flag = only_problem(configure({.flags = {{"keys", {key}}}}));
  CHECK(flag.where == "--keys");
  CHECK(flag.what == "others may read it there; put it into the environment as TIDEGATE_KEYS");
  CHECK(only_problem(from_file("keys = \"" + key + "\"")).where == "t.toml:1: keys");
  CHECK(only_problem(configure({.environment = text, .flags = {{"key-file", {"/k"}}}})).where ==
        "TIDEGATE_KEYS");
}

TEST_CASE("the key that the service manager hands over counts unless another one is named") {
  const auto with = [](std::vector<std::pair<std::string, std::string>> environment) {
    return configure(
        {.environment = std::move(environment), .credentials = {.key_file = "/c/mesh.key"}});
  };
  CHECK(with({}).settings.options.key_file == "/c/mesh.key");
  CHECK(with({{"TIDEGATE_KEY_FILE", "/k"}}).settings.options.key_file == "/k");
  const auto text =
      with({{"TIDEGATE_KEYS", "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg"}});
  CHECK(text.problems.empty());
  CHECK(text.settings.options.key_file.empty());
}

TEST_CASE(
    "a secret that the service manager hands over counts unless the environment has another") {
  const auto with = [](std::vector<std::pair<std::string, std::string>> environment,
                       const std::string& token) {
    return configure({.environment = std::move(environment),
                      .credentials = {.settings = {{"http-token", token}}}});
  };
  const auto credential = with({}, "0123456789abcdef");
  CHECK(credential.problems.empty());
  CHECK(credential.settings.http_token == "0123456789abcdef");
  CHECK(credential.where.at("http-token") == "the credential http-token");
  CHECK(
      with({{"TIDEGATE_HTTP_TOKEN", "fedcba9876543210"}}, "0123456789abcdef").settings.http_token ==
      "fedcba9876543210");
  CHECK(only_problem(with({}, "short")).where == "the credential http-token");
  CHECK(only_problem(with({}, "")).what == "is empty; write the secret into its file");
}

TEST_CASE("without a key other interfaces than loopback are refused, unless insecure is written") {
  CHECK(configure({.flags = {{"interfaces", {"lo"}}}}).problems.empty());
  const auto refused = only_problem(configure({.flags = {{"interfaces", {"lo,eth0"}}}}));
  CHECK(refused.where == "--interfaces");
  CHECK(contains(refused.what, "make a key with 'tidegate keygen'"));
  CHECK(configure({.flags = {{"interfaces", {"eth0"}}, {"insecure", {"true"}}}}).problems.empty());
  CHECK(configure({.flags = {{"interfaces", {"eth0"}}, {"key-file", {"/k"}}}}).problems.empty());
  const auto both = configure({.flags = {{"insecure", {"true"}}, {"key-file", {"/k"}}}});
  CHECK(only_problem(both).where == "--insecure");
  CHECK(only_problem(configure({.flags = {{"insecure", {"yes"}}}})).what ==
        "'yes' is none of its values; write true or false");
}

TEST_CASE("a choice that is none of the setting's values names those that are") {
  const auto configuration = configure({.flags = {{"from", {"then"}}, {"overdue", {"late "}}}});
  REQUIRE(configuration.problems.size() == 2);
  CHECK(configuration.problems.at(0).what ==
        "'then' is none of its values; write latest or earliest");
  CHECK(configuration.problems.at(1).what ==
        "'late ' is none of its values; write hold or late or drop");
}

TEST_CASE("a flag wins over the environment, which wins over the file") {
  ConfigSources sources{.file_name = "t.toml",
                        .file_text = "mesh = \"file\"\nname = \"file\"\ndatabase = \"file\"",
                        .environment = {{"TIDEGATE_MESH", "env"}, {"TIDEGATE_NAME", "env"}},
                        .flags = {{"mesh", {"flag"}}}};
  const auto configuration = configure(sources);
  CHECK(configuration.settings.options.mesh == "flag");
  CHECK(configuration.settings.options.name == "env");
  CHECK(configuration.settings.options.database == "file");
  CHECK(configuration.given.at("mesh") == Source::flag);
  CHECK(configuration.given.at("name") == Source::environment);
  CHECK(configuration.given.at("database") == Source::file);
}

TEST_CASE("all that is wrong in all sources is reported at once, with where it came from") {
  const auto configuration = configure({
      .file_name = "t.toml",
      .file_text = "mesh = 3\n\nheartbeat = 500\nheld_bytes = \"1GiB\"\ncolour = \"blue\"",
      .environment = {{"TIDEGATE_UNSENT_BYTES", "many"}, {"TIDEGATE_HARTBEAT", "1s"}},
      .flags = {{"beacon-port", {"70000"}}, {"log-level", {"loud"}}, {"first-port", {"40000"}}},
  });
  std::vector<std::string> places;
  for (const auto& problem : configuration.problems) places.push_back(problem.where);
  std::sort(places.begin(), places.end());
  CHECK(places == std::vector<std::string>{"--beacon-port", "--log-level", "TIDEGATE_HARTBEAT",
                                           "TIDEGATE_UNSENT_BYTES", "last-port (default)",
                                           "t.toml:1: mesh", "t.toml:3: heartbeat",
                                           "t.toml:4: held_bytes", "t.toml:5: colour"});
}

TEST_CASE("a value that validate() refuses is reported where it was written") {
  CHECK(only_problem(from_file("\nmesh = \"\"")).where == "t.toml:2: mesh");
  CHECK(only_problem(from_variable("TIDEGATE_MESH", "")).where == "TIDEGATE_MESH");
  CHECK(only_problem(from_flag("mesh", "")).where == "--mesh");
}

TEST_CASE("a slip is answered with the setting that was probably meant") {
  CHECK(contains(only_problem(from_file("held-byte = 1")).what, "did you mean held-bytes?"));
  CHECK(contains(only_problem(from_file("dataabse = \"x\"")).what, "did you mean database?"));
  CHECK(contains(only_problem(from_flag("interface", "lo")).what, "did you mean interfaces?"));
  CHECK(contains(only_problem(from_variable("TIDEGATE_HELDBYTES", "1")).what,
                 "did you mean TIDEGATE_HELD_BYTES?"));
  CHECK(contains(only_problem(from_variable("TIDEGATE_CONFG", "/x")).what,
                 "did you mean TIDEGATE_CONFIG?"));
  CHECK(contains(only_problem(from_file("held_bytes = 1")).what, "write held-bytes"));
}

TEST_CASE("a setting that was renamed is refused with its present name, whatever it is like") {
  CHECK(only_problem(from_file("outbox-bytes = 1")).what == "is called unsent-bytes now");
  CHECK(only_problem(from_file("kept_for = \"1s\"")).what == "is called retain-for now");
  CHECK(only_problem(from_variable("TIDEGATE_KEPT_BYTES", "1")).what ==
        "is called TIDEGATE_RETAIN_BYTES now");
  const auto help = setting_help();
  const auto exists = [&](std::string_view name) {
    return std::any_of(help.begin(), help.end(), [&](const auto& one) { return one.name == name; });
  };
  for (const auto* before : {"kept-bytes", "kept-for", "outbox-bytes"}) {
    CHECK_FALSE(exists(before));
    CHECK(exists(renamed_setting(before).value()));
  }
  CHECK_FALSE(renamed_setting("retain-bytes").has_value());
}

TEST_CASE("a word that resembles no setting gets no guess") {
  CHECK(lacks(only_problem(from_file("zebra = 1")).what, "did you mean"));
  CHECK(near_miss("", {"a"}) == std::nullopt);
  CHECK(near_miss("abc", {"xyz"}) == std::nullopt);
}

TEST_CASE("a variable that resembles no setting is ignored with a warning") {
  for (const auto* name : {"TIDEGATE_SOMETHING_ELSE", "TIDEGATE_SCRATCH", "TIDEGATE_"}) {
    CAPTURE(name);
    const auto configuration = from_variable(name, "1");
    CHECK(configuration.problems.empty());
    REQUIRE(configuration.warnings.size() == 1);
    CHECK(contains(configuration.warnings.front(), name));
  }
}

TEST_CASE("variables that a container platform sets for a service stop no start") {
  const std::vector<std::pair<std::string, std::string>> links = {
      // The service "tidegate" of Kubernetes,
      {"TIDEGATE_SERVICE_HOST", "10.96.0.11"},
      {"TIDEGATE_SERVICE_PORT", "17880"},
      {"TIDEGATE_SERVICE_PORT_BEACON", "17880"},
      {"TIDEGATE_PORT", "tcp://10.96.0.11:17880"},
      {"TIDEGATE_PORT_17880_TCP", "tcp://10.96.0.11:17880"},
      {"TIDEGATE_PORT_17880_TCP_PROTO", "tcp"},
      {"TIDEGATE_PORT_17880_TCP_PORT", "17880"},
      {"TIDEGATE_PORT_17880_UDP_ADDR", "10.96.0.11"},
      // the service "tidegate-beacon", and others that end in a word of a setting,
      {"TIDEGATE_BEACON_PORT", "tcp://10.96.0.11:17880"},
      {"TIDEGATE_FIRST_PORT", "udp://10.96.0.11:17880"},
      {"TIDEGATE_BEACON_SERVICE_HOST", "10.96.0.11"},
      {"TIDEGATE_BEACON_PORT_17880_TCP_ADDR", "10.96.0.11"},
      // and a link of Docker.
      {"TIDEGATE_NAME", "/web/tidegate"},
      {"TIDEGATE_ENV_HELD_BYTE", "1"}};
  const auto configuration = configure({.environment = links});
  CHECK(configuration.problems.empty());
  CHECK(configuration.warnings.empty());
  CHECK(configuration.service_links.size() == links.size());
  CHECK(configuration.settings.options.beacon_port == Options().beacon_port);
  CHECK(configuration.settings.options.name.empty());
}

TEST_CASE("a setting of one's own that resembles such a variable counts") {
  CHECK(from_variable("TIDEGATE_BEACON_PORT", "1111").settings.options.beacon_port == 1111);
  CHECK(only_problem(from_variable("TIDEGATE_BEACON_PORT", "tcp")).where == "TIDEGATE_BEACON_PORT");
  CHECK(from_variable("TIDEGATE_NAME", "/tidegate/").settings.options.name == "/tidegate/");
  CHECK(from_variable("TIDEGATE_PRIMARY", "postgresql://p/app").settings.options.primary ==
        "postgresql://p/app");
}

TEST_CASE("the variable that names the file is no setting of its own") {
  const auto configuration = from_variable(config_variable, "/x");
  CHECK(configuration.problems.empty());
  CHECK(configuration.warnings.empty());
}

TEST_CASE("a file that is not TOML is one problem with its line") {
  const auto problem = only_problem(from_file("mesh = \"a\"\nname = = 3\n"));
  CHECK(problem.where == "t.toml:2");
  CHECK_FALSE(problem.what.empty());
}

TEST_CASE("a file that begins a table is refused, whatever its name is") {
  for (const auto* text : {"[.]", "mesh = \"a\"\n \t[=]\n", "[peer]\nmesh = \"a\"", "[[a]]"}) {
    CAPTURE(text);
    CHECK(contains(only_problem(from_file(text)).what, "settings stand in none"));
  }
  CHECK(from_file("seeds = [\n  \"a:1\"\n]").problems.empty());
}

TEST_CASE("characters that are not ASCII stand in strings and comments of a file alone") {
  CHECK(contains(only_problem(from_file("mesh = \"a\"\n\u025e = 1")).what, "not ASCII"));
  CHECK(contains(only_problem(from_file("mesh = \"a\\\"\" \u00e4")).what, "not ASCII"));
  CHECK(contains(only_problem(from_file("mesh = 'a\u014b b")).what, "not ASCII"));
  CHECK(contains(only_problem(from_file("mesh = 0\"\u014b\"")).what, "not ASCII"));
  CHECK(from_file("# \u00e4\nname = \"\u00e4'\" # \u00e4\n").problems.empty());
  CHECK(from_file("\nname = '\u00e4'\n").problems.empty());
}

TEST_CASE("a value of the wrong kind says how to write it") {
  CHECK(contains(only_problem(from_file("mesh = true")).what, "mesh = \"...\""));
  CHECK(contains(only_problem(from_file("interfaces = \"lo\"")).what, "interfaces = ["));
  CHECK(contains(only_problem(from_file("interfaces = [1]")).what, "interfaces = ["));
  CHECK(contains(only_problem(from_file("heartbeat = 500")).what, "write for example 500ms"));
  CHECK(contains(only_problem(from_file("mesh.a = 1")).what, "mesh = \"...\""));
}

TEST_CASE("a mode of the socket is octal") {
  CHECK(only_problem(from_flag("socket-mode", "0668")).where == "--socket-mode");
  CHECK(only_problem(from_flag("socket-mode", "7777")).where == "--socket-mode");
  CHECK(from_flag("socket-mode", "666").problems.empty());
}

TEST_CASE("a reload tells which settings have changed") {
  const auto before = from_file("mesh = \"a\"\nlog-level = \"info\"").settings;
  const auto after = from_file("mesh = \"b\"\nlog-level = \"debug\"").settings;
  CHECK(changed_settings(before, after) == std::vector<std::string>{"mesh", "log-level"});
  CHECK(changed_settings(before, before).empty());
}

TEST_CASE("a pattern in another system's syntax gets a hint") {
  const auto meant = [](const char* pattern) {
    const auto hint = foreign_pattern_hint(pattern);
    if (!hint) return std::string();
    const auto at = hint->find("did you mean '") + 14;
    return hint->substr(at, hint->find("'?", at) - at);
  };
  CHECK(meant("builds.*.new") == "builds/*/new");
  CHECK(meant("builds/+/new") == "builds/*/new");
  CHECK(meant("builds/>") == "builds/#");
  CHECK(meant("builds.>") == "builds/#");
  CHECK(meant("builds.#") == "builds/#");
  CHECK(meant("builds/**") == "builds/#");
  for (const auto* own : {"builds/*/new", "builds/#", "#", "a.b/c", "a.b.c", "1+1", "a>b"}) {
    CAPTURE(own);
    CHECK(meant(own).empty());
  }
}

TEST_CASE("a list in the file replaces the default list") {
  CHECK(from_file("interfaces = [\"a\", \"b\"]").settings.options.interfaces ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE("a flag for one value can be given only once") {
  const auto configuration = configure({.flags = {{"mesh", {"a", "b"}}}});
  CHECK(only_problem(configuration).what == "is given 2 times; give it once");
}

TEST_CASE("a refused value leaves the value of an earlier source") {
  const auto configuration = configure({.file_name = "t.toml",
                                        .file_text = "beacon-port = 2000",
                                        .flags = {{"beacon-port", {"20x"}}}});
  CHECK(configuration.settings.options.beacon_port == 2000);
}

TEST_CASE("sizes are read in powers of 1024 and of 1000") {
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("17") == 17);
  CHECK(*parse_size("17B") == 17);
  CHECK(*parse_size("3kB") == 3000);
  CHECK(*parse_size("3 KiB") == 3072);
  CHECK(*parse_size("64MiB") == std::uint64_t{64} << 20U);
  CHECK(*parse_size("2GB") == 2000000000);
  CHECK(*parse_size("17179869183GiB") == ~std::uint64_t{0} - ((std::uint64_t{1} << 30U) - 1));
}

TEST_CASE("a text that is not a size is refused and quoted") {
  for (const auto* text : {"", " ", "MiB", "-1", "+1", "1.5MiB", "1 MiB ", "1  MiB", "1mib", "1 TB",
                           "0x10", "18446744073709551616", "17179869184GiB"}) {
    CAPTURE(text);
    const auto size = parse_size(text);
    REQUIRE_FALSE(size.ok());
    CHECK(contains(size.error().message, "'" + std::string(text) + "'"));
  }
}

TEST_CASE("durations need a unit") {
  CHECK(*parse_duration("250us") == std::chrono::microseconds(250));
  CHECK(*parse_duration("500ms") == std::chrono::milliseconds(500));
  CHECK(*parse_duration("2 s") == std::chrono::seconds(2));
  CHECK(*parse_duration("3min") == std::chrono::minutes(3));
  CHECK(*parse_duration("1h") == std::chrono::hours(1));
  for (const auto* text : {"", "5", "s", "-1s", "1.5s", "1 week", "9223372036855s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).ok());
  }
}

TEST_CASE("the exact form of a size or a duration is read back as the same") {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{1024},
        std::uint64_t{1025}, std::uint64_t{256} << 20U, std::uint64_t{3} << 30U}) {
    CHECK(*parse_size(exact_size(bytes)) == bytes);
  }
  CHECK(exact_size(std::uint64_t{256} << 20U) == "256MiB");
  for (const std::int64_t us : {0, 1, 999, 1000, 500000, 2000000, 60000000, 90000000}) {
    CHECK(*parse_duration(exact_duration(std::chrono::microseconds(us))) ==
          std::chrono::microseconds(us));
  }
  CHECK(exact_duration(std::chrono::seconds(6)) == "6s");
}

TEST_CASE("the help names every setting once, with its default") {
  const auto help = setting_help();
  for (const auto& setting : help) {
    CHECK_FALSE(setting.text.empty());
    CHECK(std::count_if(help.begin(), help.end(),
                        [&](const auto& other) { return other.name == setting.name; }) == 1);
  }
  const auto held =
      std::find_if(help.begin(), help.end(), [](const auto& s) { return s.name == "held-bytes"; });
  REQUIRE(held != help.end());
  CHECK(contains(held->text, "(default: 256MiB)"));
}

TEST_CASE("a file that can't be read is named with the reason") {
  const auto missing = read_text_file("/nonexistent/tidegate.toml");
  REQUIRE_FALSE(missing.ok());
  CHECK(contains(missing.error().message, "/nonexistent/tidegate.toml"));
  CHECK(contains(missing.error().message, "No such file"));
  CHECK_FALSE(read_text_file("/").ok());
}
