#!/usr/bin/env bash
# The commands and settings that the documents write are those of the program: each is put to its
# own parser with --check, which starts nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/written.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# The status of nobody's peer is asked.
export RUNTIME_DIRECTORY=$scratch TIDEGATE_MESH=written-commands
documents=(README.md SECURITY.md docs/*.md integrations/buildbot/README.md)

# In a line of a text, or in a block of a shell; without what a shell does with them.
written_commands() {
  {
    grep -ohE '`tidegate [^`]+`' "${documents[@]}" | tr -d '`'
    blocks_of sh "${documents[@]}" | sed 's/^ *#.*//; s/ #.*//' | grep -oE '\btidegate [a-z].*'
  } | sed -E 's/ +[|>#].*//; s/\bhelp COMMAND/help peer/' | sort -u
}

# blocks_of <language> <files>
blocks_of() {
  awk -v begin="^ *\`\`\`$1\$" '$0 ~ begin { on = 1; next } /^ *```/ { on = 0 } on' "${@:2}"
}

# is_understood <command line>: other troubles, such as a file that is not here, are none.
is_understood() {
  local words answer
  mapfile -t words < <(xargs -n 1 printf '%s\n' <<<"$1")
  [[ ${words[1]} == @(help|version) ]] || words+=(--check)
  answer=$(build/tidegate "${words[@]:1}" 2>&1 </dev/null) || true
  [[ $answer != *@("there is no such"|"is not expected here"|"is called"|"stands behind")* ]] ||
    { printf '%s\n%s\n' "$1" "$answer" && return 1; }
}

all_are_understood() {
  local line count=0
  while IFS= read -r line; do
    is_understood "$line" || return 1
    count=$((count + 1))
  done < <(written_commands)
  ((count > 50)) || { printf 'only %s commands were found\n' "$count" && return 1; }
}

wrong_ones_are_noticed() {
  local line
  for line in 'tidegate pear' "tidegate sub 'a b' --durabel mails" 'tidegate peer --kept-for 1s'; do
    ! is_understood "$line" >/dev/null || return 1
  done
}

# Each block of a file of settings, alone.
settings_are_known() {
  local document answer count=0
  for document in "${documents[@]}"; do
    blocks_of toml "$document" >"$scratch/settings.toml"
    [[ -s $scratch/settings.toml ]] || continue
    answer=$(build/tidegate peer --check --config "$scratch/settings.toml" 2>&1) || true
    [[ $answer != *@("no such setting"|"is called"|"are written with")* ]] ||
      { printf '%s\n%s\n' "$document" "$answer" && return 1; }
    count=$((count + 1))
  done
  ((count > 0))
}

check "the program understands each command that a document writes" all_are_understood
check "a command or flag that is none is noticed" wrong_ones_are_noticed
check "the files of settings that documents show have settings of the program" settings_are_known

conclude
