#!/usr/bin/env python3
"""Runs two builds of tidegate-bench in turns and compares their figures.

Each round runs both once, the other one first each time, so what else the machine does meets both
alike. Shown are the medians of both and the median of the ratios within a round, with the lowest
and the highest of them: a change that all rounds agree on is one, whatever the clock says.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

# What tells rows apart, besides all that is text.
IDENTITY = {"receivers", "peers", "lag_ms", "messages", "rows"}
# Points of pictures.
PICTURES = {"curve", "timeline", "lag"}


def figures_of(value, where=()):
    """Yields (what, number): `what` is the path to it, with the identity of the rows on it."""
    if isinstance(value, dict):
        named = [str(v) if isinstance(v, str) else f"{k}={v}" for k, v in value.items()
                 if isinstance(v, str) or k in IDENTITY]
        for key, inner in value.items():
            if key not in PICTURES and key not in IDENTITY and not isinstance(inner, str):
                yield from figures_of(inner, (*where, *named, key))
    elif isinstance(value, list) and value and isinstance(value[0], (int, float)):
        yield " ".join(where), statistics.median(value)
    elif isinstance(value, list):
        for inner in value:
            yield from figures_of(inner, where)
    elif isinstance(value, (int, float)):
        yield " ".join(where), value


def run(program, arguments, scratch):
    file = pathlib.Path(scratch) / "figures.json"
    file.unlink(missing_ok=True)
    subprocess.run([program, *arguments, "--rounds", "1", "--json", file], check=True,
                   stdout=subprocess.DEVNULL)
    return dict(figures_of(json.loads(file.read_text())))


def rounded(number):
    return f"{number:.4g}" if number < 10_000 else f"{number:.0f}"


def show(old_rounds, new_rounds):
    names = [name for name in old_rounds[0] if name in new_rounds[0]]
    width = max((len(name) for name in names), default=0)
    print(f"{'':{width}} {'old':>10} {'new':>10} {'new/old':>8}  of the rounds")
    for name in names:
        pairs = [(old[name], new[name]) for old, new in zip(old_rounds, new_rounds)
                 if name in old and name in new]
        old, new = (statistics.median(one) for one in zip(*pairs))
        ratios = [after / before for before, after in pairs if before]
        ratio = (f"{statistics.median(ratios):8.2f}  {min(ratios):.2f} to {max(ratios):.2f}"
                 if ratios else f"{'-':>8}")
        print(f"{name:{width}} {rounded(old):>10} {rounded(new):>10} {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("old", help="tidegate-bench of the one build")
    parser.add_argument("new", help="and of the other")
    parser.add_argument("bench", nargs=argparse.REMAINDER, help="what each runs, with its options")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    rounds = {options.old: [], options.new: []}
    if len(rounds) < 2:
        parser.error("that is one build, not two")
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(options.rounds):
            order = [options.old, options.new]
            for program in order if number % 2 == 0 else reversed(order):
                print(f"round {number + 1} of {options.rounds}: {program}", file=sys.stderr)
                rounds[program].append(run(program, options.bench, scratch))
    show(rounds[options.old], rounds[options.new])


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} ended with status {error.returncode}")
    except KeyboardInterrupt:
        sys.exit(130)
