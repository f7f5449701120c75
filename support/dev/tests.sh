# How `./dev` runs the programs of the tests: their cases are added up, and what failed is told
# again at the end, since thousands of lines lie between. Sourced.

passed=0
failed=0

# run_tests <program> [arguments]: shows what it prints and adds up its test cases.
run_tests() {
  local status=0
  say ""
  say "== $1"
  run_shown "$@" || status=$?
  count_tests "$1" "$status" "$scratch/output"
}

# run_shown <program> [arguments]: what it prints is shown, and kept in $scratch/output.
run_shown() {
  local fifo=$scratch/fifo status=0 tee
  mkfifo "$fifo"
  tee "$scratch/output" <"$fifo" &
  tee=$!
  run "$@" >"$fifo" 2>&1 || status=$?
  wait "$tee"
  rm "$fifo"
  return "$status"
}

# start_beside <which> <program> [arguments]: tests that run while others do, and print when they
# have ended.
start_beside() {
  local output=$scratch/beside.${#beside[@]}
  say "== $2, $1, which ran beside the others" >"$output"
  "${@:2}" >>"$output" 2>&1 </dev/null &
  beside+=($!)
}

wait_for_beside() {
  local i status
  for i in "${!beside[@]}"; do
    status=0
    wait "${beside[i]}" || status=$?
    say ""
    cat "$scratch/beside.$i"
    count_tests "a program of the tests" "$status" "$scratch/beside.$i"
  done
  beside=()
}

# count_tests <program> <its exit status> <its output>: that ends with doctest's summary, or with
# "N passed, M failed".
count_tests() {
  local status=$2 counts good bad
  counts=$(sed -nE 's/.*[^0-9]([0-9]+) passed *[|,] *([0-9]+) failed.*/\1 \2/p' \
    < <(sed 's/^/ /; /assertions:/d' "$3") | tail -n 1)
  read -r good bad <<<"${counts:-0 0}"
  # A program that dies, or that a sanitizer ends after the last test, has failed too.
  if ((status != 0 && bad == 0)); then
    say "$1 ended with status $status"
    bad=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  ((bad == 0)) || failures "$1" "$3" >>"$scratch/failures"
}

# failures <program> <its output>: doctest parts its cases by lines of '='. A program that died has
# said why in its last lines.
failures() {
  say ""
  say "== failed in $1"
  awk -v RS='\n=====+\n' '/ERROR:/ || /\nFAILED: /' "$2" | grep . || tail -n 20 "$2"
}

# conclude_tests [command]: the last lines, and the status. A good end of all tests of a command is
# evidence.
conclude_tests() {
  [[ ! -f $scratch/failures ]] || cat "$scratch/failures"
  say ""
  say "$passed passed, $failed failed"
  ((failed == 0 && passed > 0)) || return
  [[ -z ${1:-} ]] || record "$1" "$passed passed, $failed failed"
}
