// Which streams have a gap, and when their publishers should be asked for what is missing.
//
// A gap is young when it is noticed: what fills it may be on its way, and other receivers have
// noticed theirs in the same moment. So the first question waits a little, each receiver a
// different while. An answer that brought something is followed by the next question at once, one
// that brought nothing, or did not come, after a pause that doubles.
//
// Nobody gives up here: a gap closes when its messages come, when the publisher keeps them no
// longer, or when the publisher is gone.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "lib/base/random.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

class GapRepair {
 public:
  explicit GapRepair(base::Random random) : random_(random) {}

  // The stream of this origin has a gap. Known already: nothing happens.
  void gap(const Origin& origin, Instant now);
  // An answer has come whole; there is still a gap.
  void answered(const Origin& origin, bool brought_something, Instant now);
  void closed(const Origin& origin) { gaps_.erase(origin); }

  // Whether what is missing of an origin could be used now; others have time.
  using Usable = std::function<bool(const Origin&)>;

  // One whose publisher should be asked now; it counts as asked.
  [[nodiscard]] std::optional<Origin> take_due(Instant now, const Usable& usable);

  // When take_due() may next have one. Every call may change it.
  [[nodiscard]] Instant deadline(const Usable& usable) const;

 private:
  struct Gap {
    Instant ask_at;
    Duration pause;  // after the next question
  };

  base::Random random_;
  std::map<Origin, Gap> gaps_;  // few, and most of the time none
};

}  // namespace tidegate::mesh
