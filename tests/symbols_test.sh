#!/usr/bin/env bash
# What the shared library shows: exactly the symbols of peer/symbols.txt. When the public headers
# have changed, read the difference and then run this with --write.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
list=peer/symbols.txt

symbols_of() {
  nm -DC --defined-only "$1" | sed -E 's/^[0-9a-f]+ . //' | LC_ALL=C sort -u
}

library_shows_the_listed_symbols() {
  diff "$list" <(symbols_of build/peer/libtidegate.so)
}

# A list with one name taken out, and one with a name too many.
comparison_can_fail() {
  ! diff -q <(sed 1d "$list") <(symbols_of build/peer/libtidegate.so) >/dev/null &&
    ! diff -q <(sort "$list" - <<<"tidegate::nonsense()") \
      <(symbols_of build/peer/libtidegate.so) >/dev/null
}

all_are_ours() {
  ! grep -v '^tidegate::' "$list"
}

if [[ ${1:-} == --write ]]; then
  symbols_of build/peer/libtidegate.so >"$list"
  exit
fi

check "the library shows the symbols of $list and no others" library_shows_the_listed_symbols
check "a symbol too few or too many is noticed" comparison_can_fail
check "no symbol of another library leaves ours" all_are_ours

conclude
