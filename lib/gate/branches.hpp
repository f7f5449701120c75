// The branches on which the held messages lie, each with the number of runs that do.
//
// Mostly there is one, that of the server: then the order of the offsets is that of the log, and
// nothing can be decided before the first message is.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lib/gate/held.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::gate {

class Branches {
 public:
  void add(const Awaited& awaited);
  void remove(const Awaited& awaited);

  // The branches of such a message are known, or there are fewer than `most`.
  [[nodiscard]] bool take(const std::optional<Position>& own,
                          const std::optional<Position>& inherited, std::size_t most) const;

  // None lies on another history than the server's.
  [[nodiscard]] bool all_of(const Tide& tide) const;

 private:
  struct Counted {
    Branch branch;
    std::size_t count = 0;
  };
  void add(const Branch& branch);
  void remove(const Branch& branch);

  std::vector<Counted> all_;
};

}  // namespace tidegate::gate
