#include "bench/gate.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/brokers.hpp"
#include "bench/gate_run.hpp"
#include "bench/schedule.hpp"
#include "bench/statistics.hpp"
#include "support/cluster.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// The carrier, and how the reader makes sure.
struct Contestant {
  std::string title;
  const Carrier* carrier = nullptr;
  Cure cure;
};

class GateBench {
 public:
  GateBench(const Settings& settings, Report& report)
      : settings_(settings),
        report_(report),
        brokers_(settings.systems, settings.transport, report) {}

  void run() {
    choose_contestants();
    report_.progress("gate: making a primary and a replica");
    cluster_.primary().execute("CREATE TABLE rows (id integer PRIMARY KEY)");
    replica_ = &cluster_.add_replica({.name = "replica"});
    report_.figures["gate"] = {{"lag", nlohmann::json::array()},
                               {"timeline", nlohmann::json::array()},
                               {"runs", nlohmann::json::array()}};
    for (const auto lag : settings_.lags) {
      delay_replica(lag);
      // One workload is enough to see the effect of the lag.
      auto list = workloads();
      if (lag != settings_.lags.front()) list.resize(std::min<std::size_t>(list.size(), 1));
      for (const auto& workload : list) measure(workload, lag);
    }
  }

 private:
  void delay_replica(std::size_t milliseconds) {
    replica_->append_config("recovery_min_apply_delay = " + std::to_string(milliseconds) + "ms\n");
  }

  void choose_contestants() {
    for (const auto* carrier : brokers_.carriers()) {
      // The gate is the same for every driver of the loop, and knows no key.
      if (carrier->floor || carrier->name.starts_with("tidegate-")) continue;
      if (carrier->name == "tidegate") {
        contestants_.push_back({"tidegate", carrier, {.name = "gate", .gated = true}});
        contestants_.push_back({"tidegate, no gate", carrier, {.name = "read again each 1 ms"}});
        contestants_.push_back(
            {"tidegate, no gate", carrier, {.name = "read again each 0.1 ms", .pause = 100us}});
      } else {
        contestants_.push_back({carrier->title, carrier, {.name = "read again each 1 ms"}});
      }
    }
    if (!contestants_.empty()) {
      const auto* carrier = contestants_.front().carrier;
      contestants_.push_back(
          {carrier->title, carrier, {.name = "sleep 0.1 s", .first_pause = 100ms, .pause = 100ms}});
      contestants_.push_back(
          {carrier->title, carrier, {.name = "sleep 0.5 s", .first_pause = 500ms, .pause = 500ms}});
      contestants_.push_back(
          {carrier->title, carrier, {.name = "read the primary", .on_primary = true}});
    }
  }

  [[nodiscard]] std::vector<Workload> workloads() const {
    std::vector<Workload> list;
    for (const auto rate : settings_.rates) {
      if (rate > 0) list.push_back(paced(rate, settings_.seconds));
    }
    if (settings_.bursts > 0) list.push_back(bursts(settings_.bursts));
    for (const auto speed : settings_.speeds) {
      if (speed > 0) list.push_back(buildbot(settings_.trace, speed));
    }
    return list;
  }

  void measure(const Workload& workload, std::size_t lag) {
    std::vector<std::vector<GateRun>> outcomes(contestants_.size());
    for (std::size_t round = 1; round <= settings_.rounds; ++round) {
      for (std::size_t i = 0; i < contestants_.size(); ++i) {
        const auto& contestant = contestants_[i];
        report_.progress(fmt::format("gate: {}, round {} of {}, {}, {}", workload.name, round,
                                     settings_.rounds, contestant.title, contestant.cure.name));
        auto outcome = try_run(contestant, workload, false);
        // A watcher of the replica takes processor time from all others, so that is another run.
        if (contestant.cure.gated && outcome.failure.empty()) {
          auto watched = try_run(contestant, workload, true);
          outcome.to_replayed = std::move(watched.to_replayed);
          outcome.to_arrived = std::move(watched.to_arrived);
          outcome.held = std::move(watched.held);
          outcome.excess = std::move(watched.excess);
          outcome.reading = std::move(watched.reading);
          outcome.watched_each = watched.watched_each;
          outcome.failure = watched.failure;
        }
        outcomes[i].push_back(std::move(outcome));
      }
    }
    report_.progress("");
    print(workload, lag, outcomes);
  }

  GateRun try_run(const Contestant& contestant, const Workload& workload, bool watched) {
    const auto& cure = contestant.cure;
    const GatePlan plan{.announcer = cure.gated ? "mesh" : contestant.carrier->name,
                        .places = {.mesh = brokers_.address(*contestant.carrier),
                                   .primary = cluster_.primary().connection_string(),
                                   .replica = replica_->connection_string()},
                        .cure = cure,
                        .due = workload.due,
                        .watched = watched};
    try {
      auto outcome = run_gate(settings_.program, cluster_.primary(), *replica_, plan);
      if (outcome.missed > 0) outcome.failure = "a row was not read";
      return outcome;
    } catch (const std::exception& error) {
      GateRun outcome;
      outcome.failure = error.what();
      return outcome;
    }
  }

  // By name, a figure for each round.
  using Figures = std::map<std::string, std::vector<double>>;

  static Figures figures_of(const std::vector<GateRun>& outcomes) {
    Figures all;
    for (const auto& outcome : outcomes) {
      if (!outcome.failure.empty()) continue;
      const auto note = [&](const std::string& name, const auto& times, double unit) {
        if (times.empty()) return;
        all[name + "_p50"].push_back(percentile(times, 0.5) / unit);
        all[name + "_p99"].push_back(percentile(times, 0.99) / unit);
      };
      note("commit_to_read_ms", outcome.to_read, 1e6);
      note("commit_to_replayed_ms", outcome.to_replayed, 1e6);
      note("replayed_to_delivered_us", outcome.to_arrived, 1e3);
      note("held_us", outcome.held, 1e3);
      note("excess_us", outcome.excess, 1e3);
      note("reading_us", outcome.reading, 1e3);
      if (outcome.watched_each > 0) {
        all["watched_each_us"].push_back(static_cast<double>(outcome.watched_each) / 1e3);
      }
      all["queries"].push_back(outcome.queries);
      all["cpu_us"].push_back(outcome.reader_cpu);
      all["primary_cpu_us"].push_back(outcome.primary_cpu);
      all["replica_cpu_us"].push_back(outcome.replica_cpu);
    }
    return all;
  }

  static std::string watched_note(Figures& all) {
    const auto pair = [&](const std::string& name, const char* unit) {
      return fmt::format("p50 {} {}, p99 {} {}", rounded(median(all[name + "_p50"])), unit,
                         rounded(median(all[name + "_p99"])), unit);
    };
    return "tidegate: commit -> replayed " + pair("commit_to_replayed_ms", "ms") +
           "; replayed -> delivered " + pair("replayed_to_delivered_us", "us") +
           ", of that in the gate " + pair("held_us", "us") + "; excess " +
           pair("excess_us", "us") + "; one reading of a row " + pair("reading_us", "us") +
           "; watched each " + rounded(median(all["watched_each_us"])) + " us";
  }

  void print(const Workload& workload, std::size_t lag,
             const std::vector<std::vector<GateRun>>& outcomes) {
    Table table;
    table.title =
        fmt::format("Gate, {}, the replica delayed by {} ms: {} rows, medians of {} rounds",
                    workload.name, lag, workload.due.size(), settings_.rounds);
    table.head = {"carrier",
                  "cure",
                  "stale",
                  "commit->read p50 ms",
                  "p99 ms",
                  "queries/row",
                  "CPU us/row: reader",
                  "primary",
                  "replica"};
    for (std::size_t i = 0; i < contestants_.size(); ++i) {
      std::size_t stale = 0;
      std::size_t rows = 0;
      for (const auto& outcome : outcomes[i]) {
        if (!outcome.failure.empty()) {
          table.notes.push_back(contestants_[i].title + ": " + outcome.failure);
          continue;
        }
        stale += outcome.stale;
        rows += outcome.rows;
      }
      if (rows == 0) continue;
      auto all = figures_of(outcomes[i]);
      table.rows.push_back(
          {contestants_[i].title, contestants_[i].cure.name, fmt::format("{} of {}", stale, rows),
           rounded(median(all["commit_to_read_ms_p50"])),
           rounded(median(all["commit_to_read_ms_p99"])), rounded(median(all["queries"])),
           rounded(median(all["cpu_us"])), rounded(median(all["primary_cpu_us"])),
           rounded(median(all["replica_cpu_us"]))});
      if (contestants_[i].cure.gated) {
        table.notes.push_back(watched_note(all));
      }
      nlohmann::json figures = all;
      figures["carrier"] = contestants_[i].carrier->name;
      figures["cure"] = contestants_[i].cure.name;
      figures["workload"] = workload.name;
      figures["lag_ms"] = lag;
      figures["stale"] = stale;
      figures["rows"] = rows;
      report_.figures["gate"]["runs"].push_back(figures);
      keep_for_pictures(contestants_[i], workload, lag, stale, rows, outcomes[i].back());
    }
    report_.add(table);
  }

  // The part that plot.cpp draws: the first workload.
  void keep_for_pictures(const Contestant& contestant, const Workload& workload, std::size_t lag,
                         std::size_t stale, std::size_t rows, const GateRun& last) {
    if (workload.name != workloads().front().name) return;
    const auto& cure = contestant.cure;
    const auto title = contestant.title + ", " + cure.name;
    if (cure.first_pause == 0s && !cure.on_primary) {
      report_.figures["gate"]["lag"].push_back(
          {{"title", title}, {"lag_ms", lag}, {"stale", stale}, {"rows", rows}});
    }
    if (lag == settings_.lags.front()) {
      report_.figures["gate"]["timeline"].push_back({{"title", title}, {"points", last.timeline}});
    }
  }

  const Settings& settings_;
  Report& report_;
  Brokers brokers_;
  std::vector<Contestant> contestants_;
  support::Cluster cluster_;
  support::Server* replica_ = nullptr;
};

}  // namespace

void bench_gate(const Settings& settings, Report& report) { GateBench(settings, report).run(); }

}  // namespace tidegate::bench
