#!/usr/bin/env bash
# The manual pages and completions as those programs read them that will.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
made=build/command/manual
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/manual.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

pages=("$made"/*.[15] docs/tidegate.7)

mandoc_is_content() {
  mandoc -Tlint -W warning "${pages[@]}"
}

man_is_content() {
  command -v man >/dev/null || return 0
  local page
  for page in "${pages[@]}"; do
    man --warnings -E UTF-8 -l -Tutf8 "$page" >/dev/null 2>"$scratch/warnings"
    [[ ! -s $scratch/warnings ]] || { cat "$scratch/warnings" && return 1; }
  done
}

# is_read_by <shell> <file>: where the shell is installed.
is_read_by() {
  ! command -v "$1" >/dev/null || "$1" -n "$2"
}

# completes <words>: what bash offers for the last of them.
completes() {
  bash -c '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _tidegate; echo "${COMPREPLY[*]}"' \
    "$made/tidegate.bash" "$@"
}

bash_completes() {
  [[ $(completes tidegate ke) == "keygen keys" ]] &&
    [[ $(completes tidegate --mesh peer sta) == status ]] &&
    [[ $(completes tidegate peer --local-transport '') == "tcp ipc" ]] &&
    [[ $(completes tidegate status --wa) == --watch ]] &&
    [[ $(completes tidegate outbox st) == status ]] &&
    [[ $(completes tidegate peer --held) == --held-bytes ]] &&
    [[ $(completes tidegate peer --config tests/manual) == tests/manual_test.sh ]]
}

# What a user installs, not only what is built.
each_command_has_a_page() {
  meson install -C build --quiet --destdir "$scratch/root" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" && return 1; }
  local command
  for command in $(build/tidegate --help | sed -nE '/^Subcommands:/,/^$/s/^  ([a-z-]+) .*/\1/p'); do
    [[ $command == @(help|version) ]] ||
      [[ -n $(find "$scratch/root" -path "*/man1/tidegate-$command.1*") ]] ||
      { printf 'no page: %s\n' "$command" && return 1; }
  done
  [[ -n $(find "$scratch/root" -path '*/bash-completion/completions/tidegate.bash') ]] &&
    [[ -n $(find "$scratch/root" -path '*/man7/tidegate.7*') ]]
}

check "mandoc finds no fault with a page" mandoc_is_content
check "man finds no fault with a page" man_is_content
check "bash reads its completion" is_read_by bash "$made/tidegate.bash"
check "zsh reads its completion" is_read_by zsh "$made/_tidegate"
check "fish reads its completion" is_read_by fish "$made/tidegate.fish"
check "bash completes commands, flags, values and files" bash_completes
check "each command has a page that is installed" each_command_has_a_page

conclude
