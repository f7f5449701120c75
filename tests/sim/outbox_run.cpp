#include "tests/sim/outbox_run.hpp"

#include <vector>

#include "tests/sim/outbox_chaos.hpp"
#include "tests/sim/summary_line.hpp"

namespace tidegate::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A replica that was left behind is copied, and the slowest reader has gone through all rows.
constexpr Duration healing_patience = seconds(120);
constexpr std::uint64_t home = 7;

// Runs until it is so.
template <typename Condition>
void wait_until(OutboxWorld& world, const char* what, Condition condition) {
  const auto until = world.events.now() + healing_patience;
  while (!world.broken() && !condition()) {
    world.run_for(milliseconds(200));
    if (world.events.now() >= until) return world.oracle.fail("L1", std::string("healed: ") + what);
  }
}

}  // namespace

OutboxOutcome run_outbox_seed(std::uint64_t seed, Trace& trace, bool files_lie) {
  base::Random random(seed);
  const auto profile = draw_outbox_profile(random);
  OutboxWorld world(random.next(), profile, trace);
  world.files_lie = files_lie;
  OutboxChaos chaos(world, base::Random(random.next()), profile);
  chaos.set_up();
  world.start();
  chaos.start();
  world.run_for(profile.chaos);
  if (trace.on()) trace.line(world.events.elapsed(), "-- healing");
  if (!world.broken()) chaos.heal();
  world.stop_sessions();
  wait_until(world, "a server is behind", [&] { return world.database.settled(); });
  wait_until(world, "a cursor has not begun", [&] { return world.all_have_begun(); });
  if (!world.broken()) world.announce_last(home);
  if (trace.on()) trace.line(world.events.elapsed(), "-- healed");
  wait_until(world, "rows are not done", [&] { return world.all_are_done(); });
  // One that is broken has ended where it was, perhaps without a primary.
  if (!world.broken()) {
    world.oracle.finish(world.database.server(*world.database.primary_of(home)).place());
  }

  OutboxOutcome outcome;
  outcome.violation = world.oracle.violation();
  outcome.simulated = world.events.elapsed();
  outcome.counts = world.counts;
  outcome.faults = chaos.faults();
  outcome.promotions = chaos.promotions();
  return outcome;
}

void OutboxOutcome::add(const OutboxOutcome& other) {
  simulated += other.simulated;
  counts.add(other.counts);
  faults += other.faults;
  promotions += other.promotions;
}

std::string summary(const OutboxOutcome& outcome) {
  std::string text;
  const auto line = [&text](const std::string& name, std::uint64_t number) {
    summary_line(text, name, number);
  };
  const auto& c = outcome.counts;
  text += "of the outbox\n";
  line("simulated seconds",
       static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(outcome.simulated).count()));
  line("announced", c.announced);
  line("readings", c.readings);
  line("rows handed out", c.delivered);
  line("  of which again", c.again);
  line("told as removed", c.removed);
  line("told as undone", c.undone);
  line("told as foreign", c.foreign);
  line("peers restarted", c.restarts);
  line("faults", outcome.faults);
  line("promotions", outcome.promotions);
  return text;
}

}  // namespace tidegate::sim
