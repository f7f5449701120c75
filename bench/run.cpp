#include "bench/run.hpp"

#include <algorithm>
#include <stdexcept>

#include "bench/records.hpp"
#include "bench/start_worker.hpp"
#include "peer/io/clock.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_start = 40s;
constexpr Duration longest_silence = 15s;  // after the last message: what is missing then is lost

class Run {
 public:
  Run(std::string program, const Carrier& carrier, std::string address, const Plan& plan)
      : program_(std::move(program)),
        carrier_(carrier),
        address_(std::move(address)),
        plan_(plan) {}

  Outcome make() {
    for (std::size_t i = 0; i < plan_.receivers; ++i) {
      receivers_.push_back(start({"receiver", file(i)}));
    }
    for (auto& receiver : receivers_) receiver.expect("ready", longest_start);
    auto sender = start({"sender"});
    sender.expect("ready", longest_start);
    sender.tell("go");
    const auto length =
        plan_.interval * static_cast<Duration::rep>(plan_.count + plan_.warm_up) + 60s;
    std::int64_t begin = 0;
    Outcome outcome;
    sender.expect("sent", length) >> begin >> outcome.sender_grown;
    std::int64_t end = begin;
    const auto bound = io::clock_now() + longest_silence;
    for (std::size_t i = 0; i < plan_.receivers; ++i) {
      end = std::max(end, collect(i, bound, outcome));
    }
    outcome.seconds = static_cast<double>(end - begin) / 1e9;
    std::ranges::sort(outcome.lateness);
    std::vector<support::Worker*> workers{&sender};
    for (auto& receiver : receivers_) workers.push_back(&receiver);
    support::dismiss(workers, longest_leaving);
    return outcome;
  }

 private:
  [[nodiscard]] std::string file(std::size_t receiver) const {
    return directory_.path() / std::to_string(receiver);
  }

  [[nodiscard]] support::Worker start(const std::vector<std::string>& role) const {
    std::vector<std::string> arguments = {carrier_.name,
                                          address_,
                                          std::to_string(plan_.receivers),
                                          std::to_string(plan_.size),
                                          std::to_string(plan_.count),
                                          std::to_string(plan_.warm_up),
                                          std::to_string(plan_.interval.count())};
    arguments.insert(arguments.end(), role.begin(), role.end());
    return start_worker(program_, std::move(arguments));
  }

  // Adds what one receiver got; when its last message came.
  std::int64_t collect(std::size_t i, Instant bound, Outcome& outcome) {
    auto& receiver = receivers_[i];
    if (!receiver.speaks(std::max<Duration>(0s, bound - io::clock_now()))) receiver.tell("stop");
    std::int64_t last = 0;
    std::int64_t grown = 0;
    receiver.expect("got", longest_start) >> last >> grown;
    outcome.receiver_grown = std::max(outcome.receiver_grown, grown);
    const auto got = read_records<std::int64_t>(file(i));
    outcome.lateness.insert(outcome.lateness.end(), got.begin(), got.end());
    outcome.lost += plan_.count - std::min(got.size(), plan_.count);
    return last;
  }

  std::string program_;
  const Carrier& carrier_;
  std::string address_;
  Plan plan_;
  support::TemporaryDirectory directory_{"bench"};
  std::vector<support::Worker> receivers_;
};

}  // namespace

Outcome run(const std::string& program, const Carrier& carrier, const std::string& address,
            const Plan& plan) {
  try {
    return Run(program, carrier, address, plan).make();
  } catch (const std::exception& error) {
    Outcome outcome;
    outcome.failure = error.what();
    return outcome;
  }
}

}  // namespace tidegate::bench
