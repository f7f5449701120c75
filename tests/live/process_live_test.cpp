// The child processes of the tests.
#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.hpp"
#include "support/server.hpp"

using namespace tidegate::support;
using namespace std::chrono_literals;

TEST_CASE("a child gets its arguments, its environment and its input") {
  Process child({.arguments = {"sh", "-c", "echo \"$1 $WORD\"; read line; echo \"$line\" >&2", "sh",
                               "one  argument"},
                 .environment = {{"WORD", "word"}},
                 .input = Stream::pipe,
                 .output = Stream::pipe,
                 .errors = Stream::pipe});
  CHECK(child.read_line(5s) == "one  argument word");
  child.write("a line\n");
  CHECK(child.read_error_line(5s) == "a line");
  CHECK(child.wait(5s)->success());
}

TEST_CASE("waiting for a child and for its lines has a bound") {
  Process child({.arguments = {"sleep", "60"}, .output = Stream::pipe});
  CHECK_FALSE(child.read_line(10ms).has_value());
  CHECK_FALSE(child.wait(10ms).has_value());
  CHECK(child.terminate(5s).status == 128 + SIGTERM);
}

TEST_CASE("a child that ignores SIGTERM is killed") {
  Process child({.arguments = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
                 .output = Stream::pipe});
  CHECK(child.read_line(5s) == "ready");
  CHECK(child.terminate(20ms).status == 128 + SIGKILL);
}

TEST_CASE("a program that can't be started is an error of the caller") {
  CHECK_THROWS_WITH_AS(Process({.arguments = {"no-such-program"}}),
                       "can't start no-such-program (exec): No such file or directory",
                       std::runtime_error);
}

TEST_CASE("a failed command tells its output") {
  CHECK_THROWS_WITH_AS(run({.arguments = {"sh", "-c", "echo reason >&2; exit 3"}}, 5s),
                       "sh -c echo reason >&2; exit 3 ended with status 3; it printed:\nreason\n",
                       std::runtime_error);
  CHECK(run({.arguments = {"printf", "no newline"}}, 5s) == "no newline\n");
}

TEST_CASE("writing to a child that has gone is an error and no signal") {
  Process child({.arguments = {"true"}, .input = Stream::pipe});
  CHECK(child.wait(5s)->success());
  CHECK_THROWS_AS(child.write("anything"), std::runtime_error);
}

TEST_CASE("a child dies when its parent is killed, also one that became another user") {
  for (const auto& user : {std::string(), server_user()}) {
    CAPTURE(user);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const tidegate::io::Descriptor reading(ends[0]);
    const tidegate::io::Descriptor writing(ends[1]);

    const pid_t parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {  // never returns: it tells its child's id and waits to be killed
      const Process child({.arguments = {"sleep", "60"}, .user = user});
      const pid_t pid = child.pid();
      if (::write(writing.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
      for (;;) ::pause();
    }
    pid_t grandchild = 0;
    REQUIRE(::read(reading.get(), &grandchild, sizeof grandchild) == sizeof grandchild);
    const auto end = watch_process(grandchild);
    CHECK_FALSE(readable(end, 10ms));

    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    CHECK(readable(end, 5s));
  }
}
