#!/usr/bin/env bash
# The benchmarks run, so that they don't rot. How long they take is no matter of the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh

# A million held messages take too long, so they are left out.
core_runs_each_benchmark() {
  local program=build/bench/core/tidegate-bench-core names name output
  names=$("$program" --benchmark_list_tests | grep -v '/1000000$')
  output=$("$program" --benchmark_min_time=0.001 --benchmark_filter=-/1000000 2>&1) || return 1
  [[ $names == *release_and_hold/10$'\n'* ]] || return 1
  for name in $names; do
    grep -q "^$name .* ns " <<<"$output" || { printf 'missing: %s\n' "$name" && return 1; }
  done
}

check "each benchmark of the core runs" core_runs_each_benchmark

conclude
