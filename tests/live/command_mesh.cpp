#include "tests/live/command_mesh.hpp"

#include <doctest/doctest.h>

#include "support/port.hpp"
#include "tests/paths.hpp"

namespace tidegate::testing {

CommandMesh::CommandMesh() : directory_("command"), beacon_port_(support::unused_port()) {
  std::filesystem::create_directory(sockets());
}

support::Command CommandMesh::command(const Arguments& arguments) const {
  support::Command command;
  command.arguments = {TIDEGATE_COMMAND};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.environment = {{"RUNTIME_DIRECTORY", sockets().string()},
                         {"TIDEGATE_MESH", "command-" + std::to_string(beacon_port_)},
                         {"TIDEGATE_BEACON_PORT", std::to_string(beacon_port_)}};
  command.input = support::Stream::pipe;
  command.output = support::Stream::pipe;
  command.errors = support::Stream::pipe;
  return command;
}

support::Process CommandMesh::start(const Arguments& arguments) const {
  return support::Process(command(arguments));
}

Ran CommandMesh::run(const Arguments& arguments, const std::string& input) const {
  return finish(start(arguments), input);
}

Ran CommandMesh::finish(support::Process process, const std::string& input) {
  if (!input.empty()) process.write(input);
  process.close_input();
  Ran ran;
  while (const auto line = process.read_line(command_bound)) ran.output += *line + "\n";
  while (const auto line = process.read_error_line(command_bound)) ran.errors += *line + "\n";
  const auto exit = process.wait(command_bound);
  if (exit) ran.status = exit->status;
  return ran;
}

CommandPair::CommandPair(const CommandMesh& mesh)
    : a(mesh.start({"peer", "--name", "a"})), b(mesh.start({"peer", "--name", "b"})) {
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
}

json wait_for(support::Process& process, const std::function<bool(const json&)>& wanted) {
  std::string seen;
  while (const auto line = process.read_line(command_bound)) {
    auto parsed = json::parse(*line);
    if (wanted(parsed)) return parsed;
    seen += *line + "\n";
  }
  FAIL("the line did not come; seen: " << seen);
  return {};
}

json wait_for(support::Process& process, const std::string& type) {
  return wait_for(process, [&](const json& line) { return line["type"] == type; });
}

std::string wait_for_log(support::Process& process, const std::string& part) {
  std::string seen;
  const auto end = std::chrono::steady_clock::now() + command_bound;
  while (const auto line = process.read_error_line(command_bound)) {
    if (std::chrono::steady_clock::now() > end) break;
    if (line->find(part) != std::string::npos) return *line;
    seen += *line + "\n";
  }
  FAIL("'" << part << "' was not logged; seen: " << seen);
  return {};
}

int ended(support::Process& process) {
  const auto exit = process.wait(command_bound);
  REQUIRE(exit.has_value());
  return exit->status;
}

bool lacks(const std::string& text, const std::string& part) {
  return text.find(part) == std::string::npos;
}

}  // namespace tidegate::testing
