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

from conformance.recordings import RecordedLife, Recordings
from conformance.run import parse, simulated
from conformance.tree import Refused

SEEDS_AT_ONCE = 10   # that one process takes


class Verdict:
    """Of a record: its events and runs, and the lines that were refused, with the rule and why."""

    def __init__(self):
        self.runs = 0
        self.events = 0
        self.refused = []   # (seed or file, number of the line, line, rule, why)


def judge(lines):
    """Of one run after the other; behind a refused line the rest of its run is left out."""
    verdict = Verdict()
    run, seed, number, line = None, "a record", 0, ""

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
                run, seed = simulated(), event["seed"]
                verdict.runs += 1
            elif run is not None:
                run.play(event)
        except Refused as refused:
            refuse(refused)
            run = None
    conclude()
    return verdict


def judge_recordings(files):
    """Of live peers of one mesh: each life is judged for itself, with what all have told."""
    recordings, verdict = Recordings(), Verdict()
    lives = [life for file in files for life in recordings.lives_of(file)]
    recordings.recorded = {life.stream for life in lives}
    for life in sorted(lives, key=lambda one: one.at):
        verdict.runs += 1
        play_life(RecordedLife(recordings, life), life, verdict)
    for peer in recordings.peers.values():
        try:
            recordings.check_accounted(peer)
        except Refused as refused:
            verdict.refused.append((peer.name, "the end", "", refused.rule, refused.why))
    return verdict


def play_life(run, life, verdict):
    with open(life.file, encoding="utf-8") as lines:
        lines.seek(life.offset)
        for number, line in enumerate(lines, life.line):
            try:
                event = parse(line)
                if event["event"] == "peer" and number > life.line:
                    return
                verdict.events += 1
                run.play(event)
            except Refused as refused:
                verdict.refused.append((life.file, number, line, refused.rule, refused.why))
                return


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
    for place, number, line, rule, why in refused:
        where = f"seed {place}, line {number}" if isinstance(place, int) else f"{place}:{number}"
        print(f"REFUSED by {rule}: {where}: {why}" + (f"\n  {line.strip()}" if line else ""))


def show_progress(verdicts):
    if sys.stderr.isatty():
        refused = sum(len(verdict.refused) for verdict in verdicts)
        print(f"\r{sum(verdict.runs for verdict in verdicts)} runs, {refused} refused", end="",
              file=sys.stderr, flush=True)


def conclude(verdicts, began, what):
    refused = [one for verdict in verdicts for one in verdict.refused]
    runs = sum(verdict.runs for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    show(refused)
    print(f"{runs} {what}, {events:,} events in {time.monotonic() - began:.1f} s: "
          f"{runs - len(refused)} accepted, {len(refused)} refused")
    return 1 if refused else 0


def judge_files(files, began):
    try:
        first = [parse(open(file, encoding="utf-8").readline())["event"] for file in files]
        if set(first) != {"run"}:
            return conclude([judge_recordings(files)], began, "lives of peers")
        return conclude([judge(open(file, encoding="utf-8")) for file in files], began, "runs")
    except (OSError, ValueError, Refused) as error:
        sys.exit(f"conform: {error}")


def main():
    parser = argparse.ArgumentParser(prog="./dev conform", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="so many runs of the simulator")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--simulator", default="build/tests/sim/tidegate-sim",
                        help="the program that simulates")
    parser.add_argument("records", nargs="*",
                        help="judge these instead: records of runs, or of all peers of a mesh")
    arguments = parser.parse_args()
    began = time.monotonic()
    if arguments.records:
        return judge_files(arguments.records, began)
    end = arguments.first + arguments.seeds
    jobs = [(arguments.simulator, seed, min(SEEDS_AT_ONCE, end - seed))
            for seed in range(arguments.first, end, SEEDS_AT_ONCE)]
    verdicts = []
    try:
        with Pool(arguments.jobs) as pool:
            for verdict in pool.imap(simulate, jobs):
                verdicts.append(verdict)
                show_progress(verdicts)
    except OSError as error:
        sys.exit(f"conform: {error}")
    return conclude(verdicts, began, "runs")


if __name__ == "__main__":
    sys.exit(main())
