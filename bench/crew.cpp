#include "crew.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "peer/clock.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;
using testing::Process;
using testing::Stream;

constexpr Duration longest_start = 40s;
constexpr Duration longest_silence = 15s;  // after the last message: what is missing then is lost

class Crew {
 public:
  Crew(std::string program, const Carrier& carrier, std::string address, const Plan& plan)
      : program_(std::move(program)),
        carrier_(carrier),
        address_(std::move(address)),
        plan_(plan) {}

  Outcome run() {
    for (std::size_t i = 0; i < plan_.receivers; ++i) {
      receivers_.push_back(start({"receiver", file(i)}));
    }
    for (auto& receiver : receivers_) expect(receiver, "ready", longest_start);
    auto sender = start({"sender"});
    expect(sender, "ready", longest_start);
    sender.write("go\n");
    const auto length =
        plan_.interval * static_cast<Duration::rep>(plan_.count + plan_.warm_up) + 60s;
    std::int64_t begin = 0;
    expect(sender, "sent", length) >> begin;
    Outcome outcome;
    std::int64_t end = begin;
    const auto bound = clock_now() + longest_silence;
    for (std::size_t i = 0; i < plan_.receivers; ++i) {
      end = std::max(end, collect(i, bound, outcome));
    }
    outcome.seconds = static_cast<double>(end - begin) / 1e9;
    std::ranges::sort(outcome.lateness);
    sender.close_input();
    for (auto& receiver : receivers_) receiver.close_input();
    for (auto& receiver : receivers_) receiver.wait(5s);
    sender.wait(5s);
    return outcome;
  }

 private:
  [[nodiscard]] std::string file(std::size_t receiver) const {
    return directory_.path() / std::to_string(receiver);
  }

  [[nodiscard]] Process start(const std::vector<std::string>& role) const {
    std::vector<std::string> arguments = {program_,
                                          "worker",
                                          carrier_.name,
                                          address_,
                                          std::to_string(plan_.receivers),
                                          std::to_string(plan_.size),
                                          std::to_string(plan_.count),
                                          std::to_string(plan_.warm_up),
                                          std::to_string(plan_.interval.count())};
    arguments.insert(arguments.end(), role.begin(), role.end());
    return Process({.arguments = arguments,
                    .input = Stream::pipe,
                    .output = Stream::pipe,
                    .errors = Stream::pipe});
  }

  // What stands behind the word.
  static std::istringstream expect(Process& process, const std::string& word, Duration bound) {
    const auto line = process.read_line(bound);
    if (line && line->starts_with(word)) return std::istringstream(line->substr(word.size()));
    std::string complaint = process.read_error_line(0s).value_or(
        line ? "a process said '" + *line + "'" : "a process did not say '" + word + "' in time");
    throw std::runtime_error(complaint);
  }

  // Adds what one receiver got; when its last message came.
  std::int64_t collect(std::size_t i, Instant bound, Outcome& outcome) {
    auto& receiver = receivers_[i];
    if (!testing::readable(receiver.output(), std::max<Duration>(0s, bound - clock_now()))) {
      receiver.write("stop\n");
    }
    std::size_t got = 0;
    std::int64_t last = 0;
    expect(receiver, "got", longest_start) >> got >> last;
    const auto before = outcome.lateness.size();
    outcome.lateness.resize(before + got);
    std::ifstream(file(i), std::ios::binary)
        .read(reinterpret_cast<char*>(outcome.lateness.data() + before),
              static_cast<std::streamsize>(got * sizeof(std::int64_t)));
    outcome.lost += plan_.count - std::min(got, plan_.count);
    return last;
  }

  std::string program_;
  const Carrier& carrier_;
  std::string address_;
  Plan plan_;
  testing::TemporaryDirectory directory_{"bench"};
  std::vector<Process> receivers_;
};

}  // namespace

Outcome run(const std::string& program, const Carrier& carrier, const std::string& address,
            const Plan& plan) {
  try {
    return Crew(program, carrier, address, plan).run();
  } catch (const std::exception& error) {
    Outcome outcome;
    outcome.failure = error.what();
    return outcome;
  }
}

double percentile(const std::vector<std::int64_t>& ascending, double p) {
  if (ascending.empty()) return 0;
  const auto rank = static_cast<std::size_t>(p * static_cast<double>(ascending.size() - 1));
  return static_cast<double>(ascending[rank]);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace tidegate::bench
