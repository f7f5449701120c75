// Which streams have a hole, and when their publishers should be asked for what is missing.
//
// A hole is young when it is noticed: what fills it may be on its way, and other receivers have
// noticed theirs in the same moment. So the first question waits a little, each receiver a
// different while. An answer that brought something is followed by the next question at once, one
// that brought nothing, or did not come, after a pause that doubles.
//
// Nobody gives up here: a hole closes when its messages come, when the publisher keeps them no
// longer, or when the publisher is gone.
#pragma once

#include <map>
#include <optional>

#include "lib/base/random.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

class CatchUp {
 public:
  explicit CatchUp(base::Random random) : random_(random) {}

  // The stream of this origin has a hole. Known already: nothing happens.
  void hole(const Origin& origin, Instant now);
  // An answer has come whole; there is still a hole.
  void answered(const Origin& origin, bool brought_something, Instant now);
  void closed(const Origin& origin) { holes_.erase(origin); }

  // One whose publisher should be asked now; it counts as asked.
  [[nodiscard]] std::optional<Origin> take_due(Instant now);

  // When take_due() may next have one. Every call may change it.
  [[nodiscard]] Instant deadline() const;

 private:
  struct Hole {
    Instant ask_at;
    Duration pause;  // after the next question
  };

  base::Random random_;
  std::map<Origin, Hole> holes_;  // few, and most of the time none
};

}  // namespace tidegate::mesh
