// What a worker needs to play its part: words on its standard input, and what it has cost.
#pragma once

#include <cstdint>
#include <iostream>
#include <string>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

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

// Of this process, since its start.
inline std::int64_t cpu_microseconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto time = [](const timeval& t) { return t.tv_sec * 1'000'000 + t.tv_usec; };
  return time(usage.ru_utime) + time(usage.ru_stime);
}

}  // namespace tidegate::bench
