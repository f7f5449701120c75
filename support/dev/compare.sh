# ./dev bench compare: two revisions side by side, in turns; sourced by dev.

# compare_benches <revision> <revision, or "." for the files as they are> [bench and its options]
compare_benches() {
  (($# >= 2)) || refuse "bench compare takes two revisions ('.' is the files as they are), then a" \
    "bench and its options: ./dev bench compare v0.1.0 . fanout --peers 4"
  local old=$1 new=$2 rounds=()
  shift 2
  (($# > 0)) || set -- fanout --systems tidegate,libzmq
  # The rounds are the comparison's.
  local arguments=()
  while (($# > 0)); do
    case "$1" in
      --rounds=*) rounds=("$1") ;;
      --rounds)
        (($# > 1)) || refuse "--rounds needs a number"
        rounds=(--rounds "$2")
        shift
        ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  build_bench_of "$old" "$scratch/old"
  build_bench_of "$new" "$scratch/new"
  run python3 bench/compare.py "${rounds[@]}" "$scratch/old/tidegate-bench" \
    "$scratch/new/tidegate-bench" "${arguments[@]}"
}

# build_bench_of <revision> <folder>: there is its tidegate-bench afterwards.
build_bench_of() {
  local revision=$1 folder=$2 commit
  mkdir "$folder"
  if [[ $revision == . ]]; then
    configure build-bench -Dbuildtype=release
    build build-bench tidegate bench/tidegate-bench
    ln -s "$PWD/build-bench/bench/tidegate-bench" "$folder/tidegate-bench"
    return
  fi
  commit=$(git rev-parse -q --verify "$revision^{commit}") ||
    refuse "there is no revision '$revision'"
  mkdir "$folder/tree"
  git archive "$commit" | tar -x -C "$folder/tree"
  run env -C "$folder/tree" meson setup build -Dbuildtype=release >"$scratch/setup"
  build "$folder/tree/build" tidegate bench/tidegate-bench
  ln -s "$folder/tree/build/bench/tidegate-bench" "$folder/tidegate-bench"
}
