#!/usr/bin/env bash
# The code, held against the model of docs/theory.md: every record of a simulated run is accepted,
# and one with a small edit, after which it is no run of the model, is refused by the rule that the
# edit breaks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/conform.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1

# conform <arguments>: what was found is shown if it is not all accepted.
conform() {
  /usr/bin/python3 tests/model/conform.py "$@" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" && return 1; }
}

# refuses <pattern> <arguments>: some record is refused, and the output has a line like that.
refuses() {
  local pattern=$1
  shift
  ! /usr/bin/python3 tests/model/conform.py "$@" >"$scratch/log" 2>&1 &&
    grep -q "$pattern" "$scratch/log"
}

check "200 runs of the simulator are runs of the model" conform --seeds 200

# Each edit is made in the first run that offers a place for it.
build/tests/sim/tidegate-sim --seeds 100 --events "$scratch/good"
/usr/bin/python3 tests/model/broken.py "$scratch/good" >"$scratch/kinds" || true
while read -r outcome sentence; do
  check "judged: $sentence" test "$outcome" = passed
done <"$scratch/kinds"
check "there are seventy-five kinds of them" test "$(wc -l <"$scratch/kinds")" -ge 75

sed -n '1,/"event":"end"/p' "$scratch/good" >"$scratch/one"
check "a record in a file is accepted" conform "$scratch/one"
{ cat "$scratch/one" && echo '{"at":1,'; } >"$scratch/torn"
check "a line that is torn is refused, with its number" \
  refuses "by form: seed 0, line $(($(wc -l <"$scratch/one") + 1)): it is not JSON" "$scratch/torn"
check "a simulator that fails is no success" \
  refuses 'has failed on the seeds from 0' --seeds 1 --simulator /bin/false

conclude
