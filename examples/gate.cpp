// The gate behind a job queue: each job comes with the position of the change that it needs.
//
//     gate DATABASE < jobs        a job is a line "postgres:7423456789012345678:1:0/3000060 what to
//     do"
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include <tidegate/gate.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  auto opened = tidegate::DatabaseGate::open({.database = argc > 1 ? argv[1] : ""});
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  auto& gate = **opened;

  for (std::string line; std::getline(std::cin, line);) {
    const auto space = line.find(' ');
    const auto position = tidegate::position_from_text(line.substr(0, space));
    if (!position || space == std::string::npos) {
      std::fprintf(stderr, "not a job: %s\n", line.c_str());
    } else if (!gate.hold(line.substr(space + 1), *position)) {
      std::fprintf(stderr, "too many jobs wait already\n");
    }
  }
  while (gate.held() > 0) {
    if (const auto job = gate.next(1s)) {
      if (job->visibility == tidegate::Visibility::visible)
        std::printf("%s\n", job->message.c_str());
    } else {
      std::fprintf(stderr, "%zu wait; %s\n", gate.held(), gate.trouble().c_str());
    }
  }
  return 0;
}
