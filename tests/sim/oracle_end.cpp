// The part of the oracle that judges at the end of a run, when nothing is under way any more.
#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {
namespace {

std::string words(const std::optional<Position>& position) {
  return position ? to_string(*position) : "no position";
}

}  // namespace

std::uint64_t Oracle::last_decided(const Share& got) {
  const auto last = std::find_if(got.fates.rbegin(), got.fates.rend(), [](const Fate& fate) {
    return fate.visibility != Visibility::none;
  });
  return static_cast<std::uint64_t>(got.fates.rend() - last);
}

void Oracle::finish() {
  for (LifeId id = 0; id < lives_.size(); ++id) {
    const auto& life = lives_[id];
    if (life.alive) farewell(id);
    for (LifeId author = 0; life.alive && author < lives_.size(); ++author) {
      const auto& stream = lives_[author].stream;
      if (author == id) continue;
      check_promises(id, author);
      const auto& got = from(id, author);
      // The end of a stream that does not go on may have been lost with its publisher.
      if (!goes_on(author) && got.present) continue;
      const auto end = goes_on(author) ? stream.size() : last_decided(got);
      for (auto sequence = got.bound; sequence != 0 && sequence <= end; ++sequence) {
        ++totals_.checked_at_end;
        if (sequence <= got.fates.size() &&
            got.fates[sequence - 1].visibility != Visibility::none) {
          continue;
        }
        const auto topic = lives_[author].asked[stream[sequence - 1].note].note.topic;
        if (!life.wants[topic]) continue;
        // The application of a life that goes on where a former one has ended asks for the past.
        const bool always = got.resumed && life.unwanted_until[topic] == life.birth.at;
        if (!always && stream[sequence - 1].at <= life.unwanted_until[topic]) continue;
        return fail("N1", life.birth.name + ": " + label(author, sequence) + " at " +
                              words(stream[sequence - 1].position) +
                              " is neither delivered nor reported; it counts from " +
                              std::to_string(got.bound));
      }
    }
  }
}

}  // namespace tidegate::sim
