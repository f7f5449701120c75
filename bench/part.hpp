// A process of a run, as the bench sees it: this program again, as a worker. It does its part and
// says so, line by line: a word, and perhaps numbers behind it.
#pragma once

#include <chrono>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"

namespace tidegate::bench {

class Part {
 public:
  Part(const std::string& program, std::vector<std::string> arguments)
      : process_(command(program, std::move(arguments))) {}

  // The text behind the word, which must be the next that it says. Throws with its own complaint if
  // it has one.
  std::istringstream expect(const std::string& word, Duration bound) {
    const auto line = process_.read_line(bound);
    if (line && line->starts_with(word)) return std::istringstream(line->substr(word.size()));
    const auto complaint = process_.read_error_line(std::chrono::milliseconds(100));
    if (complaint) throw std::runtime_error(*complaint);
    throw std::runtime_error(line ? "a process said '" + *line + "'"
                                  : "a process did not say '" + word + "' in time");
  }

  // Whether it says something, or ends, within `bound`.
  [[nodiscard]] bool speaks(Duration bound) const {
    return testing::readable(process_.output(), bound);
  }

  void tell(const std::string& word) { process_.write(word + "\n"); }

  // It leaves when its input ends.
  void dismiss() { process_.close_input(); }
  void wait_for_end() { process_.wait(std::chrono::seconds(5)); }

 private:
  static testing::Command command(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program, "worker"});
    return {.arguments = std::move(arguments),
            .input = testing::Stream::pipe,
            .output = testing::Stream::pipe,
            .errors = testing::Stream::pipe};
  }

  testing::Process process_;
};

inline void end(const std::vector<Part*>& parts) {
  for (auto* part : parts) part->dismiss();
  for (auto* part : parts) part->wait_for_end();
}

}  // namespace tidegate::bench
