#include "peer/io/owner.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace tidegate::io {
namespace {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);

// Null where the kernel can't do it.
Word* make_wiped_word() {
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, size, MADV_WIPEONFORK) == 0) return new (page) Word(0);
  munmap(page, size);
  return nullptr;
}

}  // namespace

// A number that no process above this one has had: the last one that was given is inherited.
std::uint64_t Owner::present_process() {
  static Word* const word = make_wiped_word();
  if (word == nullptr) return static_cast<std::uint64_t>(getpid());
  auto number = word->load(std::memory_order_relaxed);
  if (number != 0) [[likely]]
    return number;
  static Word last_given = 0;
  const auto mine = last_given.fetch_add(1) + 1;
  return word->compare_exchange_strong(number, mine) ? mine : number;
}

void abandon(std::shared_ptr<void> object) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<void>>;  // reachable, for leak checkers
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(object));
}

}  // namespace tidegate::io
