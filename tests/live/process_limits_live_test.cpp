// Processes that may not have what a peer needs: an error names the limit, where libraries would
// end the process.
#include <cstddef>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "peer/io/descriptor.hpp"
#include "tests/live/forked.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/sanitized.hpp"
#include "tidegate/gate.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

void limit(decltype(RLIMIT_NOFILE) resource, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(resource, &both);
}

std::string started(const Options& options) {
  const auto peer = Peer::start(options);
  return peer ? "started" : peer.error().message;
}

// Of this process, in bytes.
rlim_t address_space() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

// Of the address space, for good. Past the allocator: that has blocks left of what ran before in
// this process, and gives whole heaps back with the last of them.
void take_all_but(std::size_t spare) {
  const auto take = [] {
    return mmap(nullptr, mebibyte, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  std::vector<void*> taken;
  taken.reserve(100'000);
  for (auto* piece = take(); piece != MAP_FAILED; piece = take()) taken.push_back(piece);
  for (std::size_t given = 0; given < spare; given += mebibyte) {
    munmap(taken.back(), mebibyte);
    taken.pop_back();
  }
}

bool has(const std::string& text, const char* part) {
  CAPTURE(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a process whose files are nearly used up is told so by start, not by an abort" *
          doctest::skip(sanitized)) {
  const auto options = private_mesh();
  const auto said = in_child([&] {
    limit(RLIMIT_NOFILE, 300);
    std::vector<io::Descriptor> open;
    while (open.emplace_back(::open("/dev/null", O_RDONLY))) {
    }
    std::string all;
    for (int spare = 0; spare <= 60; spare += 5) {
      all += started(options) + "\n";
      if (spare == 0) {
        const auto gate = DatabaseGate::open({.database = "host=/nowhere"});
        all += (gate ? "opened" : gate.error().message) + "\n";
      }
      for (int i = 0; i < 5; ++i) open.pop_back();
    }
    for (int i = 0; i < 60; ++i) open.pop_back();
    return all + started(options);
  });
  has(said, "the limit of open files is 300 (RLIMIT_NOFILE)");
  has(said, " more files can be opened, and 64 are needed");
  CHECK(said.find("opened\n") == std::string::npos);
  CHECK(said.ends_with("started"));
  CHECK(said.find("started") == said.size() - 7);
}

TEST_CASE("a user who may start no other thread is told so by start, not by an abort") {
  if (getuid() != 0) return;  // another user is needed, whose other processes don't count
  const auto options = private_mesh();
  const auto said = in_child([&] {
    constexpr uid_t nobody = 54'321;
    if (setgid(nobody) != 0 || setuid(nobody) != 0) return std::string("no other user");
    limit(RLIMIT_NPROC, 3);
    const auto few = started(options);
    limit(RLIMIT_NPROC, 1);
    return few + "\n" + started(options);
  });
  has(said, "the limit of processes and threads of this user is 3 (RLIMIT_NPROC)");
  has(said, "the limit of processes and threads of this user is 1 (RLIMIT_NPROC)");
}

TEST_CASE("a process without memory for a peer is told so by start, not by an abort" *
          doctest::skip(sanitized)) {
  const auto options = private_mesh();
  for (const std::size_t spare : {std::size_t{1}, std::size_t{4}, std::size_t{12}}) {
    CAPTURE(spare);
    const auto said = in_child([&] {
      // The library gives back what it keeps of the stacks of earlier threads above its own limit.
      std::thread([] {}).join();
      limit(RLIMIT_AS, address_space() + 32 * mebibyte);
      take_all_but(spare * mebibyte);
      return started(options);
    });
    has(said, "(RLIMIT_AS)");
  }
}
