// The process in which an object was made. fork() copies the object without its threads and shares
// its descriptors, so in the child nothing of it may be used, and nothing let go that the parent
// still has: closing a connection would say goodbye in the parent's name.
//
// A process is told from its parent by a word of memory that the kernel empties in every child
// (MADV_WIPEONFORK): the question costs a load, on the way of every publish, where getpid() would
// be a system call.
#pragma once

#include <cstdint>
#include <memory>

namespace tidegate::io {

class Owner {
 public:
  Owner() : process_(present_process()) {}

  // False in a process that has come out of fork() since.
  [[nodiscard]] bool here() const { return process_ == present_process(); }

 private:
  static std::uint64_t present_process();

  std::uint64_t process_;
};

// Keeps it to the end of the process, and no destructor runs: for what belongs to another one.
void abandon(std::shared_ptr<void> object);

}  // namespace tidegate::io
