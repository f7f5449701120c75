// Work in a child process of its own: for what would change this one, such as limits, handlers of
// signals, and fork() itself.
#pragma once

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "peer/io/descriptor.hpp"
#include "support/process.hpp"
#include "tidegate/time.hpp"

namespace tidegate::testing {

// Forks; the child does the work and ends without a destructor of ours. Not for checks of doctest,
// which would count in the child: so the work answers with a text.
inline pid_t fork_to(const std::function<int()>& work) {
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::_exit(work());
}

// The text that the work in a child gives, or how the child ended: it is killed after the bound.
inline std::string in_child(const std::function<std::string()>& work,
                            Duration bound = std::chrono::seconds(60)) {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const pid_t child = fork_to([&] {
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {
      text = std::string("exception: ") + error.what();
    }
    return ::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0;
  });
  ::close(ends[1]);
  const io::Descriptor output(ends[0]);
  std::string text;
  if (!support::readable(output, bound)) {
    ::kill(child, SIGKILL);
    text = "took too long; ";
  }
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(output.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) text += "ended by signal " + std::to_string(WTERMSIG(status));
  return text;
}

}  // namespace tidegate::testing
