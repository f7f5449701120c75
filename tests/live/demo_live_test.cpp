// The demo as somebody runs it: what it says, and that nothing of it is left.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/paths.hpp"

using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

constexpr auto longest_run = 60s;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Segments of System V shared memory that nobody is attached to: what a killed server leaves.
int forgotten_segments() {
  std::ifstream file("/proc/sysvipc/shm");
  std::string line;
  std::getline(file, line);  // the names of the columns
  int count = 0;
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string column;
    for (int number = 1; number <= 7; ++number) columns >> column;  // the seventh is `nattch`
    if (column == "0") ++count;
  }
  return count;
}

// A demo with a scratch directory of its own. A process that it leaves behind becomes our child.
class Demo {
 public:
  explicit Demo(std::vector<std::string> arguments) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    arguments.insert(arguments.begin(), TIDEGATE_DEMO);
    process_.emplace(Command{.arguments = std::move(arguments),
                             .environment = {{"TEST_SCRATCH", scratch_.path()}},
                             .output = Stream::pipe,
                             .errors = Stream::merge});
  }
  ~Demo() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  // Reads on until a line holds `words`.
  bool says(const std::string& words) {
    while (const auto line = process_->read_line(longest_run)) {
      said_ += *line + "\n";
      if (line->find(words) != std::string::npos) return true;
    }
    return false;
  }

  // The exit status; all that it has said to its end is in said().
  int end() {
    while (const auto line = process_->read_line(longest_run)) said_ += *line + "\n";
    const auto exit = process_->wait(longest_run);
    return exit ? exit->status : -1;
  }

  // The line of the final table that begins so, without its blanks at the columns.
  [[nodiscard]] std::vector<std::string> figures(const std::string& label) const {
    const auto at = said_.find("\n" + label);
    if (at == std::string::npos) return {};
    const auto line = said_.substr(at + 1, said_.find('\n', at + 1) - at - 1);
    REQUIRE(line.size() > 60);
    const auto trimmed = [](const std::string& text) {
      return text.substr(text.find_first_not_of(' '));
    };
    return {trimmed(line.substr(42, 18)), trimmed(line.substr(60))};
  }

  [[nodiscard]] bool left_nothing() const {
    return std::filesystem::is_empty(scratch_.path()) && children_of(::getpid()) == children_ &&
           forgotten_segments() == segments_;
  }

  // The process somewhere below us whose arguments hold `words`.
  [[nodiscard]] std::optional<pid_t> find(const std::string& words) const {
    std::vector<pid_t> below = {process_->pid()};
    for (std::size_t index = 0; index < below.size(); ++index) {
      auto arguments = read_file("/proc/" + std::to_string(below[index]) + "/cmdline");
      std::replace(arguments.begin(), arguments.end(), '\0', ' ');
      if (arguments.find(words) != std::string::npos) return below[index];
      const auto children = children_of(below[index]);
      below.insert(below.end(), children.begin(), children.end());
    }
    return std::nullopt;
  }

  void send(int signal) { process_->send(signal); }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  // A short name: the demo's servers have sockets below, whose paths have a bound.
  TemporaryDirectory scratch_{"t"};
  std::vector<pid_t> children_ = children_of(::getpid());
  int segments_ = forgotten_segments();
  std::optional<Process> process_;
  std::string said_;
};

}  // namespace

TEST_CASE("a small demo shows the race without the gate, none with it, and leaves nothing") {
  Demo demo({"--rows", "60", "--delay", "500"});
  const int status = demo.end();
  CAPTURE(demo.said());
  CHECK(status == 0);
  using Columns = std::vector<std::string>;
  CHECK(demo.figures("announcements received") == Columns{"60", "60"});
  // Without the gate a message is early unless this machine stood still for the apply delay.
  const auto early = demo.figures("arrived before the row was readable");
  REQUIRE(early.size() == 2);
  CHECK(std::stoi(early[0]) > 30);
  CHECK(early[1] == "0 of 60");
  CHECK(demo.figures("lost") == Columns{"0", "0"});
  CHECK(demo.said().find('\x1b') == std::string::npos);
  CHECK(demo.left_nothing());
}

TEST_CASE("a demo that is interrupted ends and leaves nothing, while the servers are made too") {
  struct Interruption {
    std::string moment;
    int signal;
  };
  for (const auto& way :
       {Interruption{"A writer commits", SIGINT}, Interruption{"rows committed", SIGINT},
        Interruption{"rows committed", SIGTERM}}) {
    CAPTURE(way.moment);
    Demo demo({});
    REQUIRE(demo.says(way.moment));
    const auto begin = std::chrono::steady_clock::now();
    demo.send(way.signal);
    CHECK(demo.end() == 128 + way.signal);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(demo.said().find("interrupted") != std::string::npos);
    CHECK(demo.left_nothing());
  }
}

TEST_CASE("a demo of which a part is killed says which one and leaves nothing") {
  struct Death {
    std::string part;  // a word of its command line
    std::string words;
  };
  for (const auto& death :
       {Death{" gated ", "the gated reader was killed by signal 9"},
        Death{"replica/data", "the replica has ended"},
        Death{" stage ", "killed by signal 9; all that it had started is gone"}}) {
    CAPTURE(death.part);
    Demo demo({});
    REQUIRE(demo.says("rows committed"));
    const auto pid = demo.find(death.part);
    REQUIRE(pid);
    ::kill(*pid, SIGKILL);
    CHECK(demo.end() != 0);
    CAPTURE(demo.said());
    CHECK(demo.said().find(death.words) != std::string::npos);
    CHECK(demo.left_nothing());
  }
}

TEST_CASE("a demo refuses settings that it can't meet") {
  Demo demo({"--rows", "0"});
  CHECK(demo.end() == 2);
  CHECK(demo.said().find("--rows") != std::string::npos);
}
