#include "bench/worker.hpp"

#include <cstdint>
#include <iostream>
#include <vector>

#include "bench/records.hpp"
#include "bench/resident.hpp"
#include "bench/stamp.hpp"
#include "bench/worker_costs.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_meeting = 30s;
// Of a flood, between two looks at the rest of the world: as a loop that is busy would.
constexpr std::size_t burst = 100;

// How much memory it has taken since the warm-up.
std::int64_t send_paced(Sender& sender, const Plan& plan, std::string& payload) {
  auto before = resident();
  const auto first = io::clock_now() + 10ms;
  for (std::size_t i = 0; i < plan.warm_up + plan.count; ++i) {
    const auto due = first + static_cast<Duration::rep>(i) * plan.interval;
    sender.rest(due);
    const bool warm_up = i < plan.warm_up;
    if (i == plan.warm_up) before = resident();
    write({nanoseconds(due), warm_up ? 0 : i - plan.warm_up, warm_up}, payload);
    sender.send(payload);
    sender.flush();
  }
  return resident() - before;
}

void send_flood(Sender& sender, const Plan& plan, std::string& payload) {
  for (std::size_t i = 0; i < plan.count; ++i) {
    write({nanoseconds(io::clock_now()), i, false}, payload);
    sender.send(payload);
    if (i % burst == burst - 1) sender.flush();
  }
  sender.flush();
}

}  // namespace

int run_sender(const Carrier& carrier, const std::string& address, const Plan& plan) {
  support::WorkerInput input;
  const auto sender = carrier.sender(address);
  sender->wait_for(plan.receivers, longest_meeting);
  std::cout << "ready" << std::endl;
  if (input.next() != "go") return 0;
  const auto begin = io::clock_now();
  std::string payload(plan.size, '.');
  std::int64_t grown = 0;
  if (plan.interval > Duration::zero()) {
    grown = send_paced(*sender, plan, payload);
  } else {
    send_flood(*sender, plan, payload);
  }
  std::cout << "sent " << nanoseconds(begin) << " " << grown << std::endl;
  rest_until_told(*sender, input);
  return 0;
}

int run_receiver(const Carrier& carrier, const std::string& address, const Plan& plan,
                 const std::filesystem::path& file) {
  support::WorkerInput input;
  const auto receiver = carrier.receiver(address);
  std::cout << "ready" << std::endl;
  // All of its memory is taken beforehand, so that what grows is not ours.
  std::vector<std::int64_t> lateness(plan.count);
  lateness.clear();
  std::int64_t last = 0;
  std::int64_t before = 0;
  const std::function<void(std::string_view)> take = [&](std::string_view payload) {
    const auto stamp = read_stamp(payload);
    if (!stamp || stamp->warm_up) return;
    if (lateness.empty()) before = resident();
    last = nanoseconds(io::clock_now());
    lateness.push_back(last - stamp->due);
  };
  while (lateness.size() < plan.count && !input.pending()) {
    receiver->receive(io::clock_now() + 50ms, take);
  }
  const auto grown = lateness.empty() ? 0 : resident() - before;
  write_records(file, lateness);
  std::cout << "got " << last << " " << grown << std::endl;
  // A member of a mesh is there until the end, and what it does then is part of the run of others.
  while (!input.pending()) receiver->receive(io::clock_now() + 50ms, [](std::string_view) {});
  return 0;
}

}  // namespace tidegate::bench
