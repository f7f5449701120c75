#include "tests/sim/run.hpp"

#include "tests/sim/simulation.hpp"
#include "tests/sim/summary_line.hpp"
#include "tests/sim/workload.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A peer that was given up is found again by the next beacon, at most five seconds later, and a
// replica that was left behind is copied and caught up by then.
constexpr Duration healing_patience = seconds(30);
constexpr Duration settling_patience = seconds(5);
// Until frames of a path that was slow have arrived: later ones wait behind them.
constexpr Duration longest_way = seconds(2);
// Until everybody has said twice how far it is.
constexpr Duration two_heartbeats = milliseconds(1500);

// Somebody always writes. So a failover that was taken back is known to be before long.
void write_on_all_primaries(Database& database) {
  for (ServerId id = 0; id < database.size(); ++id) {
    if (database.server(id).primary && database.server(id).up) (void)database.commit(id, true);
  }
}

// Runs until everything is settled.
void settle(Simulation& simulation, Duration patience) {
  const auto until = simulation.events.now() + patience;
  while (!simulation.broken()) {
    write_on_all_primaries(simulation.database);
    simulation.run_for(milliseconds(100));
    if (simulation.broken()) return;
    const bool database = simulation.database.settled();
    const auto unsettled = simulation.unsettled();
    if (database && unsettled.empty()) return;
    if (simulation.events.now() < until) continue;
    simulation.oracle.fail(
        "L1", "healed, and still " + (database ? unsettled : std::string("a server is behind")));
  }
}

Outcome run_mesh(std::uint64_t seed, Trace& trace) {
  base::Random random(seed);
  const auto profile = draw_profile(random);
  trace.record({}, "run", [&](base::JsonLine& line) { line.add("form", 1).add("seed", seed); });
  Simulation simulation(random.next(), trace);
  Chaos chaos(simulation, base::Random(random.next()), profile);
  Workload workload(simulation, base::Random(random.next()), profile);

  chaos.set_up();
  chaos.start();
  workload.start(Workload::Mood::wild);
  simulation.run_for(profile.chaos);
  workload.stop();
  if (trace.on()) trace.line(simulation.events.elapsed(), "-- healing");
  if (!simulation.broken()) chaos.heal();
  settle(simulation, healing_patience);
  if (trace.on()) trace.line(simulation.events.elapsed(), "-- healed");
  simulation.run_for(longest_way);
  settle(simulation, healing_patience);  // with what was lost before, and is repaired now
  simulation.oracle.calm(simulation.events.now());
  trace.record(simulation.events.elapsed(), "calm", [](auto&) {});
  workload.start(Workload::Mood::calm);
  simulation.run_for(seconds(1));
  workload.stop();
  settle(simulation, settling_patience);
  simulation.run_for(two_heartbeats);
  settle(simulation, settling_patience);
  if (!simulation.broken()) simulation.oracle.finish();
  if (!simulation.broken()) simulation.oracle.finish_questions(simulation.events.now());
  if (const auto what = simulation.needless_connection(); !what.empty()) {
    simulation.oracle.fail("links", what);
  }

  if (!simulation.broken()) trace.record(simulation.events.elapsed(), "end", [](auto&) {});

  Outcome outcome;
  outcome.violation = simulation.oracle.violation();
  outcome.simulated = simulation.events.elapsed();
  outcome.steps = simulation.steps;
  outcome.totals = simulation.oracle.totals();
  outcome.chaos = chaos.counts();
  return outcome;
}

}  // namespace

Outcome run_seed(std::uint64_t seed, Trace& trace, Worlds worlds) {
  Outcome outcome;
  if (worlds != Worlds::outbox) outcome = run_mesh(seed, trace);
  // The trace ends with what failed.
  if (worlds == Worlds::mesh || outcome.violation) return outcome;
  outcome.outbox = run_outbox_seed(seed, trace);
  outcome.violation = outcome.outbox.violation;
  return outcome;
}

void Outcome::add(const Outcome& other) {
  simulated += other.simulated;
  steps += other.steps;
  totals.add(other.totals);
  chaos.faults += other.chaos.faults;
  chaos.peer_crashes += other.chaos.peer_crashes;
  chaos.server_crashes += other.chaos.server_crashes;
  chaos.promotions += other.chaos.promotions;
  outbox.add(other.outbox);
}

std::string summary(const Outcome& outcome) {
  const auto& t = outcome.totals;
  const auto& c = outcome.chaos;
  std::string text;
  const auto line = [&text](const std::string& name, std::uint64_t number) {
    summary_line(text, name, number);
  };
  line("simulated seconds",
       static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(outcome.simulated).count()));
  line("steps", outcome.steps);
  line("published", t.published);
  line("sent", t.sent);
  line("delivered", t.delivered);
  line("missing", t.missing);
  line("expired", t.expired);
  line("overdue", t.overdue);
  line("late", t.late);
  line("orphaned", t.orphaned);
  line("in doubt", t.in_doubt);
  line("  of which still there", t.in_doubt_but_there);
  line("foreign", t.foreign);
  line("unpublished", t.unpublished);
  line("undone", t.undone);
  line("received", t.received);
  line("  peers named", t.without);
  line("streams resumed", t.resumed);
  line("questions answered", t.questions);
  line("accounted for at the end", t.checked_at_end);
  line("faults", c.faults);
  line("peers crashed or left", c.peer_crashes);
  line("servers crashed", c.server_crashes);
  line("promotions", c.promotions);
  return text + summary(outcome.outbox);
}

}  // namespace tidegate::sim
