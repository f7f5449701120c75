// One target under libFuzzer; TIDEGATE_FUZZ names it. ./dev fuzz runs them all.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/targets.hpp"

namespace {

const tidegate::fuzz::Target* chosen_target() {
  const char* name = std::getenv("TIDEGATE_FUZZ");
  for (const auto& target : tidegate::fuzz::targets()) {
    if (name != nullptr && target.name == name) return &target;
  }
  std::fputs("TIDEGATE_FUZZ names no target; they are the folders in tests/fuzz/corpus\n", stderr);
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto* target = chosen_target();
  target->read(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
