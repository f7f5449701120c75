#include "support/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidegate::support {
namespace {

using SteadyClock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::generic_category().message(error));
}

struct Pipe {
  io::Descriptor reading;
  io::Descriptor writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe", errno);
  return {io::Descriptor(ends[0]), io::Descriptor(ends[1])};
}

// A socket instead of a pipe: writing to a process that has gone is an error there, not a SIGPIPE.
Pipe make_input_pipe() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    fail("socketpair", errno);
  }
  return {io::Descriptor(ends[0]), io::Descriptor(ends[1])};
}

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

std::optional<User> find_user(const std::string& name) {
  if (name.empty() || ::geteuid() != 0) return std::nullopt;
  const auto* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) throw std::runtime_error("there is no user '" + name + "'");
  User user{entry->pw_uid, entry->pw_gid, std::vector<gid_t>(64)};
  auto count = static_cast<int>(user.groups.size());
  if (::getgrouplist(name.c_str(), user.gid, user.groups.data(), &count) < 0) count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> result;
  for (auto** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!additions.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : additions) result.push_back(name + "=" + value);
  return result;
}

// All that the child needs between fork and exec, where nothing may allocate: another thread may
// have held the allocator's lock when we forked.
struct Launch {
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const User* user = nullptr;       // nullptr: stays
  const char* directory = nullptr;  // nullptr: stays
  std::array<int, 3> streams{};     // -1: inherits
  int death_signal = 0;
  pid_t parent = 0;
  int report = -1;  // takes a Failure; closed by exec
};

struct Failure {
  std::array<char, 16> step{};
  int error = 0;
};

[[noreturn]] void give_up(int report, const char* step) {
  Failure failure{{}, errno};
  std::strncpy(failure.step.data(), step, failure.step.size() - 1);
  [[maybe_unused]] const auto ignored = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

[[noreturn]] void become(Launch launch) {
  // Out of the way of 0, 1 and 2, which are free when our own standard streams are closed.
  launch.report = ::fcntl(launch.report, F_DUPFD_CLOEXEC, 3);
  for (auto& stream : launch.streams) {
    if (stream >= 0) stream = ::fcntl(stream, F_DUPFD_CLOEXEC, 3);
  }
  for (int target = 0; target < 3; ++target) {
    const int source = launch.streams.at(static_cast<std::size_t>(target));
    if (source >= 0 && ::dup2(source, target) < 0) give_up(launch.report, "dup2");
  }
  if (::setpgid(0, 0) != 0) give_up(launch.report, "setpgid");
  if (launch.user != nullptr) {
    const auto& user = *launch.user;
    if (::setgroups(user.groups.size(), user.groups.data()) != 0 || ::setgid(user.gid) != 0 ||
        ::setuid(user.uid) != 0) {
      give_up(launch.report, "setuid");
    }
  }
  // After setuid, which clears it.
  if (::prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0) give_up(launch.report, "prctl");
  if (::getppid() != launch.parent) ::_exit(127);  // died before prctl: no signal will come
  if (launch.directory != nullptr && ::chdir(launch.directory) != 0) {
    give_up(launch.report, "chdir");
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::execvpe(launch.arguments[0], launch.arguments, launch.environment);
  give_up(launch.report, "exec");
}

}  // namespace

io::Descriptor watch_process(pid_t pid) {
  // Not by <sys/pidfd.h>, which forgets extern "C" in glibc 2.36.
  return io::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool readable(const io::Descriptor& descriptor, Duration bound) {
  const auto end = SteadyClock::now() + bound;
  for (;;) {
    pollfd entry{descriptor.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
    const auto timeout = std::clamp<std::int64_t>(left.count(), 0, INT_MAX);
    const int ready = ::poll(&entry, 1, static_cast<int>(timeout));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) fail("poll", errno);
    if (SteadyClock::now() >= end) return false;
  }
}

std::vector<pid_t> children_of(pid_t pid) {
  const auto id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

Process::Process(const Command& command) {
  auto arguments = command.arguments;
  auto environment = merged_environment(command.environment);
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const auto user = find_user(command.user);

  io::Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  io::Descriptor log;
  Pipe input;
  Pipe output;
  Pipe errors;
  Launch launch{argument_pointers.data(), environment_pointers.data(), user ? &*user : nullptr};
  launch.streams = {-1, -1, -1};
  auto& [in, out, err] = launch.streams;
  if (command.input == Stream::null) in = null.get();
  if (command.input == Stream::pipe) in = (input = make_input_pipe()).reading.get();
  if (command.output == Stream::null) out = null.get();
  if (command.output == Stream::pipe) out = (output = make_pipe()).writing.get();
  if (command.errors == Stream::null) err = null.get();
  if (command.errors == Stream::pipe) err = (errors = make_pipe()).writing.get();
  if (command.errors == Stream::merge) err = out >= 0 ? out : STDOUT_FILENO;
  if (!command.log.empty()) {
    log = io::Descriptor(
        ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log) fail("can't open " + command.log.string(), errno);
    out = err = log.get();
  }
  auto report = make_pipe();
  launch.report = report.writing.get();
  launch.directory = command.directory.empty() ? nullptr : command.directory.c_str();
  launch.death_signal = command.death_signal;
  launch.parent = ::getpid();

  pid_ = ::fork();
  if (pid_ < 0) fail("fork", errno);
  if (pid_ == 0) become(launch);
  handle_ = watch_process(pid_);
  report.writing = io::Descriptor();

  Failure failure;
  if (::read(report.reading.get(), &failure, sizeof failure) == sizeof failure) {
    ::waitpid(pid_, nullptr, 0);
    handle_ = io::Descriptor();
    fail("can't start " + command.arguments.front() + " (" + failure.step.data() + ")",
         failure.error);
  }
  input_ = std::move(input.writing);
  output_.source = std::move(output.reading);
  errors_.source = std::move(errors.reading);
}

Process::~Process() {
  if (!handle_ || exit_) return;
  send(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::send(int signal) {
  if (!exit_) ::kill(pid_, signal);  // not reaped yet, so the id is still its own
}

std::optional<Exit> Process::wait(Duration bound) {
  if (exit_ || !readable(handle_, bound)) return exit_;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) fail("waitpid", errno);
  exit_ = Exit{WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
  return exit_;
}

Exit Process::terminate(Duration bound) {
  send(SIGTERM);
  if (const auto exit = wait(bound)) return *exit;
  send(SIGKILL);
  return *wait(std::chrono::hours(1));
}

void Process::write(const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const auto count =
        ::send(input_.get(), text.data() + written, text.size() - written, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("can't write to process " + std::to_string(pid_), errno);
    written += static_cast<std::size_t>(count);
  }
}

std::optional<std::string> Process::Lines::line(Duration bound) {
  const auto end = SteadyClock::now() + bound;
  for (;;) {
    if (const auto newline = buffer.find('\n'); newline != std::string::npos) {
      auto result = buffer.substr(0, newline);
      buffer.erase(0, newline + 1);
      return result;
    }
    if (!source || !readable(source, end - SteadyClock::now())) return std::nullopt;
    std::array<char, 4096> chunk{};
    const auto count = ::read(source.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      source = io::Descriptor();
      if (buffer.empty()) return std::nullopt;
      buffer += '\n';  // a last line without a newline is a line
      continue;
    }
    buffer.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

std::string run(Command command, Duration bound) {
  command.output = Stream::pipe;
  command.errors = Stream::merge;
  const auto end = SteadyClock::now() + bound;
  Process process(command);
  std::string printed;
  while (const auto line = process.read_line(end - SteadyClock::now())) printed += *line + "\n";
  const auto exit = process.wait(end - SteadyClock::now());
  if (exit && exit->success()) return printed;

  std::string words;
  for (const auto& argument : command.arguments) words += argument + " ";
  throw std::runtime_error(
      words +
      (exit ? "ended with status " + std::to_string(exit->status) : std::string("took too long")) +
      "; it printed:\n" + printed);
}

}  // namespace tidegate::support
