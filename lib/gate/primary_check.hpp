// Whether the server where positions are asked for is the primary at all, as far as histories tell.
//
// A balancer may keep our session on an old primary that runs on, while the application writes to
// the server that was promoted in its place. The positions of the old one are not those of its
// changes: a message would be delivered too early, or be called orphaned though its row is
// everywhere. The old server can't tell, but others have seen the promotion:
//
// 1. The server that is read has come through the primary's present timeline and left it.
// 2. So has some position in the mesh: published or delivered here, or told by another peer.
//
// A failover may also be taken back: the old primary is started again, or an earlier state of it.
// When the server that is read has the primary's history and has gone past the place where the
// later one begins, it will never follow that: the later history is given up. An operator, who
// knows more, can give up all that speak against the primary.
#pragma once

#include <optional>
#include <vector>

#include "tidegate/position.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::gate {

class PrimaryCheck {
 public:
  // A position that exists somewhere. True: it names a history that was not known.
  bool seen(const Position& position);

  struct Objection {
    History history;         // later than the primary's
    bool of_server = false;  // of the server that is read; else of a position
  };
  // Why this server is no primary, if it is none. `tide`: of the server that is read.
  [[nodiscard]] std::optional<Objection> objection_to(const Branch& primary,
                                                      const std::optional<Tide>& tide);

  // Nothing that is known now speaks against the primary any longer.
  void trust(const Branch& primary, const std::optional<Tide>& tide);

  // The histories that were given up since the last call.
  [[nodiscard]] std::vector<History> take_given_up();

 private:
  [[nodiscard]] bool is_trusted_beyond(const History& history) const;

  struct Seen {
    Branch branch;
    bool given_up = false;
    bool by_operator = false;
  };

  std::vector<Seen> seen_;  // none is an ancestor of another one that was not given up
  std::vector<History> given_up_;
};

}  // namespace tidegate::gate
