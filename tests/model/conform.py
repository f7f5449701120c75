#!/usr/bin/env python3
"""Holds records of the simulator, and of live peers, against the model of docs/theory.md.

A record is one JSON object a line (docs/record.md). Of a simulated run it tells all that the model
knows; the run is played once more on servers, branches and peers of conformance/, which shares no
code with lib/, and each step has to be one that the model could make.
"""
import argparse
import os
import subprocess
import sys
import time
from multiprocessing import Pool

from conformance.run import Run, parse
from conformance.tree import Refused

SEEDS_AT_ONCE = 10   # that one process takes


class Verdict:
    """Of a record: its events and runs, and the lines that were refused, with the rule and why."""

    def __init__(self):
        self.runs = 0
        self.events = 0
        self.refused = []   # (seed, number of the line, line, rule, why)


def judge(lines):
    """Of one run after the other; behind a refused line the rest of its run is left out."""
    verdict = Verdict()
    run, seed, number, line = None, None, 0, ""

    def refuse(refused):
        verdict.refused.append((seed, number, line, refused.rule, refused.why))

    def conclude():
        if run is not None and not run.ended:
            refuse(Refused("form", "the run has no end"))

    for number, line in enumerate(lines, 1):
        verdict.events += 1
        try:
            event = parse(line)
            if event["event"] == "run":
                conclude()
                run, seed = Run(), event["seed"]
                verdict.runs += 1
            elif run is not None:
                run.play(event)
            elif seed is None:
                raise Refused("form", "it belongs to no run")
        except Refused as refused:
            refuse(refused)
            run = None
            seed = seed or "?"
    conclude()
    return verdict


def simulate(job):
    """Records some seeds and judges them; the record comes through a pipe and is not kept."""
    simulator, first, count = job
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [simulator, "--first", str(first), "--seeds", str(count), "--events", f"/dev/fd/{writing}"],
        pass_fds=[writing])
    os.close(writing)
    with open(reading, encoding="utf-8") as lines:
        verdict = judge(lines)
    if process.wait() != 0:
        raise OSError(f"{simulator} has failed on the seeds from {first}")
    return verdict


def show(refused):
    for seed, number, line, rule, why in refused:
        where = f"seed {seed}, line {number}" if seed != "?" else f"line {number}"
        print(f"REFUSED by {rule}: {where}: {why}\n  {line.strip()}")


def conclude(verdicts, began, what):
    refused = [one for verdict in verdicts for one in verdict.refused]
    runs = sum(verdict.runs for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    show(refused)
    print(f"{runs} {what}, {events:,} events in {time.monotonic() - began:.1f} s: "
          f"{runs - len(refused)} accepted, {len(refused)} refused")
    return 1 if refused else 0


def main():
    parser = argparse.ArgumentParser(prog="./dev conform", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="so many runs of the simulator")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--simulator", default="build/tests/sim/tidegate-sim",
                        help="the program that simulates")
    parser.add_argument("records", nargs="*", help="judge these records of runs instead")
    arguments = parser.parse_args()
    began = time.monotonic()
    if arguments.records:
        verdicts = []
        for name in arguments.records:
            with open(name, encoding="utf-8") as lines:
                verdicts.append(judge(lines))
        return conclude(verdicts, began, "runs")
    jobs = [(arguments.simulator, seed, min(SEEDS_AT_ONCE, arguments.first + arguments.seeds - seed))
            for seed in range(arguments.first, arguments.first + arguments.seeds, SEEDS_AT_ONCE)]
    try:
        with Pool(arguments.jobs) as pool:
            verdicts = pool.map(simulate, jobs, chunksize=1)
    except OSError as error:
        sys.exit(f"conform: {error}")
    return conclude(verdicts, began, "runs")


if __name__ == "__main__":
    sys.exit(main())
