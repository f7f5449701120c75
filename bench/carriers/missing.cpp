#include "bench/carriers/missing.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace tidegate::bench {

std::string find_program(const std::string& name) {
  const auto* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto program = std::filesystem::path(folder) / name;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

std::string missing_program(const std::string& name, const std::string& package) {
  if (!find_program(name).empty()) return "";
  return name + " is not installed (apt-get install " + package + ")";
}

Carrier without_library(std::string name, std::string title, const std::string& package) {
  auto reason = "built without its client library (apt-get install " + package +
                ", then meson setup --reconfigure)";
  return {.name = std::move(name),
          .title = std::move(title),
          .missing = [reason] { return reason; },
          .start = [reason](const std::filesystem::path&) -> std::unique_ptr<Broker> {
            throw std::runtime_error(reason);
          },
          .sender = [reason](const std::string&) -> std::unique_ptr<Sender> {
            throw std::runtime_error(reason);
          },
          .receiver = [reason](const std::string&) -> std::unique_ptr<Receiver> {
            throw std::runtime_error(reason);
          }};
}

std::string tidegate_program() {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& path : {here / "tidegate", here.parent_path() / "tidegate"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return find_program("tidegate");
}

}  // namespace tidegate::bench
