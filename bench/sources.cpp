#include "bench/sources.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/carriers/missing.hpp"
#include "bench/gate_run.hpp"
#include "bench/member.hpp"
#include "bench/schedule.hpp"
#include "bench/start_worker.hpp"
#include "bench/statistics.hpp"
#include "support/cluster.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t writers_of_a_flood = 8;

// For the slots: the primary logs what they need, and keeps the rows of its catalogue that the
// replica's still needs. All sources are measured with it.
constexpr auto* config = R"(
wal_level = logical
hot_standby_feedback = on
)";

// In the order of the rounds; medians are shown.
struct Figures {
  std::map<std::string, std::vector<double>> of;  // by their names
  std::size_t rows = 0;                           // of the paced runs
  std::size_t stale = 0;
  std::size_t announced = 0;  // in all runs
  std::size_t missed = 0;
  std::string failure;

  [[nodiscard]] double typical(const std::string& name) const {
    const auto found = of.find(name);
    return found == of.end() ? 0 : median(found->second);
  }
};

class SourcesBench {
 public:
  SourcesBench(const Settings& settings, Report& report) : settings_(settings), report_(report) {}

  void run() {
    report_.progress("sources: making a primary and a replica");
    auto& primary = cluster_.primary();
    primary.execute("CREATE TABLE rows (id integer PRIMARY KEY)");
    primary.execute(outbox_schema());
    for (const auto& source : sources()) {
      if (!source.schema.empty()) primary.execute(source.schema);
    }
    replica_ = &cluster_.add_replica({.name = "replica", .slot = true});
    replica_->append_config(
        fmt::format("recovery_min_apply_delay = {}ms\n", settings_.lags.front()));
    version_ = std::stoi(primary.value("SHOW server_version_num"));
    for (std::size_t round = 1; round <= settings_.rounds; ++round) {
      measure_writers(nullptr, plain_, round);
      for (const auto& source : sources()) {
        if (source.least_version <= version_) measure(source, round);
      }
    }
    report_.progress("");
    print();
  }

 private:
  // As a user has it.
  static std::string outbox_schema() {
    const auto tidegate = tidegate_program();
    if (tidegate.empty()) throw std::runtime_error("the program tidegate is not built");
    return support::run({.arguments = {tidegate, "outbox", "--sql"}}, longest_start);
  }

  [[nodiscard]] Places places() {
    return {.mesh = mesh_address(settings_.transport),
            .primary = cluster_.primary().connection_string(),
            .replica = replica_->connection_string()};
  }

  // A failure spoils one run, not the others.
  template <typename Run>
  void attempt(Figures& figures, const Run& run) {
    try {
      run();
    } catch (const std::exception& error) {
      figures.failure = error.what();
    }
  }

  void measure(const Source& source, std::size_t round) {
    auto& figures = figures_[source.name];
    for (const auto rate : settings_.rates) {
      if (rate == 0) continue;
      report_.progress(fmt::format("sources: round {} of {}, {} a second, {}", round,
                                   settings_.rounds, rate, source.title));
      attempt(figures, [&] { measure_paced(source, rate, figures); });
    }
    measure_writers(&source, figures, round);
  }

  void measure_paced(const Source& source, std::size_t rate, Figures& figures) {
    const auto run = run_gate(settings_.program, cluster_.primary(), *replica_,
                              {.announcer = source.name,
                               .places = places(),
                               .cure = {},
                               .due = paced(rate, settings_.seconds).due});
    figures.rows += run.rows;
    figures.stale += run.stale;
    figures.announced += run.rows;
    figures.missed += run.missed;
    const auto note = [&](const std::string& name, double value) {
      figures.of[fmt::format("{}_at_{}", name, rate)].push_back(value);
    };
    note("readable_ms_p50", percentile(run.to_read, 0.5) / 1e6);
    note("readable_ms_p99", percentile(run.to_read, 0.99) / 1e6);
    note("reader_cpu_us", run.reader_cpu);
    note("primary_cpu_us", run.primary_cpu);
    note("replica_cpu_us", run.replica_cpu);
  }

  void measure_writers(const Source* source, Figures& figures, std::size_t round) {
    report_.progress(fmt::format("sources: round {} of {}, the cost to writers, {}", round,
                                 settings_.rounds, source != nullptr ? source->title : "plain"));
    attempt(figures, [&] {
      const auto [rate, ignored] = flood(source, writers_of_a_flood, figures);
      const auto [unused, time] = flood(source, 1, figures);
      figures.of["commits_per_second"].push_back(rate);
      figures.of["commit_us"].push_back(time);
    });
  }

  struct Flood {
    double rate = 0;  // commits a second
    double time = 0;  // of one commit at p50, us
  };

  Flood flood(const Source* source, std::size_t writers, Figures& figures) {
    cluster_.primary().execute("TRUNCATE rows");
    wait_for_replica(cluster_.primary(), *replica_);
    const auto at = places();
    const auto name = source != nullptr ? source->name : "";
    std::vector<support::Worker> listeners;
    listeners.reserve(1);
    if (source != nullptr) {
      listeners.push_back(
          start_worker(settings_.program, {"listener", name, at.mesh, at.primary, at.replica}));
      listeners.front().expect("ready", longest_start);
    }
    const auto length = std::chrono::round<Duration>(
        std::chrono::duration<double>(std::min(settings_.seconds, 2.0)));
    auto committers =
        start_worker(settings_.program, {"writers", name, at.mesh, at.primary, at.replica,
                                         std::to_string(writers), std::to_string(length.count())});
    committers.expect("ready", longest_start);
    committers.tell("go");
    std::size_t rows = 0;
    Flood result;
    committers.expect("wrote", length + longest_silence) >> rows >> result.time;
    result.rate = static_cast<double>(rows) / std::chrono::duration<double>(length).count();
    for (auto& listener : listeners) {
      listener.tell(std::to_string(rows));
      std::size_t heard = 0;
      listener.expect("heard", longest_silence) >> heard;
      figures.announced += rows;
      figures.missed += rows - std::min(rows, heard);
      support::dismiss({&committers, &listener}, longest_leaving);
    }
    if (listeners.empty()) support::dismiss({&committers}, longest_leaving);
    return result;
  }

  // One table, though its columns are of three kinds of runs: they are read together.
  void print() {
    Table table;
    table.title = fmt::format(
        "Announcements, PostgreSQL {}, the replica delayed by {} ms: medians of {} rounds",
        version_ / 10'000, settings_.lags.front(), settings_.rounds);
    table.head = {"source", "heard at"};
    for (const auto rate : settings_.rates) {
      if (rate == 0) continue;
      table.head.push_back(fmt::format("{}/s: readable p50 ms", rate));
      table.head.emplace_back("p99");
    }
    for (const auto* name : {"stale", "missed", "8 writers, commits/s", "x plain",
                             "1 writer, commit p50 us", "x plain"}) {
      table.head.emplace_back(name);
    }
    table.rows.push_back(row("a plain insert", "-", plain_));
    report_.figures["sources"].push_back(json("plain", plain_));
    for (const auto& source : sources()) {
      const auto& figures = figures_[source.name];
      if (!figures.failure.empty()) {
        table.notes.push_back(source.title + ": " + figures.failure);
      }
      if (source.least_version > version_) {
        table.notes.push_back(fmt::format("{}: needs PostgreSQL {}; ./dev bench gate --postgres={}",
                                          source.title, source.least_version / 10'000,
                                          source.least_version / 10'000));
        continue;
      }
      table.rows.push_back(row(source.title, source.heard, figures));
      report_.figures["sources"].push_back(json(source.name, figures));
    }
    report_.add(table);
  }

  std::vector<std::string> row(const std::string& title, const std::string& heard,
                               const Figures& figures) {
    std::vector<std::string> cells = {title, heard};
    const bool plain = &figures == &plain_;
    for (const auto rate : settings_.rates) {
      if (rate == 0) continue;
      for (const auto* name : {"readable_ms_p50", "readable_ms_p99"}) {
        cells.push_back(plain ? "-"
                              : rounded(figures.typical(fmt::format("{}_at_{}", name, rate))));
      }
    }
    cells.push_back(plain ? "-" : fmt::format("{} of {}", figures.stale, figures.rows));
    cells.push_back(plain ? "-" : fmt::format("{} of {}", figures.missed, figures.announced));
    for (const auto* name : {"commits_per_second", "commit_us"}) {
      cells.push_back(rounded(figures.typical(name)));
      cells.push_back(rounded(ratio(figures, name)));
    }
    return cells;
  }

  // The median of the ratios within a round.
  [[nodiscard]] double ratio(const Figures& figures, const std::string& name) {
    std::vector<double> ratios;
    const auto& own = figures.of.contains(name) ? figures.of.at(name) : std::vector<double>();
    const auto& base = plain_.of[name];
    for (std::size_t i = 0; i < std::min(own.size(), base.size()); ++i) {
      ratios.push_back(own[i] / base[i]);
    }
    return median(ratios);
  }

  static nlohmann::json json(const std::string& name, const Figures& figures) {
    nlohmann::json entry = figures.of;
    entry["source"] = name;
    entry["stale"] = figures.stale;
    entry["rows"] = figures.rows;
    entry["missed"] = figures.missed;
    entry["announced"] = figures.announced;
    return entry;
  }

  const Settings& settings_;
  Report& report_;
  support::Cluster cluster_{{.config = config}};
  support::Server* replica_ = nullptr;
  int version_ = 0;
  Figures plain_;
  std::map<std::string, Figures> figures_;
};

}  // namespace

void bench_sources(const Settings& settings, Report& report) {
  SourcesBench(settings, report).run();
}

}  // namespace tidegate::bench
