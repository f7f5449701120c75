#!/usr/bin/env bash
# What a user of the installed library does: pkg-config, compile the examples, run them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/install.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

installs() {
  meson install -C build --quiet --destdir "$scratch/root" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" && return 1; }
  package=$(dirname "$(find "$scratch/root" -name tidegate.pc)")
  library=$(dirname "$(find "$scratch/root" -name libtidegate.so)")
}

flags() {
  PKG_CONFIG_PATH=$package PKG_CONFIG_SYSROOT_DIR=$scratch/root pkg-config "$@" tidegate
}

compiles() {
  # shellcheck disable=SC2046
  g++ -std=c++20 -Wall -Wextra -Werror -Wno-missing-field-initializers "examples/$1.cpp" \
    -o "$scratch/$1" $(flags --cflags --libs)
}

run_example() {
  LD_LIBRARY_PATH=$library timeout 20 "$scratch/$@"
}

masters_hear_each_other() {
  local mesh=install-test-$$
  run_example master "$mesh" >"$scratch/first" &
  local first=$!
  run_example master "$mesh" >"$scratch/second"
  wait "$first"
  grep -q '^builds/42/new from .*: hello$' "$scratch/first" &&
    grep -q '^builds/42/new from .*: hello$' "$scratch/second"
}

gate_names_what_it_cannot_read() {
  [[ $(run_example gate 'no_such_keyword=1' 2>&1 </dev/null) == *no_such_keyword* ]]
}

readme_shows_the_examples() {
  # Every C++ block of the README stands in an example, line by line.
  local line
  while IFS= read -r line; do
    grep -qxF -- "$line" examples/*.cpp || { printf 'README: %s\n' "$line" && return 1; }
  done < <(sed -n '/^```cpp$/,/^```$/p' README.md | grep -v '^```' | grep -v '^ *$')
}

check "the library installs" installs
check "the master compiles with the flags of pkg-config" compiles master
check "the gate compiles with the flags of pkg-config" compiles gate
check "two masters hear each other" masters_hear_each_other
check "the gate names what it cannot read in a connection string" gate_names_what_it_cannot_read
check "the README shows the examples as they are" readme_shows_the_examples

conclude
