#!/usr/bin/env python3
"""Counts the instructions of the core's benchmarks and compares them with those that are kept.

A clock is no judge on a machine that others use; callgrind counts the same whatever else runs. Each
benchmark runs twice with fixed numbers of iterations, and the difference leaves out what comes
before and after them. Counts depend on the compiler and the C library, so keep a table of your own
machine before a change, and look at the difference behind it.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "build-bench/bench/core/tidegate-bench-core"
KEPT = HERE / "instructions.txt"
FEW, MANY = 1_000, 6_000


def names(program):
    listed = subprocess.run([program, "--benchmark_list_tests"], check=True, text=True,
                            capture_output=True).stdout
    # To fill a queue with a million messages would take callgrind minutes.
    plain = [line.split("/iterations:")[0] for line in listed.split()]
    return [name for name in plain if not name.endswith("/1000000")]


def count(program, name, iterations, scratch):
    out = pathlib.Path(scratch) / "callgrind.out"
    subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program,
         f"--benchmark_filter=^{name}/iterations:{iterations}$"],
        check=True, capture_output=True,
        env={**os.environ, "TIDEGATE_BENCH_ITERATIONS": str(iterations)})
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M).group(1))


def read_kept():
    if not KEPT.exists():
        return {}
    rows = (line.split() for line in KEPT.read_text().splitlines())
    return {name: int(number) for name, number in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="keep these counts for comparison")
    parser.add_argument("--program", default=PROGRAM, help="tidegate-bench-core, optimized")
    parser.add_argument("--filter", default="", help="only the names with this in them")
    options = parser.parse_args()
    if not pathlib.Path(options.program).exists():
        sys.exit(f"there is no {options.program}; bench/README.md says how it is built")

    kept = read_kept()
    counted = {}
    print(f"{'instructions':24} {'kept':>8} {'now':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in names(options.program):
            if options.filter not in name:
                continue
            few, many = (count(options.program, name, n, scratch) for n in (FEW, MANY))
            counted[name] = round((many - few) / (MANY - FEW))
            before = kept.get(name)
            change = f"{100 * (counted[name] - before) / before:+8.1f} %" if before else ""
            print(f"{name:24} {before or '':>8} {counted[name]:>8}{change}", flush=True)
    if options.keep:
        kept.update(counted)
        KEPT.write_text("".join(f"{name:24} {kept[name]:>8}\n" for name in kept))


if __name__ == "__main__":
    main()
