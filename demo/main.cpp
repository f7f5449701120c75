// tidegate-demo: shows on this machine what the gate does.
//
// The same program plays every part: without a part it is the reaper, which starts the stage,
// which starts a writer and two readers.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "demo/layout.hpp"
#include "demo/reader.hpp"
#include "demo/report.hpp"
#include "demo/stage.hpp"
#include "demo/writer.hpp"
#include "support/reaper.hpp"

namespace {

using namespace tidegate::demo;

constexpr auto* program = "/proc/self/exe";

// The parts are started by ourselves, so their arguments are what they have to be.
int run_part(const std::string& part, const std::vector<std::string>& arguments) {
  const auto text = [&](std::size_t index) { return arguments.at(index); };
  const auto number = [&](std::size_t index) { return std::stoi(arguments.at(index)); };
  if (part == "stage") {
    return run_stage(program, {number(0), std::chrono::milliseconds(number(1))});
  }
  const Mesh mesh{text(0), static_cast<std::uint16_t>(number(1))};
  if (part == "writer") return run_writer(mesh, text(2), number(3));
  return run_reader(mesh, text(2), text(3), text(4));
}

int as_part(const std::string& part, const std::vector<std::string>& arguments) {
  try {
    return run_part(part, arguments);
  } catch (const std::exception& error) {
    if (part == "stage") {
      std::cerr << "tidegate-demo: " << error.what() << "\n";
    } else {
      tell(Failed{error.what()});
    }
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty()) {
    const auto& part = arguments.front();
    if (part == "stage" || part == "writer" || part == "reader") {
      return as_part(part, {arguments.begin() + 1, arguments.end()});
    }
  }

  Settings settings;
  int delay = static_cast<int>(settings.delay.count());
  CLI::App app(wrapped("Shows what the gate does: a writer announces rows that it commits on a "
                       "primary, and two readers, one of them gated, look them up on a replica. "
                       "Everything runs in a temporary directory on this machine and is gone at "
                       "the end. The status is 0 if the gated reader could read every row, the "
                       "ungated one could not, and no announcement was lost."),
               "tidegate-demo");
  app.add_option("--rows", settings.rows, "rows to commit, about 30 a second")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--delay", delay, "milliseconds by which the replica applies commits late")
      ->capture_default_str()
      ->check(CLI::Range(0, 10000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  try {
    return tidegate::support::run_and_reap(
        "tidegate-demo", {program, "stage", std::to_string(settings.rows), std::to_string(delay)});
  } catch (const std::exception& error) {
    std::cerr << "tidegate-demo: " << error.what() << "\n";
    return 1;
  }
}
