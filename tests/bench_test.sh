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

# fake_bench <file> <p50 of each round>: a bench whose rounds take turns with those figures.
fake_bench() {
  local file=$1
  shift
  cat >"$file" <<EOF
#!/usr/bin/env bash
times=($*)
[[ \$1 == fanout && \$2 == --rounds && \$3 == 1 && \$4 == --json ]] || exit 1
ran=\$(cat "$file.ran" 2>/dev/null || echo 0)
echo \$((ran + 1)) >"$file.ran"
printf '{"fanout":{"paced":[{"receivers":4,"system":"a","p50_us":[%s],"curve":[[0.5,1]]}]}}' \
  "\${times[ran]}" >"\$5"
EOF
  chmod +x "$file"
}

# The machine is half as fast in the second round; the new build is always a tenth slower.
comparison_takes_the_ratios_of_rounds() {
  local scratch output
  scratch=$(mktemp -d)
  fake_bench "$scratch/old" 100 200 100
  fake_bench "$scratch/new" 110 220 110
  output=$(python3 bench/compare.py --rounds 3 "$scratch/old" "$scratch/new" fanout 2>&1) ||
    printf '%s\n' "$output"
  rm -r "$scratch"
  grep -Eq 'fanout paced receivers=4 a p50_us +100 +110 +1\.10  1\.10 to 1\.10$' <<<"$output" &&
    ! grep -q curve <<<"$output"
}

comparison_refuses_one_build_and_a_bench_that_fails() {
  local output
  ! python3 bench/compare.py /bin/true /bin/true fanout 2>/dev/null || return 1
  ! output=$(python3 bench/compare.py /bin/false /bin/true fanout 2>&1) &&
    [[ $output == *'/bin/false ended with status 1' ]]
}

check "each benchmark of the core runs" core_runs_each_benchmark
check "a comparison takes the ratios of rounds" comparison_takes_the_ratios_of_rounds
check "a comparison refuses one build, and a bench that fails" \
  comparison_refuses_one_build_and_a_bench_that_fails

conclude
