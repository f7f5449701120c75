// How much memory a process had more at its worst moment than when the watch began.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>

#include <sys/types.h>

namespace tidegate::testing {

class MemoryWatch {
 public:
  explicit MemoryWatch(pid_t pid) : pid_(pid) {
    std::ofstream("/proc/" + std::to_string(pid) + "/clear_refs") << "5";  // resets the worst
    before_ = bytes("VmRSS:");
  }
  [[nodiscard]] std::size_t grown() const {
    const auto most = bytes("VmHWM:");
    return most - std::min(most, before_);
  }

 private:
  [[nodiscard]] std::size_t bytes(const std::string& kind) const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(kind)) return std::stoul(line.substr(kind.size())) * 1024;
    }
    return 0;
  }

  pid_t pid_;
  std::size_t before_ = 0;
};

}  // namespace tidegate::testing
