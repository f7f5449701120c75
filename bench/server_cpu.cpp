#include "bench/server_cpu.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace tidegate::bench {
namespace {

namespace fs = std::filesystem;

// Field 4 of /proc/<pid>/stat; the name before it may hold anything but ends with the last ')'.
std::string parent(const fs::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  constexpr std::size_t state = 4;  // ") S "
  if (name_end == std::string::npos || line.size() < name_end + state) return "";
  const auto number = line.substr(name_end + state);
  return number.substr(0, number.find(' '));
}

double spent(const fs::path& process) {
  std::ifstream file(process / "schedstat");
  double nanoseconds = 0;
  file >> nanoseconds;
  return nanoseconds;
}

}  // namespace

double server_cpu(const support::Server& server) {
  const auto postmaster = std::to_string(server.pid());
  double sum = spent(fs::path("/proc") / postmaster);
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (parent(entry.path()) == postmaster) sum += spent(entry.path());
  }
  return sum;
}

}  // namespace tidegate::bench
