// docs/operations.md against the code.
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "lib/node/names.hpp"
#include "tests/paths.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::testing;

TEST_CASE("each kind of trouble stands in the guide for operators") {
  std::ifstream file(std::string(TIDEGATE_SOURCE_ROOT) + "/docs/operations.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [kind, name] : node::trouble_names) {
    CHECK(contains(text, "\n| `" + std::string(name) + "` | "));
  }
}
