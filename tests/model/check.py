#!/usr/bin/env python3
"""Checks the models of this folder with spin, as runs.ini says, and prints a table.

A run that holds has to be searched to its end: no bound of depth or memory was reached, and no
state was left out. A run that fails has to fail by the assertion that is named; its shortest
counterexample is written as text. `check.py --help` tells the arguments.
"""

import argparse
import configparser
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEGABYTES = 6000  # more than any run needs
DEPTH = 100_000  # steps; spin reports when it is too small


class Refused(Exception):
    """The table, the model or the machine is wrong, not a promise."""


class Run:
    """A section of runs.ini."""

    def __init__(self, name, section):
        unknown = set(section) - {"model", "switches", "fails", "depth", "small", "liveness"}
        if unknown:
            raise Refused(f"[{name}]: unknown: {', '.join(sorted(unknown))}")
        self.name = name
        self.model = section["model"]
        self.switches = ["-D" + word for word in section.get("switches", "").split()]
        self.fails = section.get("fails")  # the beginning of the broken promise
        self.depth = section.getint("depth", 0)
        self.small = section.getboolean("small", False)
        self.liveness = section.getboolean("liveness", False)
        if self.liveness:
            self.switches.append("-DLIVENESS")

    @property
    def expectation(self):
        return f"fails, {self.fails.split(':')[0]}" if self.fails else "holds"


class Outcome:
    def __init__(self):
        self.states = self.depth = 0
        self.seconds = 0.0
        self.complaints = []  # none: as expected
        self.trail = []


def execute(words, folder):
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def build(run, folder):
    for source in HERE.glob("*.pml"):
        shutil.copy(source, folder)
    status, output = execute(["spin", *run.switches, "-a", run.model + ".pml"], folder)
    if status != 0 or "Error:" in output:
        raise Refused(f"{run.name}: spin refuses the model:\n{output}")
    # The small are searched faster than optimized code is made; -O2 takes three times as long as
    # -O1 and searches no faster.
    words = ["gcc", "-O0" if run.small else "-O1", "-w", "-o", "pan", "pan.c", "-DCOLLAPSE",
             f"-DMEMLIM={MEGABYTES}"]
    if run.liveness:
        words.append("-DNOREDUCE")
    else:
        words.append("-DSAFETY")
    if run.depth:
        words.append("-DREACH")  # a bounded search looks again at what it comes to by a shorter way
    status, output = execute(words, folder)
    if status != 0:
        raise Refused(f"{run.name}: gcc refuses the verifier:\n{output}")


def search(run, folder):
    if run.liveness:
        words = ["./pan", "-a", f"-m{DEPTH}"]
    elif run.depth:
        words = ["./pan", "-i", f"-m{run.depth}"]
    else:
        words = ["./pan", f"-m{DEPTH}"]
    return execute(words, folder)


def read_trail(run, folder):
    """The words of the steps, without what spin says of itself."""
    status, output = execute(["spin", *run.switches, "-t", "-T", "-B", run.model + ".pml"], folder)
    noise = re.compile(r"spin: |ltl |Never claim|#processes|\s*\d+:\s|\s*\d+ processes|\s*$|"
                       r"\s*<<<<<|.*trail ends")
    lines = [line.strip() for line in output.splitlines() if not noise.match(line)]
    # Spin goes on with the step in which an assertion has failed.
    for number, line in enumerate(lines):
        if line.startswith("BROKEN "):
            return lines[: number + 1]
    return lines


def number(pattern, text):
    found = re.findall(pattern, text)
    return int(float(found[-1])) if found else 0


def judge(run, folder, status, output, outcome):
    outcome.states = number(r"([\d.e+]+) states, stored", output)
    outcome.depth = number(r"depth reached (\d+)", output)
    errors = number(r"errors: (\d+)", output)
    if status != 0 or "errors: " not in output:
        outcome.complaints.append(f"the search ended with status {status}: {output[-500:]}")
        return
    if errors:
        outcome.trail = read_trail(run, folder)
    broken = [line[len("BROKEN "):] for line in outcome.trail if line.startswith("BROKEN ")]
    if "acceptance cycle" in output:
        broken = ["L1: all comes to an end at last"]
        outcome.trail.append("BROKEN " + broken[0])
    said = broken[-1] if broken else f"no promise, but: {output.strip().splitlines()[0]}"
    if run.fails:
        if not errors:
            outcome.complaints.append(f"it holds, and should break {run.fails}")
        elif not said.startswith(run.fails):
            outcome.complaints.append(f"it should break {run.fails}, and breaks {said}")
        return
    if errors:
        outcome.complaints.append(f"it should hold, and breaks {said}")
    for limit in ("max search depth too small", "Search not completed", "out of memory",
                  "reached -DMEMLIM", "hash-compact", "Bit statespace", "(fixed depth"):
        if limit in output:
            outcome.complaints.append(f"it was not searched to its end: {limit}")


def check(run, into):
    outcome = Outcome()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="run.", dir=into))
    try:
        build(run, folder)
        status, output = search(run, folder)
        judge(run, folder, status, output, outcome)
    finally:
        shutil.rmtree(folder)
    outcome.seconds = time.monotonic() - started
    if outcome.trail:
        text = "\n".join(f"    {line}" for line in outcome.trail)
        name = re.sub(r"[^a-z0-9]+", "-", run.name.lower()).strip("-")
        (into / f"{name}.txt").write_text(f"{run.name}\n\n{text}\n", encoding="utf-8")
    return outcome


def read_runs():
    table = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    table.read(HERE / "runs.ini", encoding="utf-8")
    return [Run(name, table[name]) for name in table.sections()]


def chosen(runs, arguments):
    words = [word.lower() for word in arguments.words]
    if words:
        runs = [run for run in runs if all(word in run.name.lower() for word in words)]
        if not runs:
            raise Refused(f"no run has {' '.join(arguments.words)} in its name; --list shows them")
    elif not arguments.all:
        runs = [run for run in runs if run.small]
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="of the names of runs; none: the small runs")
    parser.add_argument("--all", action="store_true", help="also those that take minutes")
    parser.add_argument("--list", action="store_true", help="print the names of the runs")
    parser.add_argument("--into", type=Path, default=Path("build-model"),
                        help="folder for the counterexamples (default: build-model)")
    arguments = parser.parse_args()
    try:
        runs = chosen(read_runs(), arguments)
        if arguments.list:
            print("\n".join(run.name for run in read_runs()))
            return 0
        arguments.into.mkdir(parents=True, exist_ok=True)
        failed = 0
        print("| run | expected | found | states | depth | seconds |\n|---|---|---|---|---|---|")
        for run in runs:
            outcome = check(run, arguments.into.resolve())
            found = "as expected" if not outcome.complaints else "NOT SO"
            print(f"| {run.name} | {run.expectation} | {found} | {outcome.states:,} |"
                  f" {outcome.depth} | {outcome.seconds:.1f} |", flush=True)
            if outcome.complaints:
                failed += 1
                for line in outcome.complaints + outcome.trail:
                    print(f"    {line}", flush=True)
        print(f"{len(runs) - failed} passed, {failed} failed")
        return 1 if failed else 0
    except Refused as why:
        print(f"check.py: {why}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
