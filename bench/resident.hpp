// The memory of this process that is in the machine's, to see whether it grows in a run.
#pragma once

#include <cstdint>
#include <fstream>

#include <unistd.h>

namespace tidegate::bench {

// Bytes.
[[nodiscard]] inline std::int64_t resident() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t pages = 0;
  file >> size >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

}  // namespace tidegate::bench
