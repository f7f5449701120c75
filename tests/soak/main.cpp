// tidegate-soak: a mesh under faults for minutes or hours, and nothing early, twice, out of order
// or lost without a word.
//
// The same program plays every part: without a part it is the reaper, which starts the stage,
// which starts the peers.
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "support/reaper.hpp"
#include "tests/soak/member.hpp"
#include "tests/soak/settings.hpp"
#include "tests/soak/stage.hpp"

namespace {

using namespace tidegate::soak;

// Not /proc/self/exe itself, which is somebody else's once nsenter runs it.
std::string program() { return std::filesystem::read_symlink("/proc/self/exe"); }

constexpr int broke = 3;  // the run itself, or a peer ended by itself

// The parts are started by ourselves, so their arguments are what they have to be.
int as_part(const std::vector<std::string>& arguments) {
  try {
    if (arguments[0] == "member") return run_member(MemberPlan::from_arguments(arguments));
    return run_stage(program(), {std::stod(arguments.at(1)), std::stoull(arguments.at(2)),
                                 std::stoi(arguments.at(3)), arguments.at(4)});
  } catch (const std::exception& error) {
    std::cerr << "tidegate-soak: " << error.what() << "\n";
    return broke;
  }
}

// Reads a number that has to be in a range; what is wrong is added to `problems`.
template <typename Number>
Number read(const std::string& option, const std::string& text, Number low, Number high,
            std::vector<std::string>& problems) {
  Number number{};
  if (!CLI::detail::lexical_cast(text, number) || !(number >= low && number <= high)) {
    std::ostringstream problem;
    problem << option << " is a number from " << low << " to " << high << ", not '" << text << "'";
    problems.push_back(problem.str());
  }
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments[0] == "stage" || arguments[0] == "member")) {
    return as_part(arguments);
  }

  std::string minutes = "1";
  std::string seed;
  std::string peers = "8";
  std::string records;
  CLI::App app(
      "Runs a mesh of peers beside a private primary and two replicas, and lets things go wrong:\n"
      "peers are killed and stopped, links cut, servers killed, replays paused, replicas "
      "promoted.\n"
      "Every delivery is looked up at once on the server that its peer reads. The status is 0 if\n"
      "nothing came early, twice, out of order or not at all, 1 if something did, 3 if the run\n"
      "itself broke. As root; without, no link is cut. All is gone at the end.",
      "tidegate-soak");
  app.add_option("--minutes", minutes, "how long things go wrong; may be a fraction")
      ->capture_default_str();
  app.add_option("--seed", seed, "which things; drawn and shown if not given");
  app.add_option("--peers", peers, "how many peers, half of which write, but no more than four")
      ->capture_default_str();
  app.add_option(
      "--records", records,
      "a directory that gets the records of the peers, which ./dev soak then holds against the "
      "model of docs/theory.md");
  app.footer("Example: ./dev soak --minutes 10 --seed 7");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  std::vector<std::string> problems;
  static_cast<void>(read("--minutes", minutes, 0.1, 10000.0, problems));
  static_cast<void>(read("--peers", peers, 2, most_peers, problems));
  if (seed.empty()) seed = std::to_string(std::random_device()() % 100000);
  static_cast<void>(read<std::uint64_t>("--seed", seed, 0, UINT64_MAX / 2000000, problems));
  for (const auto& problem : problems) std::cerr << "tidegate-soak: " << problem << "\n";
  if (!problems.empty()) return 2;

  try {
    return tidegate::support::run_and_reap("tidegate-soak",
                                           {program(), "stage", minutes, seed, peers, records});
  } catch (const std::exception& error) {
    std::cerr << "tidegate-soak: " << error.what() << "\n";
    return broke;
  }
}
