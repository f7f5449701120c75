#!/usr/bin/env bash
# The tests of the connector for Buildbot, by Twisted's trial. With arguments: those of `trial`
# behind the program that runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/trial.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/integrations/buildbot
# Debian's Python, which sees Debian's Buildbot.
export PATH=$PWD/build:/usr/bin:$PATH

program=("$@")
((${#program[@]} > 0)) ||
  program=(-m twisted.trial "--temp-directory=$scratch/trial" buildbot_tidegate)
status=0
/usr/bin/python3 "${program[@]}" 2>&1 | tee "$scratch/output" || status=$?

# "PASSED (skips=1, successes=9)" or "FAILED (failures=1, errors=1, successes=7)"
last=$(tail -n 1 "$scratch/output")
number() {
  sed -nE "s/.*[( ]$1=([0-9]+).*/\1/p" <<<"$last"
}
passed=$(number successes) failures=$(number failures) errors=$(number errors)
failed=$((${failures:-0} + ${errors:-0}))
((status == 0 || failed > 0)) || failed=1
printf '%s passed, %s failed\n' "${passed:-0}" "$failed"
((failed == 0 && ${passed:-0} > 0))
