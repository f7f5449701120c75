// The inputs of a target that the tests know: the good ones, those that a fuzzer has found, which
// lie in tests/fuzz/corpus, and changed ones of both.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lib/base/random.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/paths.hpp"

namespace tidegate::fuzz {

inline std::vector<std::string> corpus_of(const Target& target) {
  auto inputs = target.seeds();
  const auto folder =
      std::filesystem::path(TIDEGATE_SOURCE_ROOT) / "tests/fuzz/corpus" / target.name;
  if (!std::filesystem::is_directory(folder)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// With some bytes changed, cut, repeated, or taken from another input.
inline std::string changed(std::string input, const std::string& other, base::Random& random) {
  for (auto edits = 1 + random.below(4); edits > 0; --edits) {
    const auto at = random.below(input.size() + 1);
    switch (random.below(5)) {
      case 0:
        input.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      case 1:
        input.erase(at, random.below(8));
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(random.below(256));
        break;
      case 3:
        input.insert(at, input.substr(0, random.below(64)));
        break;
      default:
        input.insert(at, other.substr(random.below(other.size() + 1), random.below(32)));
    }
  }
  return input;
}

}  // namespace tidegate::fuzz
