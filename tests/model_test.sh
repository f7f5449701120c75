#!/usr/bin/env bash
# The small models: what has to hold holds, and each rule that is left out is missed. The others
# take minutes: ./dev model --all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/model.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# check_models <arguments>: what spin found is shown if it is not as expected.
check_models() {
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/model/check.py --into "$scratch" "$@" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log" && return 1; }
}

# judges <model> <what runs.ini says> <words of the complaint>: of a folder of its own.
judges() {
  rm -rf "$scratch/model"
  cp -r tests/model "$scratch/model"
  printf '[a run]\nmodel = %s\nsmall = yes\n%b\n' "$1" "$2" >"$scratch/model/runs.ini"
  ! /usr/bin/python3 "$scratch/model/check.py" --into "$scratch" >"$scratch/log" 2>&1 &&
    grep -q "$3" "$scratch/log"
}

# The figures of the document are those of the table.
names_every_run() {
  diff <(sed -nE 's/^\[(.*)\]$/\1/p' tests/model/runs.ini) \
    <(sed -nE 's/^\| (.*) \| (holds|fails, [a-zA-Z0-9]+) \| [0-9,]+ \| [0-9]+ \|.*/\1/p' \
      tests/model/README.md)
}

check "the small models are as runs.ini says" check_models
check "a counterexample is written in words" \
  grep -q 'server 2 is promoted: timeline 2 begins at LSN' "$scratch"/numbers-and-lsns-alone.txt
check "a run that breaks a promise does not hold" \
  judges mesh 'switches = PUBLISHERS=1 RULE=NUMBER\n' 'it should hold, and breaks S2'
check "a run that holds does not fail" judges mesh \
  'switches = PUBLISHERS=1 DEATHS=0 WRITES=0\nfails = S1\ndepth = 60\n' 'it holds, and should'
check "a run that breaks another promise does not count" judges mesh \
  'switches = PUBLISHERS=1 MERGED=1\nfails = S1\ndepth = 30\n' 'should break S1, and breaks N1'
check "a space that was not searched to its end does not hold" judges mesh \
  'switches = PUBLISHERS=1\ndepth = 20\n' 'it was not searched to its end'
check "the document has every run" names_every_run

conclude
