// Settings of sockets for other programs, as they are read from their sources.
#include "command/socket_settings.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"

using namespace tidegate::command;
using tidegate::testing::contains;

namespace {

SettingProblem problem_of(const ConfigSources& sources) {
  const auto configuration = configure(sources);
  REQUIRE(configuration.problems.size() == 1);
  return configuration.problems.front();
}

ConfigSources file(const std::string& text) {
  return {.file_name = "t.toml", .file_text = text, .environment = {}, .flags = {}};
}

ConfigSources login(const std::string& value) {
  return {.file_name = "",
          .file_text = "",
          .environment = {{"TIDEGATE_DOOR_LOGIN", value}},
          .flags = {}};
}

}  // namespace

TEST_CASE("doors are addresses of this host") {
  const auto good =
      configure(file("door = [\"unix:/run/a\", \"tcp:localhost:61613\", \"systemd\"]"));
  CHECK(good.problems.empty());
  CHECK(good.settings.doors.size() == 3);
  const auto door = problem_of(file("door = [\"unix:/a\", \"tcp:10.0.0.1:61613\"]"));
  CHECK(door.where == "t.toml:1: door");
  CHECK(contains(door.what, "would be open to a network"));
  CHECK(problem_of(file("door-mode = \"rw\"")).where == "t.toml:1: door-mode");
}

TEST_CASE("the login of a door has a name and a passcode, and comes from the environment") {
  CHECK(configure(login("me:se:cret")).problems.empty());
  for (const auto* wrong : {"secret", ":secret"}) {
    CHECK(contains(problem_of(login(wrong)).what, "write NAME:PASSCODE"));
  }
  CHECK(problem_of(file("door-login = \"me:secret\"")).where == "t.toml:1: door-login");
}

TEST_CASE("a door that is open to a network has a certificate, its key and a login") {
  const std::string door = "door = [\"tcp:10.0.0.1:61613\"]\n";
  const std::string certificate = "door-certificate = \"/c\"\n";
  const std::string key = "door-certificate-key = \"/k\"\n";
  auto sources = file(door + certificate + key);
  CHECK(contains(problem_of(sources).what, "set TIDEGATE_DOOR_LOGIN"));
  sources.environment = {{"TIDEGATE_DOOR_LOGIN", "me:secret"}};
  CHECK(configure(sources).problems.empty());
  sources.file_text = door;
  CHECK(contains(problem_of(sources).what, "without encryption; give the peer --door-certificate"));
  sources.file_text = "door = [\"tcp:app.example.org:61613\"]\n" + certificate + key;
  CHECK(contains(problem_of(sources).what, "names a host"));
  CHECK(contains(problem_of(file("door = [\"systemd\"]\n" + certificate)).what, "has no key"));
  CHECK(contains(problem_of(file(key)).what, "has no certificate"));
  for (const auto* local : {"door = [\"unix:/a\"]\n", "http = [\"127.0.0.1:80\"]\n"}) {
    CHECK(contains(problem_of(file(local + certificate + key)).what, "serves no port"));
  }
  auto http = file("http = [\"10.0.0.1:443\"]\n" + certificate + key);
  http.environment = {{"TIDEGATE_HTTP_TOKEN", "0123456789abcdef"}};
  CHECK(configure(http).problems.empty());
}

TEST_CASE("an HTTP server that is open to a network has a token") {
  auto sources = file("http = [\"10.0.0.1:80\"]");
  CHECK(contains(problem_of(sources).what, "set TIDEGATE_HTTP_TOKEN"));
  sources.environment = {{"TIDEGATE_HTTP_TOKEN", "0123456789abcdef"}};
  CHECK(configure(sources).problems.empty());
  sources.environment = {{"TIDEGATE_HTTP_TOKEN", "0123456789abcde"}};
  CHECK(problem_of(sources).where == "TIDEGATE_HTTP_TOKEN");
  CHECK(problem_of(file("http-token = \"0123456789abcdef\"")).where == "t.toml:1: http-token");
  CHECK(contains(problem_of(file("http = [\"app.example.org:80\"]")).what, "names a host"));
}

TEST_CASE("the HTTP server is on loopback, and the pages that may use it are origins") {
  const auto good =
      configure(file("http = [\"127.0.0.1:80\", \"localhost:81\", \"[::1]:80\"]\n"
                     "http-origin = [\"https://app.example.org\"]"));
  CHECK(good.problems.empty());
  CHECK(good.settings.http.size() == 3);
  const auto open = problem_of(file("http = [\"10.0.0.1:80\"]"));
  CHECK(open.where == "t.toml:1: http");
  CHECK(contains(open.what, "would be open to a network"));
  CHECK(contains(problem_of(file("http = [\"localhost\"]")).what, "has no port"));
  CHECK(contains(problem_of(file("http-origin = [\"*\"]")).what, "pages of anybody"));
}
