#!/usr/bin/env python3
"""Takes out one safety rule at a time and looks whether a test notices.

The mutants are in mutants.txt: a sentence, a file, the lines as they are and as they become, and
where the pure tests can't see it, which live tests are asked. Everything happens in a copy of the
tree. A mutant whose lines are not found exactly once is an error: mend it with the code.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

BUILD_BOUND = 1200  # seconds
TEST_BOUND = 600


class Mutant:
    def __init__(self, rule):
        self.rule = rule
        self.file = ""
        self.before = []
        self.after = []
        self.live = ""

    def apply(self, text):
        before, after = "\n".join(self.before), "\n".join(self.after)
        if text.count(before) != 1:
            raise SystemExit(
                f"mutants.txt: '{self.rule}': its lines stand {text.count(before)} times in "
                f"{self.file}, not once; write them as they are now"
            )
        return text.replace(before, after)


def read_mutants(path):
    mutants = []
    for number, line in enumerate(open(path, encoding="utf-8").read().splitlines(), 1):
        mutant = mutants[-1] if mutants else None
        if line.startswith("# ") or not line:
            continue
        if line.startswith("== "):
            mutants.append(Mutant(line[3:]))
        elif line.startswith("file ") and mutant:
            mutant.file = line[5:]
        elif line.startswith("live ") and mutant:
            mutant.live = line[5:]
        elif line.startswith("-") and mutant:
            mutant.before.append(line[1:])
        elif line.startswith("+") and mutant:
            mutant.after.append(line[1:])
        else:
            raise SystemExit(f"mutants.txt:{number}: '{line}' is none of ==, file, live, - and +")
    return mutants


def run(command, bound, cwd):
    """The exit status and what was printed; None: it did not end within the bound."""
    try:
        done = subprocess.run(command, cwd=cwd, timeout=bound, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, ""


def first_failure(output):
    """The name of the test that noticed."""
    case = ""
    for line in output.splitlines():
        if line.startswith("TEST CASE:"):  # also of one that only says something
            case = line[len("TEST CASE:"):].strip()
        if "ERROR:" in line and case:
            return case
        if "violat" in line:
            return line.strip()
    return "it ended the tests"


def tests_for(mutant):
    """From the quickest to the slowest; the first that fails has noticed."""
    tests = [["build/tests/tidegate-tests", "--abort-after=1"]]
    if os.path.exists("tests/sim/meson.build"):
        tests.append(["build/tests/sim/tidegate-sim", "--seeds", "300"])
    if mutant.live:
        live = "build/tests/tidegate-live-tests"
        tests = [[live, "--abort-after=1", f"--test-case={mutant.live}"]]
    return tests


def judge(mutant, copy):
    """What noticed the mutant; empty: nothing."""
    path = os.path.join(copy, mutant.file)
    original = open(path, encoding="utf-8").read()
    open(path, "w", encoding="utf-8").write(mutant.apply(original))
    try:
        status, output = run(["ninja", "-C", "build"] + targets(mutant), BUILD_BOUND, copy)
        if status != 0:
            raise SystemExit(f"'{mutant.rule}' does not compile:\n{output[-3000:]}")
        for test in tests_for(mutant):
            status, output = run(test, TEST_BOUND, copy)
            if status is None:
                return "a test did not end"
            if status != 0:
                return first_failure(output)
        return ""
    finally:
        open(path, "w", encoding="utf-8").write(original)


def targets(mutant):
    return sorted({test[0][len("build/"):] for test in tests_for(mutant)})


def main():
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only mutants whose sentence has one of these")
    parser.add_argument("--list", action="store_true", help="print the sentences and do nothing")
    parser.add_argument("--copy", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()

    mutants = read_mutants("tests/mutants/mutants.txt")
    if options.words:
        mutants = [m for m in mutants if any(word in m.rule for word in options.words)]
    if not mutants:
        raise SystemExit("no mutant has these words; --list shows all")
    for mutant in mutants:
        mutant.apply(open(mutant.file, encoding="utf-8").read())
    if options.list:
        print("\n".join(mutant.rule for mutant in mutants))
        return 0

    ignore = shutil.ignore_patterns("build", "build-*", ".git")
    shutil.copytree(".", options.copy, ignore=ignore, dirs_exist_ok=True)
    print(f"building {len(mutants)} mutants, one after the other", flush=True)
    setup = ["meson", "setup", "build", "-Doptimization=0", "-Ddebug=false", "-Dwerror=false",
             "-Dcpp_link_args=-fuse-ld=gold"]  # it links the tests anew for each
    status, output = run(setup, BUILD_BOUND, options.copy)
    if status != 0:
        raise SystemExit(output[-3000:])

    # Tests that fail anyway would notice every mutant.
    for test in tests_for(Mutant("")):
        for command in (["ninja", "-C", "build", test[0][len("build/"):]], test):
            status, output = run(command, BUILD_BOUND, options.copy)
            if status != 0:
                raise SystemExit(f"the tree as it is fails:\n{output[-3000:]}")

    survivors = []
    for number, mutant in enumerate(mutants, 1):
        start = time.monotonic()
        noticed = judge(mutant, options.copy)
        seconds = time.monotonic() - start
        verdict = f"killed by: {noticed}" if noticed else "SURVIVED"
        print(f"{number:3}/{len(mutants)} {mutant.rule}\n        {verdict} ({seconds:.0f} s)",
              flush=True)
        if not noticed:
            survivors.append(mutant.rule)
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} mutants killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
