// The part of the record that no node could write: the simulator alone knows of it.
#include <array>
#include <string>
#include <utility>

#include "tests/sim/simulation.hpp"

namespace tidegate::sim {

// Which change the next message announces.
void Simulation::tell_note(LifeId life, const Note& note) {
  if (note.kind == Note::Kind::no_change && !note.read) return;
  trace.record(events.elapsed(), "note", [&](base::JsonLine& line) {
    line.add("peer", peers_[life].info.name);
    if (note.has_change()) line.add("change", note.change);
    if (note.elsewhere) line.add_true("elsewhere");
    if (note.kind == Note::Kind::loose) line.add_true("made_up");
    if (note.read) line.add("read", to_text(database.position_of(*note.read)));
  });
}

// Of a reading only what is another than the last time.
void Simulation::tell_reading(LifeId life, ServerId id, Sessions::Reads what) {
  constexpr std::array names = {"lsn_read", "history_read", "position_read"};
  if (!trace.records()) return;
  const auto& server = database.server(id);
  const auto place = database.position_of(server.place());
  const auto begin = to_text({place.branch, 0});
  const auto incarnation = node::life_text(server.incarnation());
  const auto index = static_cast<std::size_t>(what);
  if (what != Sessions::Reads::commit_position) {
    const bool lsn = what == Sessions::Reads::lsn;
    auto told = incarnation + " " + (lsn ? std::to_string(server.lsn) : begin);
    if (std::exchange(records_[life].told[index], told) == told) return;
  }
  trace.record(events.elapsed(), names[index], [&](base::JsonLine& line) {
    line.add("peer", peers_[life].info.name).add("server", server.name).add("life", incarnation);
    if (what == Sessions::Reads::lsn) {
      line.add("lsn", server.lsn);
    } else if (what == Sessions::Reads::history) {
      line.add("begin", begin);
    } else {
      line.add("written", to_text(place)).add("flushed", server.flushed);
    }
  });
}

}  // namespace tidegate::sim
