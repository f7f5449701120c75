#include "demo/stage.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

#include <unistd.h>

#include "demo/layout.hpp"
#include "demo/member.hpp"
#include "demo/screen.hpp"
#include "demo/summary.hpp"
#include "demo/tally.hpp"
#include "peer/io/clock.hpp"
#include "support/cluster.hpp"
#include "support/port.hpp"
#include "support/replay_sampler.hpp"
#include "support/worker.hpp"

namespace tidegate::demo {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_meeting = 20s;
constexpr Duration longest_silence = 10s;  // beyond the apply delay: what is missing then is lost

struct Member {
  std::string name;  // in the mesh
  support::Worker worker;
};

class Stage {
 public:
  Stage(std::string program, const Settings& settings)
      : program_(std::move(program)), settings_(settings), tally_(settings.rows) {}

  int run() {
    introduce();
    raise_servers();
    start_members();
    wait_until_met();
    watch();
    return conclude();
  }

 private:
  void introduce();
  void raise_servers();
  void start_members();
  void wait_until_met();
  void watch();
  void check_servers();
  int conclude();

  void start(const std::string& name, const std::string& title,
             const std::vector<std::string>& arguments);
  void listen(Duration bound);
  void hear(Member& member);
  [[nodiscard]] std::vector<support::Worker*> workers();
  void show_progress();

  [[nodiscard]] bool complete() const {
    return tally_.ungated.complete() && tally_.gated.complete();
  }
  [[nodiscard]] std::size_t meetings(std::vector<std::string>& lines) const;

  const std::string program_;
  const Settings settings_;
  Screen screen_;
  Tally tally_;
  Instant heard_;  // the last report

  // In the order in which they end, from below.
  std::optional<support::Cluster> cluster_;
  support::Server* replica_ = nullptr;
  std::optional<support::ReplaySampler> sampler_;
  std::vector<Member> members_;
};

void Stage::introduce() {
  const auto delay = settings_.delay.count();
  screen_.print("tidegate demo: the same announcements, without the gate and with it\n");
  screen_.print(wrapped(
      "A writer commits " + std::to_string(settings_.rows) +
      " rows on a primary and announces each of them. On every announcement two "
      "readers, one of them gated, look for the row on a streaming replica" +
      (delay > 0 ? ", which applies each commit " + std::to_string(delay) + " ms after it was made."
                 : " without any artificial delay.")));
  screen_.print("");
}

void Stage::raise_servers() {
  const auto begin = io::clock_now();
  screen_.show({"servers   making a private primary and a replica of it ..."}, "");
  cluster_.emplace(support::ClusterOptions{.own_identity = true});
  auto& primary = cluster_->primary();
  primary.execute("CREATE TABLE rows (id integer PRIMARY KEY)");
  replica_ = &cluster_->add_replica({.name = "replica", .apply_delay = settings_.delay});
  sampler_.emplace(replica_->connection_string());
  screen_.print("servers   a private primary and its replica, PostgreSQL " +
                primary.value("SELECT split_part(current_setting('server_version'), ' ', 1)") +
                ", ready in " + seconds(io::clock_now() - begin));
}

void Stage::start_members() {
  const Mesh mesh{"demo-" + std::to_string(::getpid()), support::unused_port()};
  const auto port = std::to_string(mesh.beacon_port);
  const auto primary = cluster_->primary().connection_string();
  const auto replica = replica_->connection_string();
  start(ungated_name, "the ungated reader", {"reader", mesh.name, port, ungated_name, "", replica});
  start(gated_name, "the gated reader", {"reader", mesh.name, port, gated_name, replica, replica});
  start(writer_name, "the writer",
        {"writer", mesh.name, port, primary, std::to_string(settings_.rows)});
}

void Stage::start(const std::string& name, const std::string& title,
                  const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {program_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  members_.push_back({name, support::Worker(title, std::move(command))});
}

// Of each pair that has met, a line; how many those are.
std::size_t Stage::meetings(std::vector<std::string>& lines) const {
  constexpr std::array<std::array<const char*, 2>, 3> pairs{
      {{writer_name, ungated_name}, {writer_name, gated_name}, {ungated_name, gated_name}}};
  for (const auto& [a, b] : pairs) {
    const auto took = tally_.joining(a, b);
    if (took) lines.push_back(meeting_line(a, b, *took));
  }
  return lines.size();
}

void Stage::wait_until_met() {
  const auto end = io::clock_now() + longest_meeting;
  std::vector<std::string> lines;
  while (meetings(lines) < 3) {
    if (io::clock_now() > end) throw std::runtime_error("the processes did not find each other");
    lines.clear();
    listen(50ms);
  }
  screen_.print("mesh      three processes, no broker, no configuration: they found each other");
  screen_.print("          by beacon on lo. After the later one had started, it took");
  for (const auto& line : lines) screen_.print(line);
  screen_.print("");
}

void Stage::watch() {
  while (!complete() && io::clock_now() < heard_ + settings_.delay + longest_silence) {
    show_progress();
    listen(50ms);
    check_servers();
  }
}

void Stage::check_servers() {
  for (auto* server : {&cluster_->primary(), replica_}) {
    if (!server->running()) throw std::runtime_error("the " + server->name() + " has ended");
  }
}

void Stage::show_progress() {
  const auto committed = static_cast<int>(tally_.committed().size());
  if (committed == 0) return;
  const auto& ungated = tally_.ungated;
  const auto& gated = tally_.gated;
  const auto row = [](const std::string& label, int a, int b) {
    return table_line(label, std::to_string(a), std::to_string(b));
  };
  // A line is worth its place once both readers have something to show.
  const auto line = gated.delivered() == 0
                        ? ""
                        : of(committed, settings_.rows) + " rows committed; too early: ungated " +
                              of(ungated.early(), ungated.delivered()) + ", gated " +
                              of(gated.early(), gated.delivered());
  screen_.show({progress_bar(committed, settings_.rows), "", table_head(),
                row("announcements received", ungated.delivered(), gated.delivered()),
                row("  the row was readable", ungated.readable(), gated.readable()),
                row("  the row was not there yet", ungated.early(), gated.early())},
               line);
}

// Takes in all that the members have told, after waiting for it as long as `bound`.
void Stage::listen(Duration bound) {
  support::wait_for_lines(workers(), bound);
  for (auto& member : members_) hear(member);
}

void Stage::hear(Member& member) {
  const auto& title = member.worker.name();
  while (const auto line = member.worker.line(Duration::zero())) {
    const auto report = parse_report(*line);
    if (!report) throw std::runtime_error(title + " said '" + *line + "'");
    heard_ = io::clock_now();
    if (const auto* failed = std::get_if<Failed>(&*report)) {
      check_servers();  // whose end is the cause, mostly
      throw std::runtime_error(title + ": " + failed->what);
    }
    if (const auto* noted = std::get_if<Noted>(&*report)) {
      screen_.print(title + ": " + noted->what);
    } else {
      tally_.add(member.name, *report);
    }
  }
  member.worker.check();
}

std::vector<support::Worker*> Stage::workers() {
  std::vector<support::Worker*> all;
  for (auto& member : members_) all.push_back(&member.worker);
  return all;
}

int Stage::conclude() {
  sampler_->stop();
  support::dismiss(workers(), 5s);
  members_.clear();
  screen_.print(table_head());
  for (const auto& line : figures(tally_, *sampler_)) screen_.print(line);
  screen_.print("");
  const auto verdict = judge(tally_, settings_);
  for (const auto& line : verdict.words) screen_.print(line);
  return verdict.as_it_must ? 0 : 1;
}

}  // namespace

int run_stage(const std::string& program, const Settings& settings) {
  return Stage(program, settings).run();
}

}  // namespace tidegate::demo
