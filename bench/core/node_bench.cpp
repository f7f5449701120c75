#include <benchmark/benchmark.h>

#include "bench/core/arrivals.hpp"
#include "bench/core/counted.hpp"
#include "lib/node/node.hpp"

namespace tidegate::bench {
namespace {

const Origin self = testing::origin(1);
const Origin other = testing::origin(2);

// A node with one ready peer, subscribed to all. Time stands still, so nothing but what is measured
// happens.
class Meshed {
 public:
  explicit Meshed(const Options& options) : node_(options, info(self), {}, 1, start) {
    step(node::input::Subscribe{Pattern::all()});
    step(ServerUp{{testing::home, 1}});
    step(node::input::Heard{{options.mesh, other, 10, 20}, "host"});
    step(node::input::FromLink{1, mesh::Welcome{info(other)}});
    step(node::input::Reader{other.peer, true});
    step(node::input::FromRoute{"route", "host", mesh::Ready{other, self, 1, 1}});
    step(node::input::FromRoute{"route", "host", mesh::Listening{other, self}});
  }

  // The effects live until the next step.
  node::Effects& step(node::Input input) {
    effects_.clear();
    node_.step(std::move(input), start, effects_);
    return effects_;
  }

  node::Effects& arrive(Message message) {
    std::vector<Message> messages;
    messages.push_back(std::move(message));
    return arrive(std::move(messages));
  }

  node::Effects& arrive(std::vector<Message> messages) {
    mesh::Data data{other, sequence_ + 1, std::move(messages)};
    sequence_ += data.messages.size();
    return step(node::input::FromStream{other, std::move(data)});
  }

  [[nodiscard]] std::size_t ready_count() const { return node_.ready_count(); }

 private:
  static mesh::PeerInfo info(const Origin& origin) {
    return {origin, Options{}.mesh, "name", 10, 20};
  }

  node::Node node_;
  node::Effects effects_;
  std::uint64_t sequence_ = 0;
};

// The message comes back for the next round, so that its making is not measured.
Message delivered(node::Effects& effects) {
  return std::move(std::get<node::effect::Deliver>(effects.front()).delivery.message);
}

void deliver_ungated(benchmark::State& state) {
  Meshed node{Options{}};
  auto next = message(4711);
  for (auto _ : state) next = delivered(node.arrive(std::move(next)));
}
BENCHMARK(deliver_ungated)->Apply(counted);

void deliver_100_ungated(benchmark::State& state) {
  Meshed node{Options{}};
  std::vector<Message> next(100, message(4711));
  for (auto _ : state) {
    auto& effects = node.arrive(std::move(next));
    next.clear();
    for (auto& effect : effects) {
      next.push_back(std::move(std::get<node::effect::Deliver>(effect).delivery.message));
    }
  }
}
BENCHMARK(deliver_100_ungated)->Apply(counted);

// Two steps: the message arrives and waits, a reading covers it.
void deliver_gated(benchmark::State& state) {
  Options options;
  options.database = "host=replica";
  Meshed node(options);
  auto next = message(4711);
  for (auto _ : state) {
    const auto lsn = ++next.position->offset;
    node.arrive(std::move(next));
    next = delivered(node.step(node::input::ReplayPositionRead{replayed(lsn)}));
  }
}
BENCHMARK(deliver_gated)->Apply(counted);

// The window is small, so that it is full at once: every message that enters it drives one out.
void publish(benchmark::State& state) {
  Options options;
  options.retain_bytes = std::size_t{1} << 16U;
  Meshed node(options);
  const auto one = message(4711);
  for (auto _ : state) {
    benchmark::DoNotOptimize(node.step(node::input::Publish{one, NoChange{}}));
  }
}
BENCHMARK(publish)->Apply(counted);

}  // namespace
}  // namespace tidegate::bench
