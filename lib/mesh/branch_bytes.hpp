// A branch on the wire: the kind of server (1 byte), the
// cluster (8), and for each timeline of the history its number (4), begin (8) and promotion (8);
// big-endian. It is one string of bytes, so that a branch that was read before is known by them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/limits.hpp"
#include "tidegate/position.hpp"

namespace tidegate::mesh {

[[nodiscard]] std::size_t branch_size(const Branch& branch);
// To so many bytes of memory.
void write_branch(const Branch& branch, char* to);

// The branches that were read last. Nearly every frame brings one of them again, and so all its
// messages, and those of the frames before and after, share one copy of the history.
class KnownBranches {
 public:
  // None, if the bytes are no branch. Valid as long as the branches of one
  // frame are read (limits::frame_branches).
  [[nodiscard]] const Branch* read(std::string_view bytes);

 private:
  struct Known {
    std::string bytes;
    Branch branch;
    std::uint64_t read_at = 0;  // of the calls, the one that read it last
  };
  std::array<Known, 2 * base::limits::frame_branches> known_;
  std::uint64_t calls_ = 0;
};

}  // namespace tidegate::mesh
