# What the tests of whole programs share; sourced.

passed=0
failed=0

# check <a sentence> <command>: the command has to succeed.
check() {
  local sentence=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$sentence"
  fi
}

# The last line, and the status.
conclude() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  ((failed == 0))
}
