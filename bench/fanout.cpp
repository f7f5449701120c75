#include "bench/fanout.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/brokers.hpp"
#include "bench/run.hpp"
#include "bench/statistics.hpp"

namespace tidegate::bench {
namespace {

constexpr auto* reference = "libzmq";
constexpr auto* least = "floor-udp";

// The rounds of one system with one number of receivers. Microseconds, and deliveries a second.
struct Series {
  std::vector<double> p50, p99, most, rate;
  std::vector<double> sender_grown, receiver_grown;  // MB
  std::vector<std::pair<double, double>> curve;      // share and microseconds, of the last round
  std::size_t lost = 0;
  std::size_t runs = 0;
  std::string failure;
};

using Key = std::pair<std::size_t, std::string>;  // receivers, system

class Fanout {
 public:
  Fanout(const Settings& settings, Report& report)
      : settings_(settings),
        report_(report),
        brokers_(settings.systems, settings.transport, report) {}

  void run() {
    for (std::size_t round = 1; round <= settings_.rounds; ++round) {
      for (const auto receivers : settings_.peers) {
        for (const auto* carrier : brokers_.carriers()) {
          report_.progress(fmt::format("fanout: round {} of {}, {} to {}", round, settings_.rounds,
                                       carrier->title, receivers));
          measure_paced(*carrier, receivers);
          if (!carrier->floor) measure_flood(*carrier, receivers);
        }
      }
    }
    report_.progress("");
    print("Paced", paced_, false);
    print("Flood", flood_, true);
    keep("paced", paced_);
    keep("flood", flood_);
  }

 private:
  void measure_paced(const Carrier& carrier, std::size_t receivers) {
    Plan plan;
    plan.receivers = receivers;
    plan.size = settings_.size;
    plan.interval = Duration(1'000'000'000 / static_cast<Duration::rep>(settings_.rate));
    plan.count = static_cast<std::size_t>(settings_.seconds * static_cast<double>(settings_.rate));
    plan.warm_up = settings_.rate / 4;
    add(paced_[{receivers, carrier.name}], carrier, plan);
  }

  void measure_flood(const Carrier& carrier, std::size_t receivers) {
    Plan plan;
    plan.receivers = receivers;
    plan.size = settings_.size;
    plan.count = settings_.burst;
    add(flood_[{receivers, carrier.name}], carrier, plan);
  }

  void add(Series& series, const Carrier& carrier, const Plan& plan) {
    const auto outcome = bench::run(settings_.program, carrier, brokers_.address(carrier), plan);
    if (!outcome.failure.empty()) {
      series.failure = outcome.failure;
      return;
    }
    ++series.runs;
    series.lost += outcome.lost;
    series.p50.push_back(percentile(outcome.lateness, 0.5) / 1e3);
    series.p99.push_back(percentile(outcome.lateness, 0.99) / 1e3);
    series.most.push_back(percentile(outcome.lateness, 1) / 1e3);
    series.sender_grown.push_back(static_cast<double>(outcome.sender_grown) / 1e6);
    series.receiver_grown.push_back(static_cast<double>(outcome.receiver_grown) / 1e6);
    series.curve.clear();
    for (const auto share : {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999}) {
      series.curve.emplace_back(share, percentile(outcome.lateness, share) / 1e3);
    }
    series.rate.push_back(static_cast<double>(outcome.lateness.size()) / outcome.seconds);
  }

  // The median of the ratios of one round each: what disturbed a round disturbed both.
  static std::string ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
    if (ours.empty() || ours.size() != theirs.size()) return "-";
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / theirs[i]);
    return fmt::format("{:.2f}", median(ratios));
  }

  void print(const std::string& title, std::map<Key, Series>& all, bool flood) {
    Table table;
    table.title =
        flood
            ? fmt::format("{}: {} messages of {} B at once, medians of {} rounds", title,
                          settings_.burst, settings_.size, settings_.rounds)
            : fmt::format("{}: {} messages of {} B a second for {} s, medians of {} rounds", title,
                          settings_.rate, settings_.size, settings_.seconds, settings_.rounds);
    table.head = flood ? std::vector<std::string>{"system",   "receivers", "deliveries/s",
                                                  "x libzmq", "p50 ms",    "lost"}
                       : std::vector<std::string>{
                             "system", "receivers", "p50 us",           "x libzmq", "x floor",
                             "p99 us", "max us",    "grown MB: sender", "receiver", "lost"};
    for (const auto receivers : settings_.peers) {
      for (const auto* carrier : brokers_.carriers()) {
        const auto& series = all[{receivers, carrier->name}];
        const auto& other = all[{receivers, reference}];
        const auto& floor = all[{receivers, least}];
        if (!series.failure.empty()) table.notes.push_back(carrier->title + ": " + series.failure);
        if (series.runs == 0) continue;
        std::vector<std::string> row{carrier->title, std::to_string(receivers)};
        if (flood) {
          row.insert(row.end(), {rounded(median(series.rate)), ratio(series.rate, other.rate),
                                 rounded(median(series.p50) / 1e3)});
        } else {
          row.insert(row.end(), {rounded(median(series.p50)), ratio(series.p50, other.p50),
                                 ratio(series.p50, floor.p50), rounded(median(series.p99)),
                                 rounded(median(series.most)), rounded(median(series.sender_grown)),
                                 rounded(median(series.receiver_grown))});
        }
        row.push_back(std::to_string(series.lost));
        table.rows.push_back(row);
      }
    }
    report_.add(table);
  }

  void keep(const std::string& name, const std::map<Key, Series>& all) {
    auto& list = report_.figures["fanout"][name] = nlohmann::json::array();
    for (const auto& [key, series] : all) {
      if (series.runs == 0) continue;
      list.push_back({{"receivers", key.first},
                      {"system", key.second},
                      {"p50_us", series.p50},
                      {"p99_us", series.p99},
                      {"max_us", series.most},
                      {"deliveries_per_second", series.rate},
                      {"sender_grown_mb", series.sender_grown},
                      {"receiver_grown_mb", series.receiver_grown},
                      {"curve", series.curve},
                      {"lost", series.lost}});
    }
  }

  const Settings& settings_;
  Report& report_;
  Brokers brokers_;
  std::map<Key, Series> paced_;
  std::map<Key, Series> flood_;
};

}  // namespace

void bench_fanout(const Settings& settings, Report& report) { Fanout(settings, report).run(); }

}  // namespace tidegate::bench
