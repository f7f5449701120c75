#include "tests/soak/judge.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "tidegate/lsn.hpp"

namespace tidegate::soak {
namespace {

constexpr std::size_t most_examples = 5;

struct Announced {
  Instant at;
  std::string way;
  std::string row;
  bool answered = false;
  bool accepted = false;
  bool straddled = false;
  bool withdrawn = false;
  bool reached = false;  // somebody whose life lasted to the end

  [[nodiscard]] bool sent() const { return accepted && !withdrawn; }
};

// The messages that one life has published.
struct Stream {
  const Life* life = nullptr;
  bool lasted = false;                     // to the end, and left politely
  std::vector<Announced> announced;        // by number, from 1
  std::map<std::string, std::size_t> met;  // how many were announced before that one was ready
  std::optional<std::uint64_t> last_sequence;

  [[nodiscard]] const Announced* find(std::uint64_t number) const {
    return number == 0 || number > announced.size() ? nullptr : &announced[number - 1];
  }
  [[nodiscard]] std::uint64_t sent(std::size_t first, std::size_t end) const {
    std::uint64_t count = 0;
    for (auto i = first; i < end; ++i) count += announced[i].sent() ? 1U : 0U;
    return count;
  }
};

using Streams = std::map<std::string, Stream>;  // by origin

// The messages that one life has got of one publisher.
struct Reception {
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  std::map<std::uint64_t, std::uint64_t> delivered;  // number by sequence
  std::set<std::uint64_t> numbers;
  std::vector<Range> ranges;    // delivered or reported
  std::vector<Range> reported;  // of those
  std::uint64_t reported_count = 0;
  std::uint64_t last = 0;
  std::uint64_t last_number = 0;
};

class Judge {
 public:
  Judge(const std::deque<Life>& lives, const std::set<std::string>& rows,
        const std::vector<Astray>& astray)
      : lives_(lives), rows_(rows), astray_(astray) {
    for (const auto& life : lives) {
      if (static_cast<std::size_t>(life.peer) >= verdict_.peers.size()) {
        verdict_.peers.resize(static_cast<std::size_t>(life.peer) + 1);
      }
    }
  }

  Verdict run() {
    for (const auto& life : lives_) read_published(life);
    for (const auto& life : lives_) read_received(life);
    count_published();
    return std::move(verdict_);
  }

 private:
  [[nodiscard]] PeerFigures& figures(const Life& life) {
    return verdict_.peers[static_cast<std::size_t>(life.peer)];
  }

  static void complain(Complaints& complaints, Instant at, const std::string& text,
                       std::uint64_t messages = 1) {
    complaints.count += messages;
    if (complaints.first.size() < most_examples) complaints.first.push_back({at, text});
  }

  static std::string name_of(const Stream& stream) { return stream.life->name; }

  void read_published(const Life& life);
  void read_received(const Life& life);
  void take(const Life& life, Instant at, const Delivered& delivered, Reception& reception,
            bool lasts);
  void look_at(const Life& life, Instant at, const Delivered& delivered, const Stream& stream,
               const std::string& message);
  [[nodiscard]] bool is_astray(const std::string& server, Instant at) const;
  void look_for_holes(const Life& life, const std::string& own, const std::string& origin,
                      Reception& reception);
  void count_lost(const std::string& own, Stream& stream, const Reception& reception);
  void count_published();

  const std::deque<Life>& lives_;
  const std::set<std::string>& rows_;
  const std::vector<Astray>& astray_;
  Verdict verdict_;
  Streams streams_;
};

std::string origin_of(const Life& life) {
  for (const auto& record : life.records) {
    if (const auto* began = std::get_if<Began>(&record.event)) return began->origin;
  }
  return "";  // killed before it was there
}

bool lasted(const Life& life) {
  return !life.killed && !life.records.empty() &&
         std::holds_alternative<Ended>(life.records.back().event);
}

void Judge::read_published(const Life& life) {
  auto& mine = figures(life);
  ++mine.lives;
  auto& stream = streams_[origin_of(life)];
  stream.life = &life;
  stream.lasted = lasted(life);
  std::optional<Standing> last;
  for (const auto& [at, event] : life.records) {
    if (const auto* announcing = std::get_if<Announcing>(&event)) {
      stream.announced.push_back({at, announcing->way, announcing->row});
    } else if (const auto* answered = std::get_if<Answered>(&event)) {
      auto& announced = stream.announced.at(answered->number - 1);
      announced.answered = true;
      announced.accepted = answered->accepted;
      announced.straddled = answered->straddled;
      if (!answered->accepted) ++verdict_.refused;
    } else if (const auto* withdrawn = std::get_if<Withdrawn>(&event)) {
      stream.announced.at(withdrawn->number - 1).withdrawn = true;
      ++verdict_.unpublished;
    } else if (const auto* met = std::get_if<Met>(&event)) {
      stream.met.try_emplace(met->origin, stream.announced.size());
    } else if (const auto* standing = std::get_if<Standing>(&event)) {
      last = *standing;
    }
  }
  if (!last) return;
  stream.last_sequence = last->last_sequence;
  mine.recovered += last->recovered;
  mine.requests += last->requests;
  mine.memory_kib = std::max(mine.memory_kib, last->memory_kib);
  verdict_.resent += last->resent;
}

void Judge::read_received(const Life& life) {
  const auto own = origin_of(life);
  std::map<std::string, Reception> receptions;
  for (const auto& [at, event] : life.records) {
    if (const auto* delivered = std::get_if<Delivered>(&event)) {
      take(life, at, *delivered, receptions[delivered->origin], lasted(life));
    } else if (const auto* reported = std::get_if<Reported>(&event)) {
      auto& reception = receptions[reported->origin];
      const auto count = reported->last - reported->first + 1;
      verdict_.reported[reported->why] += count;
      figures(life).reported += count;
      reception.reported_count += count;
      reception.reported.push_back({reported->first, reported->last});
      reception.ranges.push_back(reception.reported.back());
      const auto next = reception.delivered.lower_bound(reported->first);
      if (next != reception.delivered.end() && next->first <= reported->last) {
        complain(verdict_.duplicates, at,
                 life.name + " was told that " + reported->origin + " " +
                     std::to_string(next->first) + " is " + reported->why +
                     ", which it had been given");
      }
    }
  }
  if (!lasted(life)) return;
  // Also of those of whom it got nothing at all.
  for (auto& [origin, stream] : streams_) {
    if (origin.empty() || origin == own) continue;
    look_for_holes(life, own, origin, receptions[origin]);
    if (!stream.lasted) count_lost(own, stream, receptions[origin]);
  }
}

void Judge::take(const Life& life, Instant at, const Delivered& delivered, Reception& reception,
                 bool lasts) {
  ++verdict_.delivered;
  ++figures(life).delivered;
  const auto found = streams_.find(delivered.origin);
  if (found == streams_.end()) {
    return complain(verdict_.duplicates, at,
                    life.name + " was given a message of an unknown peer, " + delivered.origin);
  }
  auto& stream = found->second;
  const auto message = life.name + " (reads " + life.server + ") <- " + name_of(stream) +
                       " sequence " + std::to_string(delivered.sequence) + ", its message " +
                       std::to_string(delivered.number) + ", row " + delivered.row + ", position " +
                       std::to_string(delivered.timeline) + ":" + to_string(Lsn{delivered.lsn});
  const auto covered = [&](const Reception::Range& range) {
    return range.first <= delivered.sequence && delivered.sequence <= range.last;
  };
  const auto* announced = stream.find(delivered.number);
  if (reception.delivered.contains(delivered.sequence) ||
      reception.numbers.contains(delivered.number)) {
    complain(verdict_.duplicates, at, message + ": for the second time");
  } else if (announced != nullptr && announced->withdrawn) {
    complain(verdict_.duplicates, at, message + ": its publisher was told that it is unpublished");
  } else if (std::any_of(reception.reported.begin(), reception.reported.end(), covered)) {
    complain(verdict_.duplicates, at, message + ": it had been reported");
  } else if (delivered.sequence < reception.last || delivered.number < reception.last_number) {
    complain(verdict_.order, at,
             message + ": after sequence " + std::to_string(reception.last) + ", message " +
                 std::to_string(reception.last_number));
  }
  reception.last = std::max(reception.last, delivered.sequence);
  reception.last_number = std::max(reception.last_number, delivered.number);
  reception.delivered.emplace(delivered.sequence, delivered.number);
  reception.numbers.insert(delivered.number);
  reception.ranges.push_back({delivered.sequence, delivered.sequence});
  if (announced == nullptr) {
    return complain(verdict_.duplicates, at, message + ": which was never announced");
  }
  if (lasts) stream.announced[delivered.number - 1].reached = true;
  look_at(life, at, delivered, stream, message);
}

bool Judge::is_astray(const std::string& server, Instant at) const {
  return std::any_of(astray_.begin(), astray_.end(), [&](const Astray& one) {
    return one.server == server && one.begin <= at && at <= one.end;
  });
}

void Judge::look_at(const Life& life, Instant at, const Delivered& delivered, const Stream& stream,
                    const std::string& message) {
  const auto& announced = *stream.find(delivered.number);
  const auto words = message + " (" + announced.way + "): ";
  switch (delivered.look) {
    case Look::nothing:
      ++verdict_.rowless;
      return;
    case Look::seen:
      ++verdict_.rows_seen;
      return;
    case Look::unjudged:
      ++verdict_.unjudged;
      return;
    case Look::absent:
      break;
  }
  if (rows_.contains(delivered.row) && announced.way == "no_change" && is_astray(life.server, at)) {
    ++verdict_.excused_astray;
  } else if (rows_.contains(delivered.row)) {
    complain(verdict_.stale, at, words + "not there yet; " + delivered.detail);
  } else if (announced.way == "no_change") {
    ++verdict_.excused_carried;
  } else if (announced.straddled || !announced.answered) {
    ++verdict_.excused_straddled;
  } else {
    complain(verdict_.stale, at, words + "undone, and announced; " + delivered.detail);
  }
}

void Judge::look_for_holes(const Life& life, const std::string& own, const std::string& origin,
                           Reception& reception) {
  auto& stream = streams_.at(origin);
  auto& ranges = reception.ranges;
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  });
  std::uint64_t from = ranges.empty() ? 0 : ranges.front().first;
  std::uint64_t last = 0;
  for (const auto& range : ranges) last = std::max(last, range.last);
  if (stream.lasted) {
    if (const auto met = stream.met.find(own); met != stream.met.end()) {
      const auto promised = stream.sent(0, met->second) + 1;
      from = from == 0 ? promised : std::min(from, promised);
    }
    last = stream.last_sequence.value_or(0);
  }
  if (from == 0) return;  // they never met
  for (const auto& range : ranges) {
    if (range.first > from) break;
    from = std::max(from, range.last + 1);
  }
  while (from <= last) {
    const auto next = std::find_if(ranges.begin(), ranges.end(),
                                   [&](const auto& range) { return range.first > from; });
    const auto end = next == ranges.end() ? last + 1 : std::min(next->first, last + 1);
    // The sequence is that of the message only if nothing is unpublished behind; near enough.
    std::uint64_t sequence = 0;
    Instant at;
    for (const auto& announced : stream.announced) {
      if (announced.sent() && ++sequence == from) at = announced.at;
    }
    complain(verdict_.missing, at,
             life.name + " (reads " + life.server + ") never got " + name_of(stream) +
                 " sequence " + std::to_string(from) + " to " + std::to_string(end - 1) + " of " +
                 std::to_string(last) + (stream.lasted ? "" : " (publisher killed)"),
             end - from);
    from = end;
    for (auto range = next; range != ranges.end() && range->first <= from; ++range) {
      from = std::max(from, range->last + 1);
    }
  }
}

void Judge::count_lost(const std::string& own, Stream& stream, const Reception& reception) {
  const auto met = stream.met.find(own);
  if (met == stream.met.end()) return;
  std::uint64_t lost = 0;
  for (auto i = met->second; i < stream.announced.size(); ++i) {
    if (stream.announced[i].sent() && !reception.numbers.contains(i + 1)) ++lost;
  }
  verdict_.lost_with_publisher += lost - std::min(lost, reception.reported_count);
}

void Judge::count_published() {
  for (const auto& [origin, stream] : streams_) {
    const auto sent = stream.sent(0, stream.announced.size());
    verdict_.published += sent;
    figures(*stream.life).published += sent;
    if (stream.lasted && sent > stream.last_sequence.value_or(0)) {
      complain(verdict_.missing, stream.life->records.back().at,
               name_of(stream) + " accepted " + std::to_string(sent) + " messages, and sent " +
                   std::to_string(stream.last_sequence.value_or(0)),
               sent - stream.last_sequence.value_or(0));
    }
    if (stream.lasted || stream.met.empty()) continue;
    std::size_t first = stream.announced.size();
    for (const auto& [reader, before] : stream.met) first = std::min(first, before);
    for (auto i = first; i < stream.announced.size(); ++i) {
      if (stream.announced[i].sent() && !stream.announced[i].reached) ++verdict_.reached_nobody;
    }
  }
}

}  // namespace

Verdict judge(const std::deque<Life>& lives, const std::set<std::string>& rows,
              const std::vector<Astray>& astray) {
  return Judge(lives, rows, astray).run();
}

}  // namespace tidegate::soak
