// The parent's side of a program that starts itself again for each part that it plays: a child
// process that is told what to do by lines on its standard input, answers by lines on its standard
// output, and leaves when its input ends. Its own side is worker_input.hpp.
//
// Every failure is a std::runtime_error that begins with the name of the worker.
#pragma once

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "tidegate/time.hpp"

namespace tidegate::support {

class Worker {
 public:
  // `name` is for people: "the writer". `arguments`: the program first. With a `log`, all that it
  // prints is appended to that file instead, and none of its lines can be read here.
  Worker(std::string name, std::vector<std::string> arguments, std::filesystem::path log = {});

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Process& process() { return process_; }

  void tell(const std::string& line) { process_.write(line + "\n"); }
  // The next line that it has said; nullopt when none came within `bound` or it has left.
  [[nodiscard]] std::optional<std::string> line(Duration bound) {
    return process_.read_line(bound);
  }
  // The text behind `word` in its next line, which has to begin with that. Throws, with its
  // complaint if it has one, when it says something else or nothing within `bound`.
  std::istringstream expect(const std::string& word, Duration bound);
  // Whether it says something, or ends, within `bound`.
  [[nodiscard]] bool speaks(Duration bound) const { return readable(process_.output(), bound); }

  // Throws when it has ended: how, and what it said last. Without a log that is found out once all
  // of its lines have been read.
  void check();
  // It leaves when its input ends.
  void close_input() { process_.close_input(); }
  // Throws when it has not ended within `bound`, or not well.
  void wait_for_end(Duration bound);

 private:
  [[noreturn]] void fail(const Exit& exit);

  std::string name_;
  std::filesystem::path log_;
  Process process_;
};

// Returns when one of them has said something or has ended, or after `bound`.
void wait_for_lines(const std::vector<Worker*>& workers, Duration bound);

// Ends all of them: first they are all told to leave, then each has `bound` to do so.
void dismiss(const std::vector<Worker*>& workers, Duration bound);

}  // namespace tidegate::support
