#include "tests/sim/scenario.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/sim/simulation.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Words = std::vector<std::string>;

constexpr std::uint64_t home = 7;
constexpr std::uint64_t foreign = 8;

// A mistake in the file.
[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

Words words_of(const std::string& line) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Duration duration_of(const std::string& text) {
  char* unit = nullptr;
  const auto number = std::strtol(text.c_str(), &unit, 10);
  if (std::string(unit) == "us") return microseconds(number);
  if (std::string(unit) == "ms") return milliseconds(number);
  if (std::string(unit) == "s") return seconds(number);
  refuse("'" + text + "' is no duration");
}

class Scenario {
 public:
  Scenario() : trace_(Trace::Mode::keep, 10'000), simulation_(1, trace_) {
    simulation_.sessions.jitter = Duration(1);
  }

  std::string run(const std::string& line) {
    const auto words = words_of(line);
    const auto found = commands().find(words[0]);
    if (found == commands().end()) return "no such command\n";
    try {
      found->second(*this, words);
    } catch (const std::exception& error) {
      return std::string("can't: ") + error.what() + "\n";
    }
    auto said = shown(trace_.take());
    if (simulation_.broken()) said += "VIOLATION " + *simulation_.oracle.violation() + "\n";
    return said;
  }

 private:
  using Command = std::function<void(Scenario&, const Words&)>;

  static const std::map<std::string, Command>& commands();

  [[nodiscard]] LifeId life(const std::string& name) const {
    const auto found = lives_.find(name);
    if (found == lives_.end()) refuse("there is no peer " + name);
    return found->second;
  }
  [[nodiscard]] HostId host(const std::string& name) {
    return simulation_.peer(life(name)).plan.host;
  }

  [[nodiscard]] ServerId server(const std::string& name) const {
    for (ServerId id = 0; id < simulation_.database.size(); ++id) {
      if (simulation_.database.server(id).name == name) return id;
    }
    refuse("there is no server " + name);
  }

  void add_cluster(const std::string& prefix, std::uint64_t system, const std::string& replicas) {
    const auto first = simulation_.database.add_cluster(prefix, system, std::stoul(replicas));
    for (auto id = first; id < simulation_.database.size(); ++id) {
      simulation_.database.server(id).fixed = true;
    }
  }

  void add_peer(const Words& words) {
    PeerPlan plan;
    plan.name = words.at(1);
    plan.host = simulation_.network.add_host("host-" + plan.name);
    for (HostId other = 0; other < simulation_.network.hosts(); ++other) {
      simulation_.network.path(plan.host, other).jitter = Duration(1);
      simulation_.network.path(other, plan.host).jitter = Duration(1);
    }
    plan.primary = home;
    if (words.at(2) != "none") {
      plan.reads = server(words.at(2));
      plan.primary = simulation_.database.server(*plan.reads).system;
    }
    plan.options.datagrams = false;  // each frame is told as it goes over a connection
    for (std::size_t i = 3; i < words.size(); ++i) choose(plan, words, i);
    start(plan);
  }

  // The options of the peer: "late 50ms", "held 400", "past".
  static void choose(PeerPlan& plan, const Words& words, std::size_t& i) {
    const auto& option = words[i];
    if (option == "past") {
      plan.options.from = From::earliest;
    } else if (option == "late" || option == "drop") {
      plan.options.overdue = option == "late" ? Overdue::late : Overdue::drop;
      plan.options.overdue_after = duration_of(words.at(++i));
    } else if (option == "held" || option == "kept") {
      (option == "held" ? plan.options.held_bytes : plan.options.retain_bytes) =
          std::stoul(words.at(++i));
    } else {
      refuse("a peer has no option '" + option + "'");
    }
  }

  void start(const PeerPlan& plan) {
    lives_[plan.name] = simulation_.start(plan);
    simulation_.subscribe(lives_[plan.name], topics, true);
  }

  // "change 3 sync", and on which server, if several are primaries.
  void change(const Words& words) {
    const bool strange = words.at(2) == "foreign";
    auto primary = simulation_.database.primary_of(strange ? foreign : home);
    if (words.size() > 3) primary = server(words[3]);
    if (!primary) refuse("no primary is up");
    if (words.at(2) == "tail") return simulation_.database.tail(*primary, seconds(10));
    changes_[words.at(1)] =
        simulation_.database.commit(*primary, words.at(2) != "async", milliseconds(200));
  }

  void publish(const Words& words) {
    Simulation::Publication made;
    made.note.at = simulation_.events.now();
    made.dependency = NoChange{};
    const auto& kind = words.at(2);
    if (kind != "nothing") {
      made.note.change = changes_.at(words.at(3));
      const bool placed = kind == "position" || kind == "bare" || kind == "told";
      made.note.kind = placed ? Note::Kind::position : Note::Kind::after_commit;
      const auto& change = simulation_.history.change(made.note.change);
      auto position = simulation_.database.position_of(change.place);
      if (kind != "bare") position.after = change.begin;
      if (kind == "told") {
        position = simulation_.database.by_number(position, server(words.at(4)));
        made.note.told_by = position.branch.server_started();
      }
      if (placed) made.dependency = position;
      if (kind == "after" || kind == "durable") made.dependency = AfterCommit{kind == "durable"};
    }
    simulation_.publish(life(words.at(1)), {made});
  }

  // By hand: as far as a change, and a byte more or less.
  void replay(const Words& words) {
    auto& it = simulation_.database.server(server(words.at(1)));
    it.lsn = simulation_.history.change(changes_.at(words.at(2))).place.lsn;
    if (words.size() > 3) it.lsn += static_cast<std::uint64_t>(std::stol(words[3]));
  }

  // Without what only says that all is well, unless it was asked for.
  [[nodiscard]] std::string shown(const std::string& lines) const {
    if (speaks_) return lines;
    std::istringstream stream(lines);
    std::string kept;
    for (std::string line; std::getline(stream, line);) {
      bool dull = line.find(" has replayed at") != std::string::npos;
      for (const auto* frame : {"hello", "welcome", "ready next", "listening", "heartbeat"}) {
        const bool lost = line.ends_with("LOST");
        dull = dull || (!lost && line.find(std::string("  ") + frame) != std::string::npos);
      }
      if (!dull) kept += line + "\n";
    }
    return kept;
  }

  Trace trace_;
  Simulation simulation_;
  std::map<std::string, LifeId> lives_;
  std::map<std::string, ChangeId> changes_;
  bool speaks_ = false;
};

const std::map<std::string, Scenario::Command>& Scenario::commands() {
  static const std::map<std::string, Command> all = {
      {"cluster", [](Scenario& s, const Words& w) { s.add_cluster("", home, w.at(1)); }},
      {"foreign", [](Scenario& s, const Words& w) { s.add_cluster("f", foreign, w.at(1)); }},
      {"peer", [](Scenario& s, const Words& w) { s.add_peer(w); }},
      {"change", [](Scenario& s, const Words& w) { s.change(w); }},
      {"publish", [](Scenario& s, const Words& w) { s.publish(w); }},
      {"run", [](Scenario& s, const Words& w) { s.simulation_.run_for(duration_of(w.at(1))); }},
      {"pause",
       [](Scenario& s, const Words& w) { s.simulation_.database.pause(s.server(w.at(1)), true); }},
      {"resume",
       [](Scenario& s, const Words& w) { s.simulation_.database.pause(s.server(w.at(1)), false); }},
      {"replay", [](Scenario& s, const Words& w) { s.replay(w); }},
      {"detach",
       [](Scenario& s, const Words& w) { s.simulation_.database.detach(s.server(w.at(1)), true); }},
      {"attach", [](Scenario& s,
                    const Words& w) { s.simulation_.database.detach(s.server(w.at(1)), false); }},
      {"crash",
       [](Scenario& s, const Words& w) { s.simulation_.database.crash(s.server(w.at(1))); }},
      {"restart", [](Scenario& s,
                     const Words& w) { s.simulation_.database.restart(s.server(w.at(1)), false); }},
      {"rewind", [](Scenario& s,
                    const Words& w) { s.simulation_.database.restart(s.server(w.at(1)), true); }},
      {"promote",
       [](Scenario& s, const Words& w) { s.simulation_.database.promote(s.server(w.at(1))); }},
      {"promote-apart",
       [](Scenario& s, const Words& w) {
         s.simulation_.database.promote_apart(s.server(w.at(1)));
       }},
      {"back-as-primary",
       [](Scenario& s, const Words& w) {
         s.simulation_.database.come_back(s.server(w.at(1)), true);
       }},
      {"back-as-standby",
       [](Scenario& s, const Words& w) {
         s.simulation_.database.come_back(s.server(w.at(1)), false);
       }},
      {"disconnect",
       [](Scenario& s, const Words& w) { s.simulation_.sessions.drop(s.life(w.at(1))); }},
      {"kill", [](Scenario& s, const Words& w) { s.simulation_.kill(s.life(w.at(1))); }},
      {"return",
       [](Scenario& s, const Words& w) {
         s.start(PeerPlan(s.simulation_.peer(s.life(w.at(1))).plan));
       }},
      {"leave", [](Scenario& s, const Words& w) { s.simulation_.leave(s.life(w.at(1))); }},
      {"stall", [](Scenario& s, const Words& w) { s.simulation_.stall(s.life(w.at(1)), true); }},
      {"wake", [](Scenario& s, const Words& w) { s.simulation_.stall(s.life(w.at(1)), false); }},
      {"stop", [](Scenario& s, const Words& w) { s.simulation_.demand(s.life(w.at(1)), false); }},
      {"take", [](Scenario& s, const Words& w) { s.simulation_.demand(s.life(w.at(1)), true); }},
      {"drop",
       [](Scenario& s, const Words& w) {
         s.simulation_.network.path(s.host(w.at(1)), s.host(w.at(2))).drop = std::stoul(w.at(3));
       }},
      {"twice",
       [](Scenario& s, const Words& w) {
         auto& path = s.simulation_.network.path(s.host(w.at(1)), s.host(w.at(2)));
         path.duplicates = w.at(3) == "on" ? 1'000'000 : 0;
       }},
      {"cut",
       [](Scenario& s, const Words& w) {
         for (const auto& [from, to] : {std::pair(1U, 2U), std::pair(2U, 1U)}) {
           auto& path = s.simulation_.network.path(s.host(w.at(from)), s.host(w.at(to)));
           path.cut = path.swallows = true;
         }
       }},
      {"half-close",
       [](Scenario& s, const Words& w) {
         s.simulation_.network.half_close(s.host(w.at(1)), s.host(w.at(2)));
       }},
      {"heal",
       [](Scenario& s, const Words&) {
         for (HostId a = 0; a < s.simulation_.network.hosts(); ++a) {
           for (HostId b = 0; b < s.simulation_.network.hosts(); ++b)
             s.simulation_.network.open(a, b);
         }
       }},
      {"speak", [](Scenario& s, const Words&) { s.speaks_ = true; }},
      {"mute", [](Scenario& s, const Words&) { s.speaks_ = false; }},
  };
  return all;
}

std::string read(const std::string& file) {
  std::ifstream stream(file);
  std::stringstream contents;
  contents << stream.rdbuf();
  return contents.str();
}

// The first line that is another one.
std::string difference(const std::string& expected, const std::string& seen) {
  std::istringstream left(expected);
  std::istringstream right(seen);
  std::string before;
  std::string after;
  for (int number = 1;; ++number) {
    const bool more = static_cast<bool>(std::getline(left, before));
    const bool also = static_cast<bool>(std::getline(right, after));
    if (!more && !also) return "";
    if (more && also && before == after) continue;
    return "line " + std::to_string(number) + "\n  expected: " + (more ? before : "the end") +
           "\n  seen:     " + (also ? after : "the end") + "\n";
  }
}

}  // namespace

std::string play_scenario(const std::string& text) {
  Scenario scenario;
  std::istringstream lines(text);
  std::string played;
  bool output = false;
  for (std::string line; std::getline(lines, line);) {
    if (output) {
      output = !line.empty();
    } else if (line == "----") {
      output = true;
    } else if (line.empty() || line.starts_with('#')) {
      played += line + "\n";
    } else {
      played += line + "\n";
      const auto said = scenario.run(line);
      if (!said.empty()) played += "----\n" + said + "\n";
    }
  }
  return played;
}

std::string check_scenario(const std::string& file, bool rewrite) {
  const auto expected = read(file);
  if (expected.empty()) return file + " can't be read\n";
  const auto seen = play_scenario(expected);
  if (rewrite) {
    std::ofstream(file) << seen;
    return "";
  }
  const auto differs = difference(expected, seen);
  return differs.empty() ? "" : file + ", " + differs;
}

}  // namespace tidegate::sim
