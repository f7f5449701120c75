// Judges a run by what the peers have recorded. It shares no code with the peer: it looks at what
// was announced, what was delivered and reported, and which rows there are at the end.
//
// Faults of tidegate:
// - *stale*: a row was announced that could not be read, and it is there at the end; or it is not,
//   since a failover or a crash has undone it, and that was knowable.
// - *duplicate*: the same message was delivered twice in one life, or accounted for twice
//   (delivered and reported, delivered and handed back to its publisher).
// - *order*: sequences or numbers of one publisher went back. (Positions may, where its own server
//   has left the history on which it publishes; ./dev conform judges what a message waited for.)
// - *missing*: of a publisher whose life lasted to the end, neither delivered nor reported in a
//   life that lasted to the end too, from where it had begun to get that publisher's messages; or
//   neither sent nor handed back. Of a publisher that was killed: a gap among what was received.
//
// No faults: messages that a killed publisher took with it; a row that its publisher announced with
// AfterCommit when its peer knew another primary already (the library can't know that); a message
// without a row of its own that carries one that was undone later, or that the receiver's server
// will never show, as it went astray in a failover.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/soak/history.hpp"

namespace tidegate::soak {

struct Complaints {
  std::uint64_t count = 0;
  struct Example {
    Instant at;
    std::string text;
  };
  std::vector<Example> first;  // a few
};

struct PeerFigures {
  std::uint64_t lives = 0;
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  std::uint64_t reported = 0;
  std::uint64_t recovered = 0;
  std::uint64_t requests = 0;
  std::uint64_t memory_kib = 0;  // the most of any of its lives
};

struct Verdict {
  Complaints stale;
  Complaints duplicates;
  Complaints order;
  Complaints missing;

  std::vector<PeerFigures> peers;
  std::uint64_t published = 0;
  std::uint64_t refused = 0;      // by publish()
  std::uint64_t unpublished = 0;  // handed back
  std::uint64_t delivered = 0;
  std::uint64_t rows_seen = 0;
  std::uint64_t rowless = 0;   // carried no row to look for
  std::uint64_t unjudged = 0;  // the server did not answer, or was in another life
  // Undone, and not knowable:
  std::uint64_t excused_straddled = 0;  // announced when the peer knew another primary
  std::uint64_t excused_carried = 0;    // carried by a message without a row of its own
  std::uint64_t excused_astray = 0;     // the same, to one whose server had gone astray
  std::uint64_t resent = 0;
  std::map<std::string, std::uint64_t> reported;  // by reason
  std::uint64_t lost_with_publisher = 0;  // receptions: messages, for each receiver that was ready
  std::uint64_t reached_nobody = 0;       // messages of killed lives, though somebody was ready

  [[nodiscard]] bool good() const {
    return stale.count + duplicates.count + order.count + missing.count == 0;
  }
  // Of the rows that were announced some were looked up.
  [[nodiscard]] bool has_looked() const { return rows_seen > 0 || unjudged == 0; }
};

// `rows`: those that there are at the end.
[[nodiscard]] Verdict judge(const std::deque<Life>& lives, const std::set<std::string>& rows,
                            const std::vector<Astray>& astray);

}  // namespace tidegate::soak
