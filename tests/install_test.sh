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
  g++ -std=c++20 -Wall -Wextra -Werror -Wmissing-field-initializers "examples/$1.cpp" \
    -o "$scratch/$1" $(flags --cflags --libs) "${@:2}"
}

# It announces on a connection of its own.
outbox_compiles() {
  # shellcheck disable=SC2046
  compiles outbox $(pkg-config --cflags --libs libpq)
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

cookies_are_read_without_a_server() {
  local output
  output=$(run_example cookie 'host=127.0.0.1 port=1' nonsense tide1.AQAAAAAAAAAH4ICAGEgAAQAAjz1IqA)
  [[ $output == $'read the replica\nread the primary' ]]
}

installs_the_public_headers() {
  local header
  while IFS= read -r header; do
    [[ $header == */include/tidegate/*.hpp ]] || { printf '%s\n' "$header" && return 1; }
  done < <(find "$scratch/root" -name '*.h' -o -name '*.hpp')
  for header in include/tidegate/*.hpp; do
    [[ -e $scratch/root/usr/local/$header ]] || { printf 'lacks %s\n' "$header" && return 1; }
  done
  # Each can be included alone, without any folder of another library.
  for header in "$scratch"/root/usr/local/include/tidegate/*.hpp; do
    printf '#include <tidegate/%s>\n' "$(basename "$header")"
  done >"$scratch/all.cpp"
  # shellcheck disable=SC2046
  g++ -std=c++20 -fsyntax-only "$scratch/all.cpp" $(flags --cflags)
}

# Each compiler that is here; a user may have any.
compilers() {
  command -v g++ clang++ || true
}

options_are_designated_without_warnings() {
  cat >"$scratch/options.cpp" <<'END'
#include <tidegate/gate.hpp>
#include <tidegate/outbox.hpp>
#include <tidegate/peer.hpp>
tidegate::Options some() { return {.name = "a", .database = "host=replica"}; }
tidegate::Options others() { return {.state_file = "/a", .seeds = {"a:1"}, .report_sent = true}; }
tidegate::GateOptions gate() { return {.held_bytes = 1}; }
tidegate::OutboxOptions rows() { return {.database = "host=replica", .cursor_file = "/c"}; }
END
  local compiler
  for compiler in $(compilers); do
    # shellcheck disable=SC2046
    "$compiler" -std=c++20 -Wall -Wextra -Wmissing-field-initializers -Werror -fsyntax-only \
      "$scratch/options.cpp" $(flags --cflags) || return 1
  done
}

older_standard_is_told_in_one_line() {
  local compiler header errors
  for compiler in $(compilers); do
    for header in "$scratch"/root/usr/local/include/tidegate/*.hpp; do
      printf '#include <tidegate/%s>\n' "$(basename "$header")" >"$scratch/older.cpp"
      # shellcheck disable=SC2046
      ! "$compiler" -std=c++17 -fsyntax-only "$scratch/older.cpp" $(flags --cflags) \
        2>"$scratch/errors" || return 1
      errors=$(grep 'error:' "$scratch/errors") || return 1
      [[ $errors == *"needs C++20"* && $(wc -l <<<"$errors") -eq 1 ]] ||
        { printf '%s\n' "$errors" && return 1; }
    done
  done
}

names_no_foreign_folder() {
  [[ $(flags --cflags | xargs) == "-I$scratch/root/usr/local/include" ]] &&
    ! grep -q '^Requires' "$package/tidegate.pc"
}

# Configured only: to compile the library a second time takes too long. What is not looked up can't
# be needed, since every dependency is.
library_alone_looks_up_five() {
  meson setup "$scratch/alone" -Dtests=false -Dprogram=false -Dbench=false >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" && return 1; }
  local looked_up
  looked_up=$(sed -nE 's/^(Run-time d|D)ependency ([^ ]+) found.*/\2/p;
    s/^Has header "([^"]+)".*/\1/p' "$scratch/log" | LC_ALL=C sort -u | tr '\n' ' ')
  [[ $looked_up == "libpq libsodium libzmq msgpack.hpp threads zmq.hpp " ]] ||
    { printf 'looked up: %s\n' "$looked_up" && return 1; }
}

library_alone_has_no_program() {
  ! grep -E 'build [^:]*(tidegate-bench|tidegate-tests|tidegate-demo|command)' \
    "$scratch/alone/build.ninja"
}

tests_without_programs_are_refused() {
  ! meson setup "$scratch/refused" -Dprogram=false >"$scratch/log" 2>&1 &&
    grep -q 'add -Dtests=false' "$scratch/log"
}

documents_show_the_examples() {
  # Every C++ block of the README and of the page of the outbox stands in an example, line by line.
  local line
  while IFS= read -r line; do
    grep -qxF -- "$line" examples/*.cpp || { printf 'not in an example: %s\n' "$line" && return 1; }
  done < <(sed -n '/^```cpp$/,/^```$/p' README.md docs/outbox.md | grep -v '^```' | grep -v '^ *$')
}

check "the library installs" installs
check "the headers that are installed are the public ones, and each stands alone" \
  installs_the_public_headers
check "an older C++ is told in one line, by each header" older_standard_is_told_in_one_line
check "designated initialisers of options compile without warnings" \
  options_are_designated_without_warnings
check "pkg-config names no folder of another library" names_no_foreign_folder
check "the library alone is configured without what program, benches and tests need" \
  library_alone_looks_up_five
check "the library alone has no other program" library_alone_has_no_program
check "tests without the programs that they start are refused" tests_without_programs_are_refused
check "the master compiles with the flags of pkg-config" compiles master
check "the gate compiles with the flags of pkg-config" compiles gate
check "the cookie compiles with the flags of pkg-config" compiles cookie
check "the outbox compiles with the flags of pkg-config" outbox_compiles
check "two masters hear each other" masters_hear_each_other
check "the gate names what it cannot read in a connection string" gate_names_what_it_cannot_read
check "a request with a cookie reads the primary while nothing is known" \
  cookies_are_read_without_a_server
check "the documents show the examples as they are" documents_show_the_examples

conclude
