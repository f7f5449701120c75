// Prints the names of the targets, or writes the good inputs that each begins with into a folder
// of its name.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/targets.hpp"

int main(int count, char** arguments) {
  for (const auto& target : tidegate::fuzz::targets()) {
    if (count == 1) {
      std::printf("%s\n", std::string(target.name).c_str());
      continue;
    }
    const auto folder = std::filesystem::path(arguments[1]) / target.name;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const auto& seed : target.seeds()) {
      std::ofstream(folder / ("seed-" + std::to_string(++number)), std::ios::binary) << seed;
    }
  }
}
