#include <benchmark/benchmark.h>

#include "bench/core/arrivals.hpp"
#include "bench/core/counted.hpp"
#include "lib/mesh/frame_codec.hpp"

namespace tidegate::bench {
namespace {

mesh::StreamFrame frame() { return mesh::Data{testing::origin(1), 1, {message(4711)}}; }

void encode_message(benchmark::State& state) {
  const auto one = frame();
  for (auto _ : state) benchmark::DoNotOptimize(encode(one));
}
BENCHMARK(encode_message)->Apply(counted);

void decode_message(benchmark::State& state) {
  const auto bytes = encode(frame());
  mesh::KnownBranches known;
  for (auto _ : state) benchmark::DoNotOptimize(mesh::decode<mesh::StreamFrame>(bytes, known));
}
BENCHMARK(decode_message)->Apply(counted);

// As many messages as travel together in a flood.
mesh::StreamFrame packed_frame() { return mesh::Data{testing::origin(1), 1, {100, message(4711)}}; }

void encode_100_messages(benchmark::State& state) {
  const auto many = packed_frame();
  for (auto _ : state) benchmark::DoNotOptimize(encode(many));
}
BENCHMARK(encode_100_messages)->Apply(counted);

void decode_100_messages(benchmark::State& state) {
  const auto bytes = encode(packed_frame());
  mesh::KnownBranches known;
  for (auto _ : state) benchmark::DoNotOptimize(mesh::decode<mesh::StreamFrame>(bytes, known));
}
BENCHMARK(decode_100_messages)->Apply(counted);

}  // namespace
}  // namespace tidegate::bench
