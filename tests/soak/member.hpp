// A member of the mesh: a process of its own with a peer, which looks for the row of every message
// that it is told of, records all, and, if it is a writer, writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::soak {

struct MemberPlan {
  std::string journal;  // a path
  std::string record;   // the path of the peer's own record; "": none
  std::string mesh;
  std::uint16_t beacon_port = 0;
  std::string interface;
  std::string name;     // of the peer, the same in each of its lives
  std::string life;     // unlike any other of this run
  std::string server;   // that it reads
  std::string primary;  // where it writes; "": it does not write
  std::uint64_t seed = 0;
  bool own_thread = true;  // for the peer's loop

  // As the arguments of a process, and back.
  [[nodiscard]] std::vector<std::string> to_arguments() const;
  static MemberPlan from_arguments(const std::vector<std::string>& arguments);
};

// A line "quiet" on the standard input ends its writing, the end of the input its life. Returns an
// exit status.
int run_member(const MemberPlan& plan);

}  // namespace tidegate::soak
