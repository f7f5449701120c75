// Finds out from the status of a peer, looked at from time to time, what keeps it from its work,
// and tells once when that begins and once when it has ended.
//
// 1. A trouble begins when its condition has held for long enough to be no hiccup, and `lasted`
//    counts from the beginning of the condition.
// 2. It ends when a look finds the condition gone. Those that are seen in counters (malformed,
//    held_full) end when nothing more was counted for a while.
// 3. Its text may change while it lasts (another reason of one outage); that is no news.
//
// Looking seldom only delays. The status must have come from the same peer each time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tidegate/status.hpp"
#include "tidegate/time.hpp"
#include "tidegate/trouble.hpp"

namespace tidegate::node {

class Troubles {
 public:
  // Appends what has begun and what has ended since the last look.
  void look(const Status& status, Instant now, std::vector<Trouble>& changes);

  // Those that have begun and last, the oldest first.
  [[nodiscard]] std::vector<Trouble> present(Instant now) const;

 private:
  using Key = std::pair<Trouble::Kind, std::string>;
  struct Lasting {
    std::string text;
    Instant since{};
    bool told = false;
    bool seen = true;  // by the look under way
  };
  // A counter that moves only in trouble.
  struct Moving {
    std::uint64_t count = 0;
    Instant moved = never;
  };

  void found(Trouble::Kind kind, std::string about, std::string text, Instant since);
  void look_at_servers(const Status& status, Instant now);
  void look_at_held(const Status& status, Instant now);
  void look_at_messages(const Status& status, Instant now);
  void look_at_peers(const Status& status, Instant now);
  void look_at_meeting(const Status& status, Instant now);
  void found_unmet(const Status& status, const PeerStatus& peer, std::size_t unmet, Instant now);
  void look_at_counters(const Status& status, Instant now);
  [[nodiscard]] static bool moves(Moving& moving, std::uint64_t count, Instant now);

  std::map<Key, Lasting> lasting_;
  bool met_ = false;  // another peer, ever
  Instant alone_since_ = never;
  Moving malformed_;
  Moving foreign_;
  Moving parted_;
  Moving refused_full_;
  Moving suppressed_;
  std::uint64_t sequence_ = 0;      // of the last look,
  Instant sequence_since_ = never;  // and since when the unsent messages have not moved on
};

}  // namespace tidegate::node
