// Style is a test: the rules of tidy_rules.hpp hold for every file of the repository. Each rule is
// first shown a bad example, since a rule that can't fail says nothing.
#include <functional>

#include <doctest/doctest.h>

#include "tests/tidy/repository.hpp"
#include "tests/tidy/tidy_rules.hpp"

using namespace tidegate::tidy;

namespace {

// One string for a readable failure.
std::string joined(const Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem + "\n";
  return text;
}

std::string problems_of_all(const std::function<Problems(const File&)>& rule) {
  Problems all;
  for (const auto& file : read_repository()) {
    for (const auto& problem : rule(file)) all.push_back(problem);
  }
  return joined(all);
}

bool passes(const Problems& problems) { return problems.empty(); }

}  // namespace

TEST_CASE("the whole repository is looked at") {
  bool sees_itself = false;
  for (const auto& file : read_repository()) sees_itself |= file.path == "tests/tidy/tidy_test.cpp";
  CHECK(sees_itself);
}

TEST_CASE("a folder includes itself and what stands below it") {
  // A file of the folder, what it may include, and what it may not.
  struct Right {
    const char* file;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  };
  const std::vector<Right> rights = {
      {"include/tidegate/a.hpp",
       {"#include \"tidegate/topic.hpp\"", "#include <vector>"},
       {"#include \"lib/base/must.hpp\"", "#include \"peer/loop.hpp\"", "#include <zmq.hpp>",
        "#include \"topic.hpp\""}},
      {"lib/base/a.cpp",
       {"#include \"lib/base/must.hpp\"", "#include \"tidegate/result.hpp\""},
       {"#include \"lib/message/footprint.hpp\"", "#include \"must.hpp\"",
        "#include \"../message/footprint.hpp\"", "#include <unistd.h>"}},
      {"lib/keys/a.cpp",
       {"#include \"lib/base/must.hpp\"", "#include <sodium.h>"},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"lib/message/footprint.hpp\"",
        "#include <zmq.hpp>"}},
      {"lib/message/a.cpp",
       {"#include \"lib/base/must.hpp\"", "#include <sodium.h>"},
       {"#include \"lib/gate/gate.hpp\"", "#include \"lib/mesh/frame.hpp\"",
        "#include <sys/socket.h>"}},
      {"lib/gate/a.cpp",
       {"#include \"lib/message/footprint.hpp\""},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"lib/node/node.hpp\"",
        "#include <libpq-fe.h>"}},
      {"lib/mesh/a.cpp",
       {"#include \"lib/message/footprint.hpp\""},
       {"#include \"lib/gate/gate.hpp\"", "#include \"lib/node/node.hpp\"", "#include <zmq.hpp>",
        "  #  include <msgpack.hpp>"}},
      {"lib/node/a.cpp",
       {"#include \"lib/gate/gate.hpp\"", "#include \"lib/mesh/frame.hpp\""},
       {"#include \"discovery/beacon.hpp\"", "#include \"peer/io/clock.hpp\"",
        "#include <sodium.h>"}},
      {"lib/stomp/a.cpp",
       {"#include \"lib/message/footprint.hpp\"", "#include \"tidegate/message.hpp\""},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"lib/node/node.hpp\"",
        "#include <sys/socket.h>"}},
      {"lib/outbox/a.cpp",
       {"#include \"lib/gate/visibility.hpp\"", "#include \"tidegate/tide.hpp\""},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"lib/stomp/frame.hpp\"",
        "#include <libpq-fe.h>"}},
      {"discovery/a.cpp",
       {"#include \"lib/mesh/announcement.hpp\"", "#include <sys/socket.h>", "#include <poll.h>"},
       {"#include \"lib/mesh/roster.hpp\"", "#include \"lib/node/node.hpp\"",
        "#include \"peer/io/reactor.hpp\"", "#include <zmq.hpp>", "#include <spdlog/spdlog.h>"}},
      {"peer/io/a.cpp",
       {"#include \"lib/base/must.hpp\"", "#include <sys/epoll.h>"},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"peer/loop.hpp\"",
        "#include \"peer/servers/postgres/connection.hpp\"", "#include <libpq-fe.h>"}},
      {"peer/carriers/zeromq/a.cpp",
       {"#include \"lib/mesh/frame.hpp\"", "#include \"peer/io/clock.hpp\"", "#include <zmq.hpp>"},
       {"#include \"lib/gate/gate.hpp\"", "#include \"lib/node/node.hpp\"",
        "#include \"peer/servers/postgres/connection.hpp\"", "#include <libpq-fe.h>"}},
      {"peer/servers/postgres/a.cpp",
       {"#include \"lib/gate/gate.hpp\"", "#include \"peer/io/clock.hpp\""},
       {"#include \"lib/mesh/frame.hpp\"", "#include \"lib/node/node.hpp\"",
        "#include \"peer/carriers/zeromq/zeromq.hpp\"", "#include <zmq.hpp>"}},
      {"peer/a.cpp",
       {"#include \"lib/node/node.hpp\"", "#include \"peer/carriers/zeromq/zeromq.hpp\"",
        "#include \"discovery/beacon.hpp\""},
       {"#include \"command/config.hpp\"", "#include \"tests/support/port.hpp\"",
        "#include <zmq.hpp>", "#include <libpq-fe.h>"}},
      {"command/a.cpp",
       {"#include \"peer/loop.hpp\"", "#include <spdlog/spdlog.h>"},
       {"#include \"tests/support/port.hpp\"", "#include \"bench/carrier.hpp\"",
        "#include <libpq-fe.h>", "#include <msgpack.hpp>"}},
      {"support/a.cpp",
       {"#include \"tidegate/time.hpp\"", "#include <poll.h>"},
       {"#include \"lib/base/must.hpp\"", "#include \"tests/support/network_namespace.hpp\"",
        "#include <zmq.hpp>"}},
      {"demo/a.cpp",
       {"#include \"support/cluster.hpp\"", "#include <CLI/CLI.hpp>"},
       {"#include \"lib/node/node.hpp\"", "#include \"tests/live/mesh.hpp\"",
        "#include <libpq-fe.h>"}},
      {"bench/a.cpp",
       {"#include \"support/cluster.hpp\"", "#include <nlohmann/json.hpp>"},
       {"#include \"lib/node/node.hpp\"", "#include \"tests/lib/samples.hpp\"",
        "#include <zmq.hpp>"}},
      {"bench/core/a.cpp",
       {"#include \"lib/node/node.hpp\"", "#include <benchmark/benchmark.h>"},
       {"#include \"peer/loop.hpp\"", "#include \"support/cluster.hpp\"",
        "#include \"tests/lib/node/node_harness.hpp\""}},
  };
  for (const auto& right : rights) {
    CAPTURE(right.file);
    for (const auto* line : right.good) {
      CAPTURE(line);
      CHECK(passes(check_includes({right.file, line})));
    }
    for (const auto* line : right.bad) {
      CAPTURE(line);
      CHECK_FALSE(passes(check_includes({right.file, line})));
    }
  }
  CHECK(problems_of_all(check_includes) == "");
}

TEST_CASE("a foreign library has few includers") {
  CHECK(passes(check_includes({"lib/mesh/frame_cursor.cpp", "#include <msgpack.hpp>"})));
  CHECK(passes(check_includes({"peer/servers/postgres/connection.hpp", "#include <libpq-fe.h>"})));
  CHECK(passes(check_includes({"peer/servers/postgres/commit.cpp", "#include <libpq-fe.h>"})));
  CHECK_FALSE(passes(check_includes({"peer/loop.cpp", "#include <zmq_addon.hpp>"})));
  CHECK_FALSE(passes(check_includes({"include/tidegate/commit.hpp", "#include <libpq-fe.h>"})));
  CHECK(passes(check_includes({"command/doors/http/site.cpp", "#include <boost/asio.hpp>"})));
  CHECK_FALSE(passes(check_includes({"command/main.cpp", "#include <boost/asio.hpp>"})));
  CHECK(passes(check_includes({"command/top/screen.cpp", "#include <curses.h>"})));
  CHECK_FALSE(passes(check_includes({"command/top/view.cpp", "#include <curses.h>"})));
}

TEST_CASE("lib is pure") {
  CHECK(passes(check_purity({"lib/a.cpp", "// std::thread, in words\nsnprintf(\"printf\");"})));
  CHECK(passes(check_purity({"peer/a.cpp", "std::thread t;"})));
  CHECK(passes(check_purity({"lib/base/must.hpp", "std::fprintf(stderr, \"\");"})));
  for (const auto* code :
       {"auto now = std::chrono::steady_clock::now();", "std::chrono::system_clock::now();",
        "std::thread t;", "std::mutex m;", "std::random_device r;", "std::printf(\"\");",
        "#include <iostream>", "auto big = 10'000; std::mutex m; auto small = 1'0;",
        "auto text = R\"(\")\"; std::mutex m;", "char c = '\"'; std::mutex m;",
        "/* \" */ std::mutex m;"}) {
    CAPTURE(code);
    CHECK_FALSE(passes(check_purity({"lib/a.cpp", code})));
  }
  CHECK_FALSE(passes(check_purity({"lib/base/must.hpp", "std::mutex m;"})));
  CHECK(problems_of_all(check_purity) == "");
}

TEST_CASE("only live tests wait for real time") {
  const std::string code = "std::this_thread::sleep_for(1s);";
  CHECK(passes(check_sleep({"tests/live/a.cpp", code})));
  CHECK(passes(check_sleep({"tests/support/a.cpp", code})));
  CHECK_FALSE(passes(check_sleep({"tests/a_test.cpp", code})));
  CHECK_FALSE(passes(check_sleep({"tests/sim/simulation.cpp", "usleep(1);"})));
  CHECK(problems_of_all(check_sleep) == "");
}

TEST_CASE("a simulation depends on nothing but its seed") {
  const std::string code = "std::chrono::steady_clock::now();";
  CHECK(passes(check_simulation({"tests/sim/main.cpp", code})));
  CHECK(passes(check_simulation({"tests/live/a.cpp", code})));
  CHECK_FALSE(passes(check_simulation({"tests/sim/simulation.cpp", code})));
  CHECK_FALSE(passes(check_simulation({"tests/sim/simulation.cpp", "std::random_device r;"})));
  CHECK_FALSE(
      passes(check_simulation({"tests/sim/simulation.hpp", "std::unordered_map<int, int> m;"})));
  CHECK(problems_of_all(check_simulation) == "");
}

TEST_CASE("a header begins with a comment and guards itself") {
  CHECK(passes(check_header({"lib/a.hpp", "// What it is.\n#pragma once\n"})));
  CHECK_FALSE(passes(check_header({"lib/a.hpp", "#pragma once\n// What it is.\n"})));
  CHECK_FALSE(passes(check_header({"lib/a.hpp", "// What it is.\n#ifndef A_HPP\n"})));
  CHECK(problems_of_all(check_header) == "");
}

TEST_CASE("a text has no tabs, no blanks at line ends, nothing left to do") {
  CHECK(passes(check_text({"dev", "mktemp -d /tmp/a.XXXXXX\n\n"})));
  CHECK_FALSE(passes(check_text({"lib/a.cpp", "int a;\n\tint b;\n"})));
  CHECK_FALSE(passes(check_text({"lib/a.cpp", "int a; \n"})));
  CHECK_FALSE(passes(check_text({"lib/a.cpp", "int a;\r\n"})));
  CHECK_FALSE(passes(check_text({"README.md",
                                 "TO"
                                 "DO: explain"})));
  CHECK_FALSE(passes(check_text({"lib/a.cpp",
                                 "// FIX"
                                 "ME"})));
  CHECK_FALSE(passes(check_text({"lib/a.cpp",
                                 "// XX"
                                 "X"})));
  CHECK(problems_of_all(check_text) == "");
}

TEST_CASE("no source file is longer than 500 lines, and no example in a script language than 40") {
  CHECK(passes(check_length({"lib/a.cpp", std::string(500, '\n')})));
  CHECK_FALSE(passes(check_length({"lib/a.cpp", std::string(501, '\n')})));
  CHECK(passes(check_length({"examples/python/a.py", std::string(40, '\n')})));
  CHECK_FALSE(passes(check_length({"examples/python/a.py", std::string(41, '\n')})));
  CHECK(problems_of_all(check_length) == "");
}

TEST_CASE("a line has at most 100 columns") {
  CHECK(passes(check_columns({"lib/a.cpp", std::string(100, 'x') + "\n"})));
  CHECK(passes(check_columns({"lib/a.cpp", std::string(99, 'x') + "\u00FC\n"})));
  CHECK(passes(check_columns({"README.md", std::string(101, 'x') + "\n"})));
  CHECK_FALSE(passes(check_columns({"lib/a.cpp", "\n" + std::string(101, 'x')})));
  CHECK(problems_of_all(check_columns) == "");
}

TEST_CASE("no function is longer than 70 lines") {
  const auto function = [](std::size_t lines) {
    return "namespace a {\nvoid B::f(int x) const {\n" + std::string(lines - 2, '\n') + "}\n}\n";
  };
  CHECK(passes(check_function_length({"lib/a.cpp", function(70)})));
  CHECK_FALSE(passes(check_function_length({"lib/a.cpp", function(71)})));
  CHECK_FALSE(passes(check_function_length(
      {"lib/a.cpp", "struct A {\n int f() {" + std::string(71, '\n') + "}\n};"})));
  CHECK(passes(check_function_length({"tests/a.cpp", function(71)})));
  CHECK_FALSE(passes(check_function_length(
      {"lib/a.cpp", "TEST_CASE(\"a {\") { // {\n" + std::string(70, '\n') + "}"})));
  // A class may be longer, and so may a table.
  CHECK(passes(
      check_function_length({"lib/a.cpp", "struct A : B {\n" + std::string(71, '\n') +
                                              "};\nint a[] = {" + std::string(71, '\n') + "};"})));
  CHECK(problems_of_all(check_function_length) == "");
}

TEST_CASE("a class is defined once") {
  const File a{"lib/a.hpp", "namespace t::m {\nstruct Refusal {};\n}\n"};
  const auto with = [&](const std::string& text) { return check_names({a, {"lib/b.cpp", text}}); };
  CHECK_FALSE(passes(with("namespace t {\nnamespace m {\nclass Refusal final : public B {};\n}}")));
  CHECK_FALSE(passes(with("namespace t::m {\nenum class Refusal : int { a };\n}")));
  CHECK_FALSE(passes(with("namespace t::m {\ntemplate <class T>\nstruct Refusal {};\n}")));
  CHECK(passes(with("namespace t::n {\nstruct Refusal {};\n}")));
  CHECK(passes(with("namespace t::m {\nnamespace {\nstruct Refusal {};\n}}")));
  CHECK(passes(with("namespace t::m {\nstruct Other {\nstruct Refusal {};\n};}")));
  CHECK(passes(with("namespace t::m {\nstruct Refusal;\nvoid f(struct Refusal& r) {}\n}")));
  CHECK(joined(check_names(read_repository())) == "");
}

TEST_CASE("every source file is built or included") {
  const File meson{"lib/meson.build", "files('a.cpp', 'deep/b.cpp')"};
  const File a{"lib/a.cpp", "#include \"a.hpp\"\n#include \"lib/c.hpp\"\n"};
  const File b{"lib/deep/b.cpp", ""};
  CHECK(passes(check_dead_files({meson, a, b, {"lib/a.hpp", ""}, {"lib/c.hpp", ""}})));
  CHECK_FALSE(passes(check_dead_files({meson, a, {"lib/b.cpp", ""}})));
  CHECK_FALSE(passes(check_dead_files({meson, a, {"peer/a.cpp", ""}})));
  CHECK_FALSE(passes(check_dead_files({meson, a, {"peer/a.hpp", ""}})));
  const File script{"tests/install_test.sh", "build gate"};
  CHECK(passes(check_dead_files({script, {"examples/gate.cpp", ""}})));
  CHECK_FALSE(passes(check_dead_files({script, {"examples/master.cpp", ""}})));
  CHECK_FALSE(passes(check_dead_files({script, {"peer/gate.cpp", ""}})));
  CHECK(joined(check_dead_files(read_repository())) == "");
}
