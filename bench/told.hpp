// The tools of a worker: words on its standard input, and the processor time that it has used.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "bench/carrier.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::bench {

// The next word, waited for; "" when the input has ended.
inline std::string told() {
  std::string line;
  std::getline(std::cin, line);
  return line;
}

// Whether there is one, or the end.
inline bool something_told() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

// Lets the system work until there is a word.
inline void rest_until_told(Sender& sender) {
  while (!something_told()) {
    sender.rest(io::clock_now() + std::chrono::milliseconds(20));
    sender.flush();
  }
}

// Of the processor, by this process, since its start.
inline std::int64_t cpu_nanoseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace tidegate::bench
