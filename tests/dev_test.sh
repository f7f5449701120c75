#!/usr/bin/env bash
# The `dev` script itself, as far as that takes no time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh

lists_all_commands() {
  diff <(./dev | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort) \
    <(sed -nE 's/^command_([a-z]+)\(\) .*/\1/p' dev support/dev/*.sh | sort)
}

status_of() {
  local status=0
  "$@" >/dev/null 2>&1 || status=$?
  printf '%s' "$status"
}

refuses_unknown_command() {
  [[ $(status_of ./dev nonsense) == 2 ]] &&
    [[ $(./dev nonsense 2>&1) == *"no command 'nonsense'"*usage:* ]]
}

refuses_unknown_argument() {
  [[ $(status_of ./dev test --nonsense) == 2 ]]
}

refuses_unknown_servers() {
  [[ $(./dev bench gate --postgres=9 2>&1) == *"--postgres=9: there are 14 15 16 17 18"* ]]
}

refuses_unknown_release() {
  [[ $(./dev upgrade nonsense 2>&1) == *"there is no revision 'nonsense'"* ]] &&
    [[ $(status_of ./dev upgrade nonsense) == 2 && $(status_of ./dev upgrade HEAD HEAD) == 2 ]]
}

# In a copy that has a record of runs, of which the last one of each command counts.
evidence_is_the_last_run_of_each_command() {
  local copy status=0
  copy=$(mktemp -d "${TEST_SCRATCH:-/tmp}/evidence.XXXXXX")
  git ls-files -z dev support/dev docs | xargs -0 cp --parents -t "$copy"
  mkdir "$copy/build"
  printf '2026-01-0%s\tabc\t%s\t%s\n' 1 "test" "1 passed" 2 sim "7 seeds" 3 "test" "2 passed" \
    >"$copy/build/evidence.tsv"
  "$copy/dev" evidence >/dev/null &&
    [[ $(grep -c '^| `./dev ' "$copy/docs/evidence.md") == 2 ]] &&
    grep -qF '| `./dev test` | 2 passed | `abc` | 2026-01-03 |' "$copy/docs/evidence.md" || status=1
  rm -r "$copy"
  return "$status"
}

mutants_are_up_to_date() {
  ./dev mutate --list >/dev/null
}

needs_no_environment() {
  [[ $(status_of env -i PATH="$PATH" ./dev test --nonsense <&-) == 2 ]]
}

check "the list names every command and nothing else" lists_all_commands
check "an unknown command is refused with the list" refuses_unknown_command
check "an unknown argument is refused" refuses_unknown_argument
check "servers of an unknown version are refused with those that there are" refuses_unknown_servers
check "a release that is none is refused" refuses_unknown_release
check "the page of evidence has the last run of each command" \
  evidence_is_the_last_run_of_each_command
check "the lines of every mutant stand in the code" mutants_are_up_to_date
check "neither HOME nor TERM nor an open input is needed" needs_no_environment

conclude
