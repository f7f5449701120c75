#include "bench/gate_run.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "bench/records.hpp"
#include "bench/server_cpu.hpp"
#include "bench/stamp.hpp"
#include "bench/start_worker.hpp"
#include "peer/io/clock.hpp"
#include "support/replay_sampler.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::bench {
namespace {

GateRun judge(const std::vector<std::int64_t>& committed, const std::vector<Seen>& seen,
              const std::optional<support::ReplaySampler>& sampler) {
  GateRun outcome;
  if (sampler) outcome.watched_each = sampler->interval().count();
  outcome.rows = seen.size();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    outcome.stale += seen[i].stale > 0 ? 1 : 0;
    if (seen[i].read == 0) {
      ++outcome.missed;
      continue;
    }
    outcome.to_read.push_back(seen[i].read - committed[i]);
    outcome.timeline.emplace_back(static_cast<double>(committed[i] - committed[0]) / 1e9,
                                  static_cast<double>(seen[i].read - committed[i]) / 1e6);
    const auto replayed = sampler ? sampler->replayed_after(Lsn{seen[i].lsn}) : std::nullopt;
    if (!replayed) continue;
    outcome.to_replayed.push_back(nanoseconds(*replayed) - committed[i]);
    outcome.to_arrived.push_back(seen[i].arrived - nanoseconds(*replayed));
    outcome.held.push_back(seen[i].held);
    const auto met = seen[i].arrived - seen[i].held;
    outcome.excess.push_back(seen[i].arrived - std::max(nanoseconds(*replayed), met));
    if (seen[i].stale == 0) outcome.reading.push_back(seen[i].read - seen[i].arrived);
  }
  for (auto* times : {&outcome.to_read, &outcome.to_replayed, &outcome.to_arrived, &outcome.held,
                      &outcome.excess, &outcome.reading}) {
    std::ranges::sort(*times);
  }
  return outcome;
}

}  // namespace

GateRun run_gate(const std::string& program, support::Server& primary, support::Server& replica,
                 const GatePlan& plan) {
  const support::TemporaryDirectory directory("gate");
  const auto file = [&](const char* name) { return (directory.path() / name).string(); };
  std::vector<std::int64_t> due;
  for (const auto& time : plan.due) due.push_back(time.count());
  write_records(file("due"), due);

  primary.execute("TRUNCATE rows");
  wait_for_replica(primary, replica);
  const auto& cure = plan.cure;
  const auto& server = cure.on_primary ? plan.places.primary : plan.places.replica;
  std::optional<support::ReplaySampler> sampler;
  if (plan.watched) sampler.emplace(replica.connection_string());

  auto checker = start_worker(
      program, {"row_checker", plan.announcer, plan.places.mesh, plan.places.primary,
                plan.places.replica, server, std::to_string(cure.first_pause.count()),
                std::to_string(cure.pause.count()), std::to_string(due.size()), file("seen")});
  checker.expect("ready", longest_start);
  auto committer =
      start_worker(program, {"committer", plan.announcer, plan.places.mesh, plan.places.primary,
                             plan.places.replica, file("due"), file("committed")});
  committer.expect("ready", longest_start);
  const auto primary_before = server_cpu(primary);
  const auto replica_before = server_cpu(replica);
  committer.tell("go");
  double questions = 0;
  committer.expect("sent", plan.due.back() + longest_silence) >> questions;
  if (!checker.speaks(longest_silence)) checker.tell("stop");
  double queries = 0;
  double polls = 0;
  double cpu = 0;
  checker.expect("got", longest_start) >> queries >> polls >> cpu;
  const auto primary_spent = server_cpu(primary) - primary_before;
  const auto replica_spent = server_cpu(replica) - replica_before;
  if (sampler) sampler->stop();
  support::dismiss({&committer, &checker}, longest_leaving);

  auto outcome = judge(read_records<std::int64_t>(file("committed")),
                       read_records<Seen>(file("seen")), sampler);
  const auto rows = static_cast<double>(due.size());
  outcome.queries = (queries + polls + questions) / rows;
  outcome.reader_cpu = cpu / rows;
  outcome.primary_cpu = primary_spent / rows / 1e3;
  outcome.replica_cpu = replica_spent / rows / 1e3;
  return outcome;
}

void wait_for_replica(support::Server& primary, support::Server& replica) {
  const auto lsn = primary.value("SELECT pg_current_wal_lsn()");
  const auto bound = io::clock_now() + longest_start;
  while (replica.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") != "t") {
    if (io::clock_now() > bound) throw std::runtime_error("the replica does not follow");
  }
}

}  // namespace tidegate::bench
