#include "peer/io/headroom.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "peer/io/descriptor.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::io {
namespace {

std::string value_of(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return "unknown";
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
}

std::optional<Error> lacks_descriptors(int wanted) {
  std::vector<Descriptor> tried;
  for (int i = 0; i < wanted; ++i) {
    if (!tried.emplace_back(eventfd(0, EFD_CLOEXEC))) {
      return Error{"only " + std::to_string(i) + " more files can be opened, and " +
                   std::to_string(wanted) + " are needed; the limit of open files is " +
                   value_of(RLIMIT_NOFILE) +
                   " (RLIMIT_NOFILE): raise it with ulimit -n or LimitNOFILE=, or close some"};
    }
  }
  return std::nullopt;
}

// Threads that are all there at once.
std::optional<Error> lacks_threads(int wanted) {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::vector<std::thread> tried;
  std::optional<Error> error;
  const SignalsBlocked blocked;
  for (int i = 0; i < wanted && !error; ++i) {
    try {
      tried.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return over; });
      });
    } catch (const std::system_error&) {
      error = Error{no_thread_left()};
    }
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  for (auto& thread : tried) thread.join();
  return error;
}

// Past the allocator, which would keep other pages than before for ever after.
std::optional<Error> lacks_memory(std::size_t wanted) {
  if (wanted == 0) return std::nullopt;
  auto* tried = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (tried != MAP_FAILED) {
    munmap(tried, wanted);
    return std::nullopt;
  }
  return Error{"there is no memory for another " + std::to_string(wanted >> 20U) +
               " MiB; the limit of the address space is " + value_of(RLIMIT_AS) +
               " bytes (RLIMIT_AS): raise it with ulimit -v or LimitAS="};
}

}  // namespace

std::optional<Error> lacks(const Headroom& wanted) {
  if (auto error = lacks_descriptors(wanted.descriptors)) return error;
  if (auto error = lacks_threads(wanted.threads)) return error;
  return lacks_memory(wanted.bytes);
}

std::string no_thread_left() {
  return "no other thread can be started; the limit of processes and threads of this user is " +
         value_of(RLIMIT_NPROC) + " (RLIMIT_NPROC), that of the address space " +
         value_of(RLIMIT_AS) +
         " bytes (RLIMIT_AS): raise them with ulimit -u and -v, LimitNPROC= and LimitAS=, or "
         "TasksMax= of the service";
}

}  // namespace tidegate::io
