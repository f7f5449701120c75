#!/usr/bin/env python3
"""Records of runs that are no runs of the model: each is a good one with a small edit, and has to
be refused by the rule that the edit breaks. So have the records of the peers alone, as far as they
can show it. Prints "passed" or "failed" and the sentence of each kind.
"""
import argparse
import copy
import sys
import tempfile

from conform import judge_recordings
from conformance import edits, form_edits, server_edits
from conformance.alone import split
from conformance.run import parse, simulated
from conformance.tree import Refused


class Runs:
    """The events of each run that a record has, read on only as far as somebody wants them."""

    def __init__(self, name):
        self.lines = open(name, encoding="utf-8")
        self.read = []

    def __iter__(self):
        at = 0
        while at < len(self.read) or self._read_on():
            yield self.read[at]
            at += 1

    def _read_on(self):
        events = []
        for line in self.lines:
            event = parse(line)
            if event["event"] != "run":
                events.append(event)
            if event["event"] == "end":
                self.read.append(events)
                return True
        return False


def judged(events):
    """The rule by which it is refused, and why; empty if it is accepted."""
    run = simulated()
    try:
        for event in events:
            run.play(event)
    except Refused as refused:
        return refused.rule, refused.why
    return ("", "") if run.ended else ("form", "the run has no end")


def judged_alone(events):
    """The same of what its peers alone have told."""
    with tempfile.TemporaryDirectory() as folder:
        refused = judge_recordings(split(events, folder)).refused
    return refused[0][3:] if refused else ("", "")


def shown(edit, runs, rule, judge):
    """Of the first run that the edit can be made in: whether it is refused by the rule."""
    for events in runs:
        broken = edit(copy.copy(events))
        if broken is None:
            continue
        found, why = judge(broken)
        return found == rule, f"refused by {found}: {why}" if found else "accepted"
    return False, "no run offers a place for it"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", help="of good runs")
    parser.add_argument("words", nargs="*", help="only kinds whose sentence has these")
    arguments = parser.parse_args()
    runs = Runs(arguments.record)
    failed = False
    kinds = [(*kind, judged) for kind in edits.KINDS + server_edits.KINDS + form_edits.KINDS]
    kinds += [(rule, f"{sentence}, told by the peers alone", edit, judged_alone)
              for rule, sentence, edit in edits.ALONE]
    kinds.append(("", "the records of the peers of a good run alone", lambda events: events,
                  judged_alone))
    for rule, sentence, edit, judge in kinds:
        if not all(word in sentence for word in arguments.words):
            continue
        good, found = shown(edit, runs, rule, judge)
        print(f"{'passed' if good else 'failed'} {sentence}" + ("" if good else f": {found}"))
        failed = failed or not good
        if arguments.words:
            print(f"  {found}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
