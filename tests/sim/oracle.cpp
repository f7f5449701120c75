#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "tests/sim/database.hpp"
#include "tests/sim/trace.hpp"

namespace tidegate::sim {
namespace {

std::string words(const std::optional<Position>& position) {
  return position ? to_string(*position) : "no position";
}

// "3.17", perhaps with something behind it; 0.0 when it is not ours.
std::pair<LifeId, std::size_t> parse(const std::string& payload) {
  LifeId life = 0;
  std::size_t note = 0;
  const auto* end = payload.data() + payload.size();
  const auto dot = std::from_chars(payload.data(), end, life).ptr;
  if (dot != end) std::from_chars(dot + 1, end, note);
  return {life, note};
}

// The bytes that the bounds count for it (footprint.hpp: its topic, its payload, and 160).
std::size_t weight(const Message& message) {
  std::size_t bytes = 160 + message.payload.size();
  for (const auto& element : message.topic.elements()) bytes += element.size();
  return bytes;
}

}  // namespace

void Totals::add(const Totals& other) {
  published += other.published;
  sent += other.sent;
  delivered += other.delivered;
  missing += other.missing;
  expired += other.expired;
  overdue += other.overdue;
  late += other.late;
  orphaned += other.orphaned;
  in_doubt += other.in_doubt;
  in_doubt_but_there += other.in_doubt_but_there;
  foreign += other.foreign;
  unpublished += other.unpublished;
  undone += other.undone;
  received += other.received;
  without += other.without;
  resumed += other.resumed;
  questions += other.questions;
  checked_at_end += other.checked_at_end;
}

void Oracle::fail(const std::string& rule, const std::string& what) {
  if (!violation_) violation_ = rule + ": " + what;
}

void Oracle::born(LifeId life, const Birth& birth) {
  if (lives_.size() <= life) lives_.resize(life + 1);
  lives_[life].birth = birth;
  lives_[life].alive = true;
  lives_[life].unwanted_until.fill(birth.at);
  by_origin_[birth.origin] = life;
  auto& born = lives_[life];
  born.publisher = birth.origin;
  if (birth.continues) {
    const auto& earlier = lives_[*birth.continues];
    born.publisher = earlier.publisher;
    born.before = earlier.before + earlier.stream.size();
    born.reached = earlier.reached;
  }
  by_publisher_[born.publisher].push_back(life);
  for (const auto& cursor : birth.options.resume) resume(life, cursor);
}

void Oracle::died(LifeId life) { lives_[life].alive = false; }
void Oracle::leaves(LifeId life) { lives_[life].leaving = true; }

std::optional<LifeId> Oracle::life_of(const Origin& origin) const {
  const auto found = by_origin_.find(origin);
  return found == by_origin_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::pair<LifeId, std::uint64_t>> Oracle::author_of(const Origin& publisher,
                                                                  std::uint64_t sequence) const {
  const auto found = by_publisher_.find(publisher);
  if (found == by_publisher_.end()) return std::nullopt;
  for (const auto life : found->second) {
    const auto& it = lives_[life];
    if (sequence > it.before && sequence <= it.before + it.stream.size()) {
      return std::pair(life, sequence - it.before);
    }
  }
  return std::nullopt;
}

ChangeId Oracle::change_of(const Origin& origin, std::uint64_t sequence) const {
  const auto [author, own] = author_of(origin, sequence).value();
  const auto& life = lives_[author];
  return life.asked[life.stream[own - 1].note].note.change;
}

// Its stream can still be heard of, from itself or from a later life.
bool Oracle::goes_on(LifeId author) const {
  const auto& lives = by_publisher_.at(lives_[author].publisher);
  return lives_[lives.back()].alive;
}

std::string Oracle::label(LifeId author, std::uint64_t sequence) const {
  return lives_[author].birth.name + "/" + std::to_string(sequence);
}

Oracle::Share& Oracle::from(LifeId life, LifeId author) {
  auto& all = lives_[life].from;
  if (all.size() <= author) all.resize(lives_.size());
  return all[author];
}

// --- publishing ---------------------------------------------------------------------------------

std::string Oracle::payload_for(LifeId life) const {
  return std::to_string(life) + "." + std::to_string(lives_[life].asked.size() + 1);
}

void Oracle::published(LifeId life, const Note& note) {
  ++totals_.published;
  auto& it = lives_[life];
  it.asked.push_back({note, it.primary, it.server, false, it.denied && !it.primary});
  // Before any server is known, nothing tells whether a later life of it shows less.
  if (!it.server) it.asked.back().note.read.reset();
}

void Oracle::primary_left(LifeId life) {
  auto& it = lives_[life];
  it.denied = true;
  for (auto i = it.last_left; i < it.asked.size(); ++i) it.asked[i].denied = !it.asked[i].left;
}

void Oracle::primary_trusted(LifeId life) { lives_[life].highest.clear(); }

void Oracle::sent(LifeId id, const mesh::Data& data, Instant now) {
  auto& life = lives_[id];
  const auto& who = life.birth.name;
  const auto next = life.before + life.stream.size() + 1;
  if (data.origin != life.birth.origin || data.first != next) {
    return fail("S4", who + " sends from " + std::to_string(data.first) + ", expected " +
                          std::to_string(next));
  }
  for (const auto& message : data.messages) {
    const auto [author, index] = parse(message.payload);
    if (author != id || index == 0 || index > life.asked.size()) {
      return fail("S4", who + " sends what it was not given: " + message.payload);
    }
    auto& asked = life.asked[index - 1];
    if (asked.left || (!asked.note.apart && index <= life.last_left)) {
      return fail("S4", who + " sends message " + std::to_string(index) + " after " +
                            std::to_string(life.last_left));
    }
    asked.left = true;
    if (!asked.note.apart) life.last_left = index;
    ++totals_.sent;
    const auto name = label(id, life.stream.size() + 1);
    check_soon(name, "sent", asked.note.at, now);
    if (asked.note.read) raise(life, *asked.note.read);
    const bool misled =
        message.position && !check_primary(life, *message.position, asked.note, name);
    check_covers(life, message, asked.note, name, misled);
    const auto before = life.stream.empty() ? 0 : life.stream.back().bytes;
    life.stream.push_back({index - 1,
                           message.position,
                           message.inherited,
                           now,
                           misled,
                           false,
                           {},
                           {},
                           before + weight(message)});
    asked.sequence = life.stream.size();
    life.reached = std::max(life.reached, key_of(id, life.stream.size()));
    life.stream.back().reached = life.reached;
    check_told(life, index, message.position);
    if (message.position) raise(life, *message.position);
    if (asked.note.kind == Note::Kind::loose) loose_.push_back(message.position.value());
  }
}

// While all is well, replicas are a millisecond behind, and what others leave unflushed is nudged.
void Oracle::check_soon(const std::string& who, const char* what, Instant since, Instant now) {
  constexpr Duration soon = std::chrono::milliseconds(300);
  if (since < calm_since_ || calm_since_ == never || now - since <= soon) return;
  fail("L1", who + " is " + what + " only after " + text_of(now - since) + ", though all is well");
}

void Oracle::answered(Life& life, Ticket ticket) {
  const bool known = ticket > 0 && ticket <= life.asked.size();
  if (!known || std::exchange(life.asked[ticket - 1].answered, true)) {
    return fail("N1", life.birth.name + " answers ticket " + std::to_string(ticket) +
                          (known ? " twice" : ", which it never gave"));
  }
  if (life.asked[ticket - 1].note.apart) return;
  auto expected = life.last_answered + 1;
  while (life.asked[expected - 1].note.apart) ++expected;
  life.last_answered = ticket;
  if (ticket == expected) return;
  fail("N1", life.birth.name + " answers ticket " + std::to_string(ticket) + ", expected " +
                 std::to_string(expected));
}

void Oracle::told_sent(LifeId id, const Sent& notice) {
  answered(lives_[id], notice.ticket);
  lives_[id].told.push_back(notice);
}

// A message has just entered the stream.
void Oracle::check_told(Life& life, Ticket ticket, const std::optional<Position>& position) {
  if (!life.birth.options.report_sent) return answered(life, ticket);
  const auto sequence = life.before + life.stream.size();
  const bool right = !life.told.empty() && life.told.front().ticket == ticket &&
                     life.told.front().sequence == sequence &&
                     life.told.front().position == position;
  if (!right) {
    return fail("N1", life.birth.name + " sends ticket " + std::to_string(ticket) + " as message " +
                          std::to_string(sequence) + ", and does not say so");
  }
  life.told.pop_front();
}

void Oracle::farewell(LifeId id) {
  const auto& life = lives_[id];
  check_received(life);
  const auto answered = std::count_if(life.asked.begin(), life.asked.end(),
                                      [](const auto& asked) { return asked.answered; });
  if (static_cast<std::size_t>(answered) == life.asked.size() && life.told.empty()) return;
  fail("N1", life.birth.name + " has answered " + std::to_string(answered) + " of " +
                 std::to_string(life.asked.size()) + " messages");
}

void Oracle::unpublished(LifeId id, const Unpublished& notice) {
  auto& life = lives_[id];
  const auto [author, index] = parse(notice.payload);
  const auto who = life.birth.name + " gives message " + std::to_string(index) + " back";
  if (author != id || index == 0 || index > life.asked.size()) {
    return fail("reason", who + ", which it was not given");
  }
  ++totals_.unpublished;
  auto& asked = life.asked[index - 1];
  if (asked.left || index <= life.last_left) fail("S3", who + " twice, or after it was sent");
  if (notice.ticket != index) fail("N1", who + " under ticket " + std::to_string(notice.ticket));
  answered(life, notice.ticket);
  asked.left = true;
  life.last_left = index;
  if (life.leaving) return;
  // Its primary's life ended, or it was none.
  const bool after_commit = asked.note.kind == Note::Kind::after_commit;
  const bool other_life =
      asked.denied || (asked.primary && life.primary && *asked.primary != *life.primary);
  if (notice.why == Unpublished::Why::database_lost) {
    if (!asked.note.read || asked.server == life.server) {
      fail("reason", who + ", though the server that it has read is there");
    }
    return;
  }
  if (notice.why == Unpublished::Why::other_primary) {
    constexpr std::size_t all_are_known = 16;
    const auto told_by = asked.note.told_by;
    const auto met = [&](const auto& one) { return one.second == told_by; };
    if (told_by == 0 ||
        (life.met.size() <= all_are_known && std::any_of(life.met.begin(), life.met.end(), met))) {
      fail("reason", who + ", though it knows the primary of its change");
    }
    return;
  }
  if (!(after_commit && other_life)) fail("reason", who + ", though its change can't be lost");
}

void Oracle::undone(LifeId id, const Undone& notice) {
  auto& life = lives_[id];
  const auto who = life.birth.name + " hears that its message " + std::to_string(notice.sequence);
  ++totals_.undone;
  const auto own = notice.sequence - life.before;
  if (own == 0 || own > life.stream.size())
    return fail("N1", who + " is undone, which it never sent");
  auto& sent = life.stream[own - 1];
  if (sent.note + 1 != notice.ticket || sent.position != notice.position) {
    return fail("N1", who + " is undone, under another ticket or position");
  }
  if (std::exchange(sent.undone, true)) fail("N1", who + " is undone, twice");
}

// --- the server ---------------------------------------------------------------------------------

// Positions that it has published or delivered need not be inherited if its server excludes them.
void Oracle::read(LifeId life, const Truth& truth) {
  const auto& before = lives_[life].shown;
  if (!before || before->timeline.system != truth.timeline.system ||
      before->timeline.timeline != truth.timeline.timeline) {
    ++lives_[life].servers;
  }
  lives_[life].shown = lives_[life].last_shown = truth;
  std::erase_if(lives_[life].highest, [&](const auto& one) {
    const auto& place = one.second;
    return place.system == truth.timeline.system &&
           history_.excludes(truth.timeline, place.timeline, place.lsn);
  });
}
void Oracle::server_down(LifeId life) { lives_[life].shown.reset(); }

// --- receiving ----------------------------------------------------------------------------------

// `sequence` becomes that of the author's own.
bool Oracle::knows(LifeId id, const Origin& origin, std::uint64_t& sequence,
                   const std::string& doing, LifeId& author) {
  const auto found = author_of(origin, sequence);
  if (!found) {
    fail("S3", lives_[id].birth.name + " " + doing + " message " + std::to_string(sequence) +
                   (by_publisher_.contains(origin) ? " of a publisher that has not sent it"
                                                   : " of an unknown publisher"));
    return false;
  }
  author = found->first;
  sequence = found->second;
  return true;
}

void Oracle::decide(LifeId id, LifeId author, std::uint64_t sequence, Visibility visibility,
                    Instant now) {
  auto& got = from(id, author);
  if (got.resumed && sequence < got.bound) {
    fail("resume", lives_[id].birth.name + " is told of " + label(author, sequence) +
                       ", though it goes on from " + std::to_string(got.bound));
  }
  if (got.bound == 0 || sequence < got.bound) got.bound = sequence;
  auto& decided = fate_of(got, sequence);
  if (decided.visibility != Visibility::none) {
    const auto name = [](Visibility one) {
      return one == Visibility::delivered ? "delivered" : "reported";
    };
    fail("S3", lives_[id].birth.name + ": " + label(author, sequence) + " is " + name(visibility) +
                   " after it was " + name(decided.visibility));
  }
  decided.visibility = visibility;
  decided.at = now;
}

void Oracle::delivered(LifeId id, const Delivery& delivery, Instant now) {
  auto& life = lives_[id];
  LifeId author = 0;
  auto sequence = delivery.sequence;
  if (!knows(id, delivery.origin, sequence, "delivers", author)) return;
  const auto& sent = lives_[author].stream[sequence - 1];
  const auto& note = lives_[author].asked[sent.note].note;
  const auto who = life.birth.name + ": " + label(author, sequence);
  ++totals_.delivered;
  if (delivery.late) ++totals_.late;
  if (parse(delivery.message.payload) != std::pair(author, sent.note + 1) ||
      delivery.message.position != sent.position || delivery.message.inherited != sent.inherited) {
    fail("S3", who + " is not the message that was sent");
  }
  decide(id, author, sequence, Visibility::delivered, now);
  auto& got = from(id, author);
  if (sequence <= got.last) fail("S4", who + " is delivered after " + std::to_string(got.last));
  got.last = sequence;
  for (const auto later : by_publisher_.at(delivery.origin)) {
    if (later > author && from(id, later).last > 0) {
      fail("S4", who + " is delivered after what a later life has sent");
    }
  }
  if (!life.wants[note.topic]) fail("S3", who + " is delivered without a subscription");
  if (delivery.late) {
    const auto& options = life.birth.options;
    if (!life.birth.gated || options.overdue != Overdue::late ||
        delivery.held < options.overdue_after) {
      fail("reason", who + " is delivered as late after " + text_of(delivery.held));
    }
  } else {
    // A place that an application made up is reached whenever the log happens to get there.
    const bool made_up = std::ranges::find(loose_, sent.inherited) != loose_.end();
    if (!made_up) check_soon(who, "delivered", sent.at, now);
    check_visible(life, sent, note, who);
    check_order(life, author, sequence, now - delivery.held, now, who);
  }
  if (sent.inherited && (!life.birth.gated || shows(life.shown, *sent.inherited))) {
    raise(life, *sent.inherited);
  }
  if (sent.position && !delivery.late) raise(life, *sent.position);
}

bool Oracle::kept(const Life& author, std::uint64_t sequence, Instant now) const {
  const auto& options = author.birth.options;
  const auto before = sequence > 1 ? author.stream[sequence - 2].bytes : 0;
  return author.alive && !author.leaving &&
         author.stream.back().bytes - before <= options.retain_bytes &&
         now - author.stream[sequence - 1].at <= options.retain_for;
}

void Oracle::undelivered(LifeId id, const Undelivered& notice, Instant now) {
  auto& life = lives_[id];
  for (auto numbered = notice.first; numbered <= notice.last; ++numbered) {
    LifeId author = 0;
    auto sequence = numbered;
    if (!knows(id, notice.origin, sequence, "reports", author)) return;
    decide(id, author, sequence, Visibility::reported, now);
    const auto& sent = lives_[author].stream[sequence - 1];
    const auto& note = lives_[author].asked[sent.note].note;
    const auto who = life.birth.name + ": " + label(author, sequence) + " at " +
                     words(sent.position) + " is reported as " + std::string(to_string(notice.why));
    auto& fate = fate_of(from(id, author), sequence);
    fate.lost = notice.why == Undelivered::Why::missing || notice.why == Undelivered::Why::expired;
    if (fate.lost && fate.promised) fail("received", who + ", though it had confirmed it");
    switch (notice.why) {
      case Undelivered::Why::missing:
        ++totals_.missing;
        if (from(id, author).present && kept(lives_[author], sequence, now)) {
          fail("N1", who + ", but its publisher is there and keeps it");
        }
        break;
      case Undelivered::Why::expired:
        ++totals_.expired;
        if (kept(lives_[author], sequence, now)) fail("N1", who + ", but its publisher keeps it");
        break;
      case Undelivered::Why::overdue:
        ++totals_.overdue;
        if (life.birth.options.overdue != Overdue::drop) {
          fail("reason", who + ", which its application did not wish");
        }
        break;
      case Undelivered::Why::orphaned:
        ++totals_.orphaned;
        if (!parted_from(life, sent.position) ||
            (note.has_change() && !history_.undone(life.shown->timeline, note.change))) {
          fail("reason", who + ", but the server " +
                             (life.shown ? text_of(life.shown->timeline) : "") + " may show it");
        }
        check_order(life, author, sequence, std::nullopt, now, who);
        break;
      case Undelivered::Why::in_doubt:
        ++totals_.in_doubt;
        if (!parted_from(life, sent.position)) {
          fail("reason", who + ", but the server " +
                             (life.shown ? text_of(life.shown->timeline) : "") + " may show it");
        } else if (!could_be_there(*life.shown, *sent.position)) {
          fail("reason", who + ", but it is gone for sure");
        } else if (note.has_change() && history_.shows(life.shown->lsn, note.change)) {
          ++totals_.in_doubt_but_there;
        }
        check_order(life, author, sequence, std::nullopt, now, who);
        break;
      case Undelivered::Why::foreign:
        ++totals_.foreign;
        if (!life.birth.gated || !sent.position || sent.position->cluster() == life.birth.system) {
          fail("reason", who + ", but it is of the same cluster");
        }
        check_order(life, author, sequence, std::nullopt, now, who);
        break;
    }
  }
}

void Oracle::ready(LifeId life, const Origin& other) {
  const auto receiver = life_of(other);
  if (!receiver) return fail("N1", lives_[life].birth.name + " is ready with nobody");
  auto& got = from(*receiver, life);
  if (got.bound == 0) got.bound = lives_[life].stream.size() + 1;
  auto& there = from(life, *receiver).present;
  if (there) fail("N1", lives_[life].birth.name + " is ready twice with " + name_of(*receiver));
  there = true;
}

void Oracle::gone(LifeId life, const Origin& other) {
  const auto which = life_of(other);
  if (!which || !std::exchange(from(life, *which).present, false)) {
    fail("N1", lives_[life].birth.name + " loses a peer that it was not ready with");
  }
}

void Oracle::subscribed(LifeId life, std::size_t topic, bool wanted, Instant now) {
  auto& it = lives_[life];
  if (!it.wants[topic]) it.unwanted_until[topic] = now;
  it.wants[topic] = wanted;
}

void Oracle::seen(LifeId life, const Status& status) {
  const auto& it = lives_[life];
  const auto check = [&](const char* does, std::size_t bytes, std::size_t allowed) {
    if (bytes <= allowed) return;
    fail("B1", it.birth.name + does + std::to_string(bytes) + " bytes, allowed " +
                   std::to_string(allowed));
  };
  if (status.held > 1) check(" holds ", status.held_bytes, it.birth.options.held_bytes);
  check(" keeps ", status.retain_bytes, it.birth.options.retain_bytes);
  // The one that reaches the bound is still taken.
  if (status.unsent > 1) {
    check(" has not sent ", status.unsent_bytes, it.birth.options.unsent_bytes + largest_message);
  }
}

}  // namespace tidegate::sim
