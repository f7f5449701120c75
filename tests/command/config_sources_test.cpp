// Every setting, from each of its sources.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "command/config.hpp"

using namespace tidegate;
using namespace tidegate::command;

TEST_CASE("every setting can be given in the file, in the environment and as a flag") {
  const auto check = [](const Configuration& configuration) {
    REQUIRE(configuration.problems.empty());
    // No key, which is for a mesh that is not insecure, and no secret or certificate of a door.
    CHECK(configuration.given.size() == setting_help().size() - 6);
    const auto& o = configuration.settings.options;
    CHECK(o.mesh == "m");
    CHECK(o.name == "n");
    CHECK(o.state_file == "/f");
    CHECK(o.record == "/r");
    CHECK(o.insecure);
    CHECK(o.interfaces == std::vector<std::string>{"lo", "eth0"});
    CHECK(o.beacon_port == 1111);
    CHECK(o.seeds == std::vector<std::string>{"a:1", "b:2"});
    CHECK(o.first_port == 2000);
    CHECK(o.last_port == 2002);
    CHECK(o.local_transport == LocalTransport::ipc);
    CHECK_FALSE(o.datagrams);
    CHECK(o.database == "host=r");
    CHECK(o.primary == "host=p");
    CHECK(o.held_bytes == std::size_t{64} << 20U);
    CHECK(o.inbox_bytes == 2000000);
    CHECK(o.unsent_bytes == 3000000);
    CHECK(o.payload_bytes == 1000);
    CHECK(o.retain_bytes == 4000000);
    CHECK(o.retain_for == std::chrono::minutes(2));
    CHECK(o.from == From::earliest);
    CHECK(o.overdue == Overdue::late);
    CHECK(o.overdue_after == std::chrono::seconds(5));
    CHECK(o.own_messages == OwnMessages::at_once);
    CHECK(o.heartbeat == std::chrono::milliseconds(100));
    CHECK(o.suspect_after == std::chrono::milliseconds(250));
    CHECK(o.gone_after == std::chrono::seconds(3));
    CHECK(configuration.settings.log_level == LogLevel::debug);
    CHECK(configuration.settings.log_format == LogFormat::json);
    CHECK(configuration.settings.socket == "/s");
    CHECK(configuration.settings.socket_group == "g");
    CHECK(configuration.settings.socket_mode == "0660");
    CHECK(configuration.settings.leave_timeout == std::chrono::seconds(7));
    CHECK(configuration.settings.doors == std::vector<std::string>{"unix:/d", "systemd"});
    CHECK(configuration.settings.door_group == "g");
    CHECK(configuration.settings.door_mode == "0666");
    CHECK(configuration.settings.http == std::vector<std::string>{"127.0.0.1:80"});
    CHECK(configuration.settings.http_origins == std::vector<std::string>{"https://a"});
    CHECK(configuration.settings.outbox_retain_for == std::chrono::hours(8));
    CHECK(configuration.settings.outbox_retain_bytes == 5000000);
  };
  check(configure({.file_name = "t.toml", .file_text = R"(
mesh = "m"
name = "n"
insecure = true
interfaces = ["lo", "eth0"]
state-file = "/f"
record = "/r"
beacon-port = 1111
seeds = ["a:1", "b:2"]
first-port = 2000
last-port = 2002
local-transport = "ipc"
datagrams = false
database = "host=r"
primary = "host=p"
held-bytes = "64MiB"
inbox-bytes = 2000000
unsent-bytes = "3MB"
payload-bytes = "1 kB"
retain-bytes = "4MB"
retain-for = "2min"
from = "earliest"
overdue = "late"
overdue-after = "5s"
own-messages = "at-once"
heartbeat = "100ms"
suspect-after = "250 ms"
gone-after = "3s"
log-level = "debug"
log-format = "json"
socket = "/s"
socket-group = "g"
socket-mode = "0660"
leave-timeout = "7s"
door = ["unix:/d", "systemd"]
door-group = "g"
door-mode = "0666"
http = ["127.0.0.1:80"]
http-origin = ["https://a"]
outbox-retain-for = "8h"
outbox-retain-bytes = "5MB"
)"}));
  check(configure({.environment = {{"TIDEGATE_MESH", "m"},
                                   {"TIDEGATE_NAME", "n"},
                                   {"TIDEGATE_STATE_FILE", "/f"},
                                   {"TIDEGATE_RECORD", "/r"},
                                   {"TIDEGATE_INSECURE", "true"},
                                   {"TIDEGATE_INTERFACES", "lo,eth0"},
                                   {"TIDEGATE_BEACON_PORT", "1111"},
                                   {"TIDEGATE_SEEDS", "a:1, b:2"},
                                   {"TIDEGATE_FIRST_PORT", "2000"},
                                   {"TIDEGATE_LAST_PORT", "2002"},
                                   {"TIDEGATE_LOCAL_TRANSPORT", "ipc"},
                                   {"TIDEGATE_DATAGRAMS", "false"},
                                   {"TIDEGATE_DATABASE", "host=r"},
                                   {"TIDEGATE_PRIMARY", "host=p"},
                                   {"TIDEGATE_HELD_BYTES", "64MiB"},
                                   {"TIDEGATE_INBOX_BYTES", "2000000"},
                                   {"TIDEGATE_UNSENT_BYTES", "3MB"},
                                   {"TIDEGATE_PAYLOAD_BYTES", "1000"},
                                   {"TIDEGATE_RETAIN_BYTES", "4MB"},
                                   {"TIDEGATE_RETAIN_FOR", "2min"},
                                   {"TIDEGATE_FROM", "earliest"},
                                   {"TIDEGATE_OVERDUE", "late"},
                                   {"TIDEGATE_OVERDUE_AFTER", "5s"},
                                   {"TIDEGATE_OWN_MESSAGES", "at-once"},
                                   {"TIDEGATE_HEARTBEAT", "100ms"},
                                   {"TIDEGATE_SUSPECT_AFTER", "250ms"},
                                   {"TIDEGATE_GONE_AFTER", "3s"},
                                   {"TIDEGATE_LOG_LEVEL", "debug"},
                                   {"TIDEGATE_LOG_FORMAT", "json"},
                                   {"TIDEGATE_SOCKET", "/s"},
                                   {"TIDEGATE_SOCKET_GROUP", "g"},
                                   {"TIDEGATE_SOCKET_MODE", "0660"},
                                   {"TIDEGATE_LEAVE_TIMEOUT", "7s"},
                                   {"TIDEGATE_DOOR", "unix:/d,systemd"},
                                   {"TIDEGATE_DOOR_GROUP", "g"},
                                   {"TIDEGATE_DOOR_MODE", "0666"},
                                   {"TIDEGATE_HTTP", "127.0.0.1:80"},
                                   {"TIDEGATE_HTTP_ORIGIN", "https://a"},
                                   {"TIDEGATE_OUTBOX_RETAIN_FOR", "8h"},
                                   {"TIDEGATE_OUTBOX_RETAIN_BYTES", "5MB"}}}));
  check(configure({.flags = {{"mesh", {"m"}},
                             {"name", {"n"}},
                             {"state-file", {"/f"}},
                             {"record", {"/r"}},
                             {"insecure", {"true"}},
                             {"interfaces", {"lo", "eth0"}},
                             {"beacon-port", {"1111"}},
                             {"seeds", {"a:1,b:2"}},
                             {"first-port", {"2000"}},
                             {"last-port", {"2002"}},
                             {"local-transport", {"ipc"}},
                             {"datagrams", {"false"}},
                             {"database", {"host=r"}},
                             {"primary", {"host=p"}},
                             {"held-bytes", {"64MiB"}},
                             {"inbox-bytes", {"2000000"}},
                             {"unsent-bytes", {"3MB"}},
                             {"payload-bytes", {"1000"}},
                             {"retain-bytes", {"4MB"}},
                             {"retain-for", {"2min"}},
                             {"from", {"earliest"}},
                             {"overdue", {"late"}},
                             {"overdue-after", {"5s"}},
                             {"own-messages", {"at-once"}},
                             {"heartbeat", {"100ms"}},
                             {"suspect-after", {"250ms"}},
                             {"gone-after", {"3s"}},
                             {"log-level", {"debug"}},
                             {"log-format", {"json"}},
                             {"socket", {"/s"}},
                             {"socket-group", {"g"}},
                             {"socket-mode", {"0660"}},
                             {"leave-timeout", {"7s"}},
                             {"door", {"unix:/d", "systemd"}},
                             {"door-group", {"g"}},
                             {"door-mode", {"0666"}},
                             {"http", {"127.0.0.1:80"}},
                             {"http-origin", {"https://a"}},
                             {"outbox-retain-for", {"8h"}},
                             {"outbox-retain-bytes", {"5MB"}}}}));
}
