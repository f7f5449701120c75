// A child process that can't outlive us, whatever happens: the destructor kills it, and the kernel
// does when we crash or are killed (PR_SET_PDEATHSIG). A shell and `trap` were rejected: nobody
// runs the trap of a killed shell.
//
// The kernel looks at the *thread* that started the child: start children from a thread that stays
// until they have ended. A child is in a process group of its own, so that Ctrl-C reaches us alone
// and we decide in which order things end. No function here may be called by two threads at a time.
#pragma once

#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "peer/io/descriptor.hpp"
#include "tidegate/time.hpp"

namespace tidegate::support {

enum class Stream {
  inherit,  // ours
  null,     // /dev/null
  pipe,     // for write() and read_line()
  merge,    // only for errors: wherever the output goes
};

struct Command {
  std::vector<std::string> arguments;              // the first one is the program, found by PATH
  std::map<std::string, std::string> environment;  // in addition to ours
  std::string user;                                // becomes this user if we are root; "": stays
  std::filesystem::path directory;                 // to start in; "": ours
  Stream input = Stream::null;
  Stream output = Stream::inherit;
  Stream errors = Stream::inherit;
  std::filesystem::path log;   // if not empty, both outputs are appended to this file instead
  int death_signal = SIGKILL;  // what it gets when we die
};

// How a process ended.
struct Exit {
  int status = 0;  // of exit(), or 128 + the signal's number as in a shell

  [[nodiscard]] bool success() const { return status == 0; }
};

class Process {
 public:
  // Throws std::runtime_error when the program can't be started.
  explicit Process(const Command& command);
  Process(Process&&) = default;
  Process& operator=(Process&&) = delete;
  ~Process();  // kills it if it still runs, and waits for its end

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running() { return !wait(Duration::zero()).has_value(); }

  // Nothing happens when it has ended already.
  void send(int signal);
  // Waits at most `bound`; nullopt when it still runs then.
  std::optional<Exit> wait(Duration bound);
  // SIGTERM, and SIGKILL when it has not ended within `bound`.
  Exit terminate(Duration bound);

  // The next line of its output without the newline; nullopt when none came within `bound` or the
  // output has ended. Needs Stream::pipe.
  [[nodiscard]] std::optional<std::string> read_line(Duration bound) { return output_.line(bound); }
  [[nodiscard]] std::optional<std::string> read_error_line(Duration bound) {
    return errors_.line(bound);
  }
  // To wait for lines of several processes with poll(2); not open once the end was read.
  [[nodiscard]] const io::Descriptor& output() const { return output_.source; }
  // Throws when it no longer reads. Needs Stream::pipe.
  void write(const std::string& text);
  void close_input() { input_ = io::Descriptor(); }

 private:
  struct Lines {
    std::optional<std::string> line(Duration bound);

    io::Descriptor source;
    std::string buffer;
  };

  pid_t pid_ = -1;
  io::Descriptor handle_;  // pidfd: readable once the process has ended
  io::Descriptor input_;
  Lines output_;
  Lines errors_;
  std::optional<Exit> exit_;
};

// A handle of any process that becomes readable once the process has ended, even if nobody waits
// for it; not open when there is no such process.
[[nodiscard]] io::Descriptor watch_process(pid_t pid);

// The processes that one has started, or that were left to it; none when it is gone.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);

// Whether something can be read from it, or its end is reached, within `bound`.
[[nodiscard]] bool readable(const io::Descriptor& descriptor, Duration bound);

// Runs a command to its end. Throws std::runtime_error with all that it printed when it fails or
// takes longer than `bound`; returns what it printed otherwise.
std::string run(Command command, Duration bound);

}  // namespace tidegate::support
