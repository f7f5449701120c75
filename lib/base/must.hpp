// A check that stays on in every build: a broken invariant is a bug, and a bug ends the process
// before it can deliver something early or lose something silently.
//
// Use it only for what the code itself guarantees. A mistake of a caller or of the network is
// a returned value (result.hpp), never a must.
#pragma once

#include <cstdio>
#include <cstdlib>

#define TIDEGATE_MUST(condition)                                     \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::tidegate::base::must_failed(#condition, __FILE__, __LINE__); \
    }                                                                \
  } while (false)

namespace tidegate::base {

// The last words of a dying process are the one thing that this layer may print.
[[noreturn]] inline void must_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tidegate: bug: '%s' does not hold at %s:%d; please report it\n", condition,
               file, line);
  std::abort();
}

}  // namespace tidegate::base
