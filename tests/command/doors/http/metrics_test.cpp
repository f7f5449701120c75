// /metrics: the whole text is read by a strict reader, and compared with what the peer knows and
// with docs/monitoring.md, the dashboard and the rules that are shipped.
#include "command/doors/http/metrics.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/command/doors/http/prometheus_text.hpp"
#include "tests/paths.hpp"
#include "tests/support/contains.hpp"

using namespace std::chrono_literals;
using namespace tidegate;
using namespace tidegate::testing;
using json_lines::PeerReport;

namespace {

PeerStatus peer(const std::string& name, std::uint64_t incarnation, PeerState state) {
  PeerStatus status;
  status.origin.incarnation = incarnation;
  status.name = name;
  status.host = "10.0.0.7";
  status.direct_port = 17901;
  status.state = state;
  status.lag = incarnation;
  return status;
}

// One that knows something of everything.
PeerReport full() {
  PeerReport report;
  report.name = "web-1";
  report.mesh = "default";
  report.gated = true;
  report.tide.emplace().replayed = 4096;
  report.held = 3;
  report.held_bytes = 500;
  report.held_longest = 1500ms;
  report.held_first.emplace().offset = 5000;
  report.database.asked = report.database.up = report.primary.asked = true;
  report.seeds = {{.seed = "a:1", .unanswered = 2s}, {.seed = "a:1"}};
  report.peers = {peer("b", 1, PeerState::ready), peer("c", 2, PeerState::suspect)};
  report.troubles = {{.kind = Trouble::Kind::replay_still}};
  report.door.emplace();
  report.removal.emplace();
  return report;
}

std::set<std::string> families(const PeerReport& report) {
  std::set<std::string> names;
  for (const auto& [name, type] : read_scrape(http_door::metrics_text(report, "1")).types) {
    names.insert(name);
  }
  return names;
}

// Those of metrics in a file; of a histogram that of the family.
std::set<std::string> names_in(const std::string& path) {
  std::ifstream file(std::string(TIDEGATE_SOURCE_ROOT) + "/" + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(!text.empty());
  static const std::regex name("tidegate_[a-z_]+");
  std::set<std::string> names;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), name); it != std::sregex_iterator();
       ++it) {
    auto found = it->str();
    if (found.ends_with("_bucket")) found.resize(found.size() - 7);
    names.insert(found);
  }
  return names;
}

Scrape scrape(const PeerReport& report) {
  return read_scrape(http_door::metrics_text(report, "1"));
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("metrics are text that Prometheus reads, with names and units as it wants them") {
  CHECK(all_of(scrape(full()).problems) == "");
  CHECK(all_of(scrape({}).problems) == "");
}

TEST_CASE("a reader of metrics that is as strict as it says refuses what is wrong") {
  const std::string head = "# HELP tidegate_a Of a.\n# TYPE tidegate_a gauge\n";
  CHECK(read_scrape(head + "tidegate_a 1\n").problems.empty());
  for (const std::string wrong : {"tidegate_a 1", "tidegate_a 1\ntidegate_a 2\n", "tidegate_b 1\n",
                                  "tidegate_a{x=\"\"y\"} 1\n", "tidegate_a{x=\"\\t\"} 1\n",
                                  "tidegate_a -1\n", "tidegate_a one\n", "\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read_scrape(head + wrong).problems.empty());
  }
  for (const std::string wrong :
       {"# HELP tidegate_a_ms A.\n# TYPE tidegate_a_ms gauge\n",
        "# HELP tidegate_a_total A.\n# TYPE tidegate_a_total gauge\n",
        "# HELP tidegate_a A.\n# TYPE tidegate_a counter\n", "# TYPE tidegate_a gauge\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read_scrape(wrong).problems.empty());
  }
  const std::string buckets = "# HELP tidegate_s_seconds S.\n# TYPE tidegate_s_seconds histogram\n";
  for (const std::string wrong :
       {"tidegate_s_seconds_bucket{le=\"1\"} 2\ntidegate_s_seconds_bucket{le=\"+Inf\"} 1\n"
        "tidegate_s_seconds_count 1\n",
        "tidegate_s_seconds_bucket{le=\"1\"} 1\ntidegate_s_seconds_count 1\n",
        "tidegate_s_seconds_bucket{le=\"+Inf\"} 2\ntidegate_s_seconds_count 1\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read_scrape(buckets + wrong).problems.empty());
  }
}

TEST_CASE("each counter of the status is a metric with its value") {
  auto report = full();
  std::uint64_t next = 1'000'000;
  for (const auto& [name, count] : counter_names) report.counters.*count = next++;
  for (const auto& [name, count] : stomp_door::door_counter_names) (*report.door).*count = next++;
  const auto text = http_door::metrics_text(report, "1");
  for (std::uint64_t value = 1'000'000; value < next; ++value) {
    CAPTURE(value);
    CHECK(contains(text, " " + std::to_string(value) + "\n"));
  }
}

TEST_CASE("gauges say what the status says, in seconds and bytes") {
  auto samples = scrape(full()).samples;
  CHECK(samples["tidegate_peer_info{version=\"1\",mesh=\"default\",peer=\"web-1\"}"] == 1);
  CHECK(samples["tidegate_replay_lag_seconds"] == 1.5);
  CHECK(samples["tidegate_held_messages"] == 3);
  CHECK(samples["tidegate_held_bytes"] == 500);
  CHECK(samples["tidegate_server_up{server=\"database\"}"] == 1);
  CHECK(samples["tidegate_server_up{server=\"primary\"}"] == 0);
  CHECK(samples["tidegate_troubles{kind=\"replay_still\"}"] == 1);
  CHECK(samples["tidegate_troubles{kind=\"database_down\"}"] == 0);
  CHECK(samples["tidegate_peers{state=\"ready\"}"] == 1);
  CHECK(samples["tidegate_peers{state=\"gone\"}"] == 0);
  CHECK(samples["tidegate_peer_ready{peer=\"c\",address=\"10.0.0.7:17901\"}"] == 0);
  CHECK(samples["tidegate_peer_lag_messages{peer=\"c\",address=\"10.0.0.7:17901\"}"] == 2);
}

TEST_CASE("a lag that nobody knows is absent, not zero") {
  auto report = full();
  report.tide.reset();
  CHECK_FALSE(scrape(report).samples.contains("tidegate_replay_lag_seconds"));
}

TEST_CASE("a peer that was restarted at its address is one series, and those that left are none") {
  auto report = full();
  report.peers = {peer("b", 2, PeerState::hello), peer("b", 1, PeerState::suspect),
                  peer("c", 1, PeerState::gone), peer("d", 1, PeerState::left)};
  const auto read = scrape(report);
  CHECK(all_of(read.problems) == "");
  CHECK(read.samples.at("tidegate_peer_lag_messages{peer=\"b\",address=\"10.0.0.7:17901\"}") == 2);
  for (const auto& sample : read.samples) {
    const auto& name = sample.first;
    CAPTURE(name);
    CHECK(name.find("peer=\"c\"") == std::string::npos);
    CHECK(name.find("peer=\"d\"") == std::string::npos);
  }
}

TEST_CASE("a name that others choose can't break out of its label") {
  auto report = full();
  report.name = "a\"} 1\nfake\\";
  report.peers.front().name = "\xff\"x";
  const auto read = scrape(report);
  CHECK(all_of(read.problems) == "");
  CHECK(read.samples.contains(
      "tidegate_peer_info{version=\"1\",mesh=\"default\",peer=\"a\\\"} 1\\nfake\\\\\"}"));
  CHECK(read.samples.contains("tidegate_peer_ready{peer=\"\\\"x\",address=\"10.0.0.7:17901\"}"));
}

TEST_CASE("durations are counted in the bucket whose bound they don't exceed") {
  PeerReport report;
  auto& held = report.timings.held;
  for (const Duration time : {0ns, 100'000ns, 100'001ns, 250'000ns}) held.add(time);
  held.add(300s);
  held.add(301s);
  auto samples = scrape(report).samples;
  CHECK(samples["tidegate_held_seconds_bucket{le=\"0.0001\"}"] == 2);
  CHECK(samples["tidegate_held_seconds_bucket{le=\"0.00025\"}"] == 4);
  CHECK(samples["tidegate_held_seconds_bucket{le=\"100\"}"] == 4);
  CHECK(samples["tidegate_held_seconds_bucket{le=\"300\"}"] == 5);
  CHECK(samples["tidegate_held_seconds_bucket{le=\"+Inf\"}"] == 6);
  CHECK(samples["tidegate_held_seconds_count"] == 6);
  CHECK(samples["tidegate_held_seconds_sum"] == doctest::Approx(601.00045));
}

TEST_CASE("every duration is in the first bucket that takes it") {
  for (const auto bound : Histogram::bounds) {
    for (const auto time : {bound - 1ns, bound, bound + 1ns}) {
      Histogram one;
      one.add(time);
      std::size_t expected = 0;
      while (expected < Histogram::bounds.size() && time > Histogram::bounds[expected]) ++expected;
      CAPTURE(time.count());
      CHECK(one.counts[expected] == 1);
    }
  }
}

TEST_CASE("docs/monitoring.md has each metric, and no other") {
  CHECK(names_in("docs/monitoring.md") == families(full()));
}

TEST_CASE("the dashboard and the alert rules name metrics that exist") {
  const auto known = families(full());
  for (const std::string path : {"docs/monitoring/dashboard.json", "docs/monitoring/alerts.yml"}) {
    CAPTURE(path);
    const auto used = names_in(path);
    CHECK(used.size() > 5);
    for (const auto& name : used) {
      CAPTURE(name);
      CHECK(known.contains(name));
    }
  }
}
