// The benches, tiny, so that they never rot: every figure comes, and nothing is left.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/paths.hpp"

using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

struct Outcome {
  int status = -1;
  std::string said;
  nlohmann::json figures;
};

Outcome bench(std::vector<std::string> arguments) {
  const TemporaryDirectory scratch("b");
  const TemporaryDirectory results("r");
  const auto json = results.path() / "figures.json";
  arguments.insert(arguments.begin(), TIDEGATE_BENCH);
  arguments.insert(arguments.end(), {"--rounds", "1", "--json", json.string()});
  Process process({.arguments = std::move(arguments),
                   .environment = {{"TEST_SCRATCH", scratch.path()}},
                   .output = Stream::pipe,
                   .errors = Stream::merge});
  Outcome outcome;
  while (const auto line = process.read_line(100s)) outcome.said += *line + "\n";
  if (const auto exit = process.wait(10s)) outcome.status = exit->status;
  CHECK(std::filesystem::is_empty(scratch.path()));
  if (std::filesystem::exists(json)) outcome.figures = nlohmann::json::parse(std::ifstream(json));
  return outcome;
}

}  // namespace

TEST_CASE("the fan-out bench measures each system, paced and in a flood, and loses nothing") {
  const auto outcome = bench({"fanout", "--systems", "tidegate,tidegate-thread,tidegate-key,libzmq",
                              "--peers", "2", "--seconds", "0.2", "--burst", "200"});
  CAPTURE(outcome.said);
  REQUIRE(outcome.status == 0);
  for (const auto* part : {"paced", "flood"}) {
    const auto& list = outcome.figures.at("fanout").at(part);
    REQUIRE(list.size() == 4);
    for (const auto& entry : list) {
      CHECK(entry.at("lost") == 0);
      CHECK(entry.at("p50_us").at(0).get<double>() > 0);
      CHECK(entry.at("deliveries_per_second").at(0).get<double>() > 0);
      CHECK(entry.at("receiver_grown_mb").size() == 1);
    }
  }
}

TEST_CASE(
    "over Unix sockets the fan-out bench measures those that have them, and names the others") {
  const auto outcome = bench({"fanout", "--systems", "tidegate,libzmq,notify", "--transport", "ipc",
                              "--peers", "2", "--seconds", "0.2", "--burst", "200"});
  CAPTURE(outcome.said);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.said.find("LISTEN/NOTIFY does not take part") != std::string::npos);
  const auto& paced = outcome.figures.at("fanout").at("paced");
  REQUIRE(paced.size() == 2);
  for (const auto& entry : paced) CHECK(entry.at("lost") == 0);
}

TEST_CASE("the gate bench finds no stale read behind the gate, and all of them without it") {
  const auto outcome = bench({"gate", "--systems", "tidegate", "--rates", "50", "--seconds", "0.4",
                              "--bursts", "0", "--speeds", "0", "--lags", "1000"});
  CAPTURE(outcome.said);
  REQUIRE(outcome.status == 0);
  const auto& runs = outcome.figures.at("gate").at("runs");
  REQUIRE(runs.size() == 6);
  CHECK(runs.at(0).at("cure") == "gate");
  CHECK(runs.at(0).at("stale") == 0);
  CHECK(runs.at(0).at("replayed_to_delivered_us_p50").at(0).get<double>() > 0);
  CHECK(runs.at(0).at("excess_us_p50").at(0).get<double>() > 0);
  CHECK(runs.at(1).at("stale") == 20);
  CHECK(runs.at(2).at("stale") == 20);
  CHECK(runs.at(0).at("replica_cpu_us").at(0).get<double>() > 0);
  for (const auto& run : runs) CHECK(run.at("rows") == 20);
}

TEST_CASE("the gate bench replays a recorded build") {
  const auto outcome = bench({"gate", "--systems", "libzmq", "--rates", "0", "--bursts", "0",
                              "--speeds", "40", "--lags", "0"});
  CAPTURE(outcome.said);
  REQUIRE(outcome.status == 0);
  for (const auto& run : outcome.figures.at("gate").at("runs")) CHECK(run.at("rows") == 347);
}

TEST_CASE(
    "of each source all rows are heard, too early from the primary and never from a replica") {
  const auto outcome = bench({"sources", "--rates", "50", "--seconds", "0.4", "--lags", "300"});
  CAPTURE(outcome.said);
  REQUIRE(outcome.status == 0);
  std::set<std::string> names;
  for (const auto& source : outcome.figures.at("sources")) {
    const auto name = source.at("source").get<std::string>();
    CAPTURE(name);
    names.insert(name);
    CHECK(source.at("commits_per_second").at(0).get<double>() > 0);
    CHECK(source.at("missed") == 0);
    if (name == "plain") continue;
    const auto from_primary =
        name == "transaction-notify" || name == "polled" || name == "slot-primary";
    CHECK(source.at("stale") == (from_primary ? 20 : 0));
    CHECK(source.at("readable_ms_p50_at_50").at(0).get<double>() > 250);
  }
  CHECK(names.size() >= 7);
}

TEST_CASE("the join and the catch-up bench measure") {
  const auto join = bench({"join", "--peers", "2", "--quiet", "0.2"});
  CAPTURE(join.said);
  REQUIRE(join.status == 0);
  CHECK(join.figures.at("join").at(0).at("ready_ms").at(0).get<double>() > 0);
  const auto catchup = bench({"catchup"});
  CAPTURE(catchup.said);
  REQUIRE(catchup.status == 0);
  CHECK(catchup.figures.at("catchup").at("requests").at(0).get<double>() > 0);
}

TEST_CASE("a bench names the word that it does not know") {
  const auto outcome = bench({"fanout", "--systems", "carrier-pigeons"});
  CHECK(outcome.status == 2);
  CHECK(outcome.said.find("carrier-pigeons") != std::string::npos);
}
