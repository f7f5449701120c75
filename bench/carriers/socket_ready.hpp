// Waiting for a socket to the microsecond, for libraries that leave the loop to us.
#pragma once

#include <algorithm>
#include <ctime>

#include <poll.h>

#include "peer/io/clock.hpp"

namespace tidegate::bench {

// `events`: POLLIN, POLLOUT or both. False when none of them has come until then; asks once if
// that has passed. An error counts as true: the next use of the socket meets it.
inline bool socket_ready(int socket, int events, Instant until) {
  for (;;) {
    pollfd entry{socket, static_cast<short>(events), 0};
    const auto left =
        std::max(std::chrono::nanoseconds::zero(),
                 std::chrono::duration_cast<std::chrono::nanoseconds>(until - io::clock_now()));
    const timespec bound{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    if (::ppoll(&entry, 1, &bound, nullptr) > 0) return true;
    if (io::clock_now() >= until) return false;
  }
}

}  // namespace tidegate::bench
