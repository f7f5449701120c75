// Runs the `tidegate` command as its users do: processes, pipes, signals, files. Each test has a
// mesh name, a beacon port and a place for sockets of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/support/contains.hpp"

namespace tidegate::testing {

inline constexpr Duration command_bound = std::chrono::seconds(20);  // of any single step
using Arguments = std::vector<std::string>;
using nlohmann::json;

// The output of a command that has finished.
struct Ran {
  int status = -1;
  std::string output;
  std::string errors;
};

class CommandMesh {
 public:
  CommandMesh();

  // Where its peers have their status sockets.
  [[nodiscard]] std::filesystem::path sockets() const { return directory_.path() / "run"; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

  // The settings come from the environment, so that the command lines are those of a user.
  [[nodiscard]] support::Command command(const Arguments& arguments) const;
  [[nodiscard]] support::Process start(const Arguments& arguments) const;
  [[nodiscard]] Ran run(const Arguments& arguments, const std::string& input = "") const;
  [[nodiscard]] static Ran finish(support::Process process, const std::string& input = "");

 private:
  support::TemporaryDirectory directory_;
  std::uint16_t beacon_port_;
};

// Two peers, "a" and "b", that have met.
struct CommandPair {
  explicit CommandPair(const CommandMesh& mesh);

  support::Process a;
  support::Process b;
};

// The next line of the output that is wanted; the others are skipped. Fails the test when none
// comes.
json wait_for(support::Process& process, const std::function<bool(const json&)>& wanted);
json wait_for(support::Process& process, const std::string& type);
std::string wait_for_log(support::Process& process, const std::string& part);

// The exit status; fails the test when it goes on.
int ended(support::Process& process);

[[nodiscard]] bool lacks(const std::string& text, const std::string& part);

}  // namespace tidegate::testing
