// `tidegate top` in a terminal, which support/terminal.py is, as its users see it.
#include <chrono>
#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/paths.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace tidegate::testing;

namespace {

class Terminal {
 public:
  Terminal(const CommandMesh& mesh, const Arguments& arguments, int columns = 100, int rows = 20)
      : process_(started(mesh, arguments, columns, rows)) {}

  void tell(const std::string& line) { process_.write(line + "\n"); }

  json screen() {
    tell("screen");
    return answer();
  }
  std::string text() {
    std::string text;
    const auto now = screen();
    for (const auto& line : now["screen"]) text += line.get<std::string>() + "\n";
    return text;
  }
  bool shows(const std::string& part) {
    return eventually(command_bound, [&] { return !lacks(text(), part); });
  }
  bool shows_no(const std::string& part) {
    return eventually(command_bound, [&] { return lacks(text(), part); });
  }

  json end() {
    tell("end");
    return answer();
  }

 private:
  static Process started(const CommandMesh& mesh, const Arguments& arguments, int columns,
                         int rows) {
    auto command = mesh.command(arguments);
    Arguments all = {"/usr/bin/python3", std::string(TIDEGATE_SOURCE_ROOT) + "/support/terminal.py",
                     "--columns",        std::to_string(columns),
                     "--rows",           std::to_string(rows)};
    all.insert(all.end(), command.arguments.begin(), command.arguments.end());
    command.arguments = std::move(all);
    return Process(command);
  }

  json answer() {
    const auto line = process_.read_line(command_bound);
    if (!line) FAIL("the terminal does not answer");
    return json::parse(*line);
  }

  Process process_;
};

}  // namespace

TEST_CASE("top shows the members, and its keys order, filter, pause and quit") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  Terminal terminal(mesh, {"top", "--name", "a", "--interval", "200ms"});
  CHECK(terminal.shows("tidegate top"));
  CHECK(terminal.shows("\nb "));
  CHECK(terminal.shows(" ready "));
  CHECK(terminal.shows("1 peer  q quit"));
  CHECK_FALSE(terminal.screen()["cursor"].get<bool>());
  terminal.tell("keys >");
  CHECK(terminal.shows("ADDRESS\u2191"));
  terminal.tell("keys r");
  CHECK(terminal.shows("ADDRESS\u2193"));
  terminal.tell("keys /nobody\\r");
  CHECK(terminal.shows("0 peers  with 'nobody'"));
  CHECK(terminal.shows_no("\nb "));
  terminal.tell("keys \\x1b");
  CHECK(terminal.shows("\nb "));
  terminal.tell("keys p");
  CHECK(terminal.shows("PAUSED"));
  terminal.tell("keys p");
  CHECK(terminal.shows_no("PAUSED"));
  terminal.tell("keys q");
  const auto end = terminal.end();
  CHECK(end["status"] == 0);
  CHECK(end["restored"] == true);
}

TEST_CASE("top follows the size of its window, also to a tiny one and back") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  Terminal terminal(mesh, {"top", "--name", "a"});
  CHECK(terminal.shows("\nb "));
  terminal.tell("size 30 6");
  CHECK(terminal.shows("\nb "));
  CHECK(terminal.shows_no("ADDRESS"));
  CHECK(terminal.screen()["screen"].size() == 6);
  terminal.tell("size 1 1");
  CHECK(terminal.shows("t\n"));
  terminal.tell("size 100 20");
  CHECK(terminal.shows("ADDRESS"));
  terminal.tell("keys q");
  CHECK(terminal.end()["status"] == 0);
}

TEST_CASE("a signal leaves the terminal as it was") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  for (const auto* how : {"signal SIGTERM", "keys \\x03", "signal SIGHUP"}) {
    CAPTURE(how);
    Terminal terminal(mesh, {"top", "--name", "a"});
    CHECK(terminal.shows("\nb "));
    terminal.tell(how);
    const auto end = terminal.end();
    CHECK(end["status"] == 0);
    CHECK(end["restored"] == true);
  }
}

TEST_CASE("top says that its peer has gone, and goes on when it is back") {
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "a"});
  REQUIRE(eventually(command_bound, [&] { return mesh.run({"status"}).status == 0; }));
  Terminal terminal(mesh, {"top", "--interval", "200ms"});
  CHECK(terminal.shows("a in mesh"));
  peer.close_input();
  CHECK(ended(peer) == 0);
  CHECK(terminal.shows("THE PEER HAS GONE"));
  CHECK(terminal.shows("a in mesh"));
  auto again = mesh.start({"peer", "--name", "a"});
  CHECK(terminal.shows_no("THE PEER HAS GONE"));
  terminal.tell("keys q");
  CHECK(terminal.end()["status"] == 0);
}

TEST_CASE("without a terminal top says what to use instead") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const auto ran = mesh.run({"top", "--name", "a"});
  CHECK(ran.status == 2);
  CHECK(ran.output == "");
  CHECK(contains(ran.errors, "use `tidegate status --watch`"));
  CHECK(mesh.run({"top", "--name", "nobody"}).status == 3);
  CHECK(mesh.run({"top", "--interval", "1ms"}).status == 2);
}
