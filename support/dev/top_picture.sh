#!/usr/bin/env bash
# Makes docs/top.svg: `tidegate top` at a private mesh of some peers, drawn by support/terminal.py.
# After `./dev build`, from the top folder.
set -euo pipefail

scratch=$(mktemp -d)
pids=()
clean_up() {
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  wait || true
  rm -rf "$scratch"
}
trap clean_up EXIT

tidegate=$PWD/build/tidegate
export XDG_RUNTIME_DIR=$scratch TIDEGATE_MESH=shop TIDEGATE_BEACON_PORT=27880
export TIDEGATE_INTERFACES=lo TIDEGATE_LOG_LEVEL=error

for name in app-1 app-2 web-1 web-2 worker-1 worker-2; do
  mkfifo "$scratch/$name"
  "$tidegate" peer --name "$name" <"$scratch/$name" >/dev/null &
  pids+=($!)
done
# Each writes at a pace of its own.
pace=1
for name in app-1 app-2 web-1 web-2 worker-1 worker-2; do
  { while sleep "0.$((pace * 2))"; do
      printf '{"topic":"orders/%s","payload":"x"}\n' "$RANDOM"
    done; } >"$scratch/$name" &
  pids+=($!)
  pace=$((pace + 1))
done
sleep 3
support/terminal.py --columns 84 --rows 14 --seconds 4 --svg docs/top.svg \
  "$tidegate" top --name app-1
