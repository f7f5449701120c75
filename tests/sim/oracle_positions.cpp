// How the oracle judges positions: by the true names of the timelines.
#include <algorithm>

#include "tests/sim/database.hpp"
#include "tests/sim/oracle.hpp"

namespace tidegate::sim {
namespace {

// Where the position really is, by the name of its last timeline. At the very begin of a timeline
// it is still on the one before.
Place place_of(const History& history, const Position& position) {
  const auto name = position.history().entries().back().promoted;
  Place place{position.cluster(), history.timeline_promoted(position.cluster(), name),
              position.offset};
  while (place.timeline != 1 && place.lsn <= history.begin(place.system, place.timeline)) {
    const auto way = history.way_to(place.system, place.timeline);
    place.timeline = way[way.size() - 2].timeline;
  }
  return place;
}

std::string words(const std::optional<Position>& position) {
  return position ? to_string(*position) : "no position";
}

}  // namespace

// By the later of its two positions.
Oracle::Key Oracle::key_of(LifeId author, std::uint64_t sequence) const {
  const auto& life = lives_[author];
  const auto& sent = life.stream[sequence - 1];
  Key key{0, 0, life.publisher, life.before + sequence};
  for (const auto& position : {sent.position, sent.inherited}) {
    if (!position) continue;
    const auto timeline = position->history().entries().back().number;
    if (timeline < key.timeline || (timeline == key.timeline && position->offset < key.lsn)) {
      continue;
    }
    key.timeline = timeline;
    key.lsn = position->offset;
  }
  return key;
}

void Oracle::raise(Life& life, const Position& position) {
  raise(life, place_of(history_, position));
}

// The furthest; of two that lie on diverged histories the last, unless the peer's own server
// excludes that and not the other.
void Oracle::raise(Life& life, const Place& place) {
  const auto [entry, added] = life.highest.emplace(place.system, place);
  auto& highest = entry->second;
  if (added || history_.contains(highest, place.timeline, place.lsn)) return;
  const auto& shown = life.last_shown;
  const bool stays = shown && shown->lsn.system == place.system &&
                     !history_.contains(place, highest.timeline, highest.lsn) &&
                     history_.excludes(shown->lsn, place.timeline, place.lsn) &&
                     !history_.excludes(shown->timeline, highest.timeline, highest.lsn);
  if (!stays) highest = place;
}

// False: its position is another primary's than its change's, and its peer could not know it.
bool Oracle::check_primary(const Life& life, const Position& position, const Note& note,
                           const std::string& who) {
  if (note.kind != Note::Kind::after_commit) return true;
  const auto system = position.cluster();
  const auto name = position.history().entries().back().promoted;
  const auto timeline = history_.timeline_promoted(system, name);
  const bool covers = history_.shows(place_of(history_, position), note.change);
  const bool same_system = life.shown && life.shown->timeline.system == system;
  const auto next =
      same_system ? history_.next_towards(system, timeline, life.shown->timeline.timeline) : 0;
  // One that was answered before the fork, and covers the change, is right on both sides of it.
  if (next != 0 && (!covers || position.offset > history_.begin(system, next))) {
    fail("primary", who + " is sent with " + words(position) + " when its server has come to " +
                        text_of(life.shown->timeline));
  }
  return !note.elsewhere || covers;
}

// S6 and S2 of a message that is being sent.
void Oracle::check_covers(const Life& life, const Message& message, const Note& note,
                          const std::string& who, bool misled) {
  const auto& own = message.position;
  const auto& inherited = message.inherited;
  if (own.has_value() != (note.kind != Note::Kind::no_change)) {
    fail("S2", who + " is sent with " + words(own));
  }
  const auto covers = [&](const std::optional<Position>& position, const Place& place) {
    return position && position->cluster() == place.system &&
           history_.contains(place_of(history_, *position), place.timeline, place.lsn);
  };
  if (!own && !inherited && !life.highest.empty()) fail("S6", who + " inherits nothing");
  if (own || inherited) {
    const auto before = life.highest.find(own ? own->cluster() : inherited->cluster());
    // One that its server has lost need not be inherited, nor one that is lost wherever the
    // message's own change is visible.
    const auto lost = [&](const Place& there) {
      return there.system == before->second.system &&
             history_.excludes(there, before->second.timeline, before->second.lsn);
    };
    const auto& shown = life.last_shown;
    const bool counts = before != life.highest.end() && !(shown && lost(shown->timeline)) &&
                        !(own && lost(place_of(history_, *own)));
    if (counts && !covers(own, before->second) && !covers(inherited, before->second)) {
      fail("S6", who + " is sent with " + words(own) + " and inherits " + words(inherited) +
                     ", expected at least " + text_of(before->second));
    }
  }
  if (own && !misled && note.has_change() &&
      own->cluster() == history_.change(note.change).place.system &&
      !history_.shows(place_of(history_, *own), note.change)) {
    fail("S2", who + " is sent with " + words(own) + ", which does not cover its change at " +
                   text_of(history_.change(note.change).place) +
                   (history_.change(note.change).erased ? " (erased)" : ""));
  }
}

bool Oracle::shows(const std::optional<Truth>& shown, const Position& position) const {
  if (!shown || position.cluster() != shown->lsn.system) return false;
  const auto place = place_of(history_, position);
  return history_.contains(shown->lsn, place.timeline, place.lsn);
}

// Of another cluster, or the server will not show it in this life.
bool Oracle::lost_at(const Truth& shown, const Position& position) const {
  if (position.cluster() != shown.timeline.system) return true;
  const auto place = place_of(history_, position);
  return history_.excludes(shown.timeline, place.timeline, place.lsn);
}

// The server has turned away from this position of its cluster.
bool Oracle::parted_from(const Life& life, const std::optional<Position>& own) const {
  return life.birth.gated && life.shown && own && own->cluster() == life.birth.system &&
         lost_at(*life.shown, *own);
}

// The change may lie before the place where the server has turned away.
bool Oracle::could_be_there(const Truth& shown, const Position& own) const {
  if (own.after == 0) return true;
  auto first = own;
  first.offset = own.after + 1;
  return !lost_at(shown, first);
}

void Oracle::check_visible(const Life& life, const Streamed& sent, const Note& note,
                           const std::string& who) {
  if (!life.birth.gated || (!sent.position && !sent.inherited)) return;
  if (!life.shown) return fail("S1", who + " is delivered without a reading");
  const auto seen = " is delivered when the server showed " + text_of(life.shown->lsn);
  if (sent.position && sent.position->cluster() != life.birth.system) {
    return fail("S1", who + " is of another cluster");
  }
  if (sent.position && !shows(life.shown, *sent.position)) {
    return fail(lost_at(*life.shown, *sent.position) ? "S2" : "S1",
                who + " at " + words(sent.position) + seen);
  }
  if (sent.inherited && !shows(life.shown, *sent.inherited) &&
      !lost_at(*life.shown, *sent.inherited)) {
    return fail("S6", who + " behind " + words(sent.inherited) + seen);
  }
  if (note.has_change() && !sent.misled && !history_.shows(life.shown->lsn, note.change)) {
    fail("S2", who + seen + ", but its change was at " +
                   text_of(history_.change(note.change).place) +
                   (history_.change(note.change).erased ? " (erased)" : ""));
  }
}

// Whether a server that showed this could let the message go: nothing that it waits for was to
// come.
bool Oracle::decided(const std::optional<Truth>& shown, const Streamed& sent) const {
  if (!shown) return false;
  const auto none_waits = [&](const std::optional<Position>& position) {
    return !position || shows(shown, *position) || lost_at(*shown, *position);
  };
  return none_waits(sent.position) && none_waits(sent.inherited);
}

// Whether the message could have gone out when that other one did: it was decided, and so were
// those of its publisher's stream that stood before it, even the ones that nobody wanted any
// longer.
bool Oracle::could_go(const Released& with, const Life& receiver, LifeId author,
                      std::uint64_t sequence) const {
  const auto& it = lives_[author];
  if (!decided(with.shown, it.stream[sequence - 1])) return false;
  for (auto numbered = it.before + sequence - 1; numbered > 0; --numbered) {
    const auto [life, own] = author_of(it.publisher, numbered).value();
    if (life >= receiver.from.size() || own < receiver.from[life].bound) break;
    const auto& fates = receiver.from[life].fates;
    const auto fate = own <= fates.size() ? fates[own - 1] : Fate{};
    if (fate.visibility == Visibility::delivered && fate.at < with.at) break;
    // It is missing, perhaps, and those before it are still held.
    if (fate.visibility == Visibility::reported && fate.at < with.at) continue;
    if (!decided(with.shown, lives_[life].stream[own - 1])) return false;
  }
  return true;
}

// Each message that went out since this one arrived, and could have gone out behind it, has to have
// a smaller key. (The places of a stream go back where another cluster's, or an earlier life's,
// stand before them; its messages still go out in their order, behind those.)
void Oracle::check_order(Life& life, LifeId author, std::uint64_t sequence,
                         std::optional<Instant> arrived, Instant now, const std::string& who) {
  const auto key = key_of(author, sequence);
  auto& released = life.released;
  if (!life.birth.gated) return;  // as they come
  if (arrived) {
    const auto first =
        std::upper_bound(released.begin(), released.end(), *arrived,
                         [](Instant when, const auto& entry) { return when < entry.at; });
    if (first != released.end() && first->key > lives_[author].stream[sequence - 1].reached &&
        could_go(*first, life, author, sequence)) {
      fail("S5", who + " goes out behind " + std::to_string(first->key.timeline) + ":" +
                     std::to_string(first->key.lsn) + ", which has a later place");
    }
  }
  while (!released.empty() && released.back().key <= key) released.pop_back();
  released.push_back({now, key, life.shown});
}

}  // namespace tidegate::sim
