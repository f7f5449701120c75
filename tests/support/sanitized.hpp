// Whether a sanitizer watches the tests. Those that take memory or all open files away from a
// process are left out then: the sanitizer needs both, and ends the process.
#pragma once

#include <cstddef>
#include <limits>

namespace tidegate::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

// The bound for the growth of a process. A sanitizer keeps what was freed, to tell later uses, and
// so grows with all that was ever allocated: beside it there is none.
constexpr std::size_t memory_bound(std::size_t bytes) {
  return sanitized ? std::numeric_limits<std::size_t>::max() : bytes;
}

}  // namespace tidegate::testing
