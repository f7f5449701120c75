// A soak of some seconds, so that it never rots: it ends well and leaves nothing.
#include <chrono>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/mesh.hpp"
#include "tests/paths.hpp"

using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

struct Outcome {
  int status = -1;
  std::string said;
};

Outcome soak(const TemporaryDirectory& scratch, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TIDEGATE_SOAK);
  Process process({.arguments = std::move(arguments),
                   .environment = {{"TEST_SCRATCH", scratch.path()}},
                   .output = Stream::pipe,
                   .errors = Stream::merge});
  Outcome outcome;
  while (const auto line = process.read_line(200s)) outcome.said += *line + "\n";
  if (const auto exit = process.wait(10s)) outcome.status = exit->status;
  return outcome;
}

}  // namespace

TEST_CASE("a soak of some seconds finds nothing and leaves nothing" * long_test) {
  const TemporaryDirectory scratch("t");
  const auto outcome = soak(scratch, {"--minutes", "0.3", "--seed", "7", "--peers", "5"});
  CAPTURE(outcome.said);
  CHECK(outcome.status == 0);
  CHECK(outcome.said.find("\nstale reads                       0\n") != std::string::npos);
  CHECK(outcome.said.find("All went as it must.") != std::string::npos);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("a soak names all options that are wrong at once") {
  const TemporaryDirectory scratch("t");
  const auto outcome = soak(scratch, {"--minutes", "soon", "--peers", "1"});
  CHECK(outcome.status == 2);
  CHECK(outcome.said.find("--minutes") != std::string::npos);
  CHECK(outcome.said.find("--peers") != std::string::npos);
}
