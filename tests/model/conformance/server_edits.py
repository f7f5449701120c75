"""Edits after which a server does what none can: see edits.py."""
from .edits import change, indexes, parts, placed
from .tree import lsn_of, lsn_text

KINDS = []


def kind(rule, sentence):
    def add(edit):
        KINDS.append((rule, sentence, edit))
        return edit
    return add

@kind("replay", "a flush that is skipped, so that a standby replays what its primary may lose")
def flush_skipped(events):
    for index in indexes(events, "flush"):
        lsn = events[index]["lsn"]
        for event in events[index + 1:index + 12]:
            if event["event"] in ("flush", "position_read", "crash"):
                break
            if event["event"] == "replay" and parts(event["place"])[1] == lsn:
                del events[index]
                return events


@kind("replay", "a standby that goes on past a fork that it has left behind")
def past_the_fork(events):
    places = {}
    for index, event in enumerate(events):
        if event["event"] == "rebuild":
            crash, before = places.get(event["server"], (None, None))
            if before is None or before["role"] != "standby":
                continue
            head, lsn = parts(before["place"])
            other = parts(event["place"])[0]
            if other.startswith(head + ",") and \
                    lsn > lsn_of(other[len(head) + 1:].split("@")[1].split(",")[0]):
                events.insert(crash, dict(event, event="replay", at=events[crash]["at"]))
                del events[crash]["from"]
                return events
        elif event["event"] == "crash":
            places[event["server"]] = (index, event)


@kind("replay", "a standby that goes back without a crash")
def backwards(events):
    """Nobody has read it in between, who would have seen that."""
    last = {}
    for index, event in enumerate(events):
        if event["event"] in ("lsn_read", "history_read"):
            last = {}
        if event["event"] != "replay":
            continue
        before = last.get(event["server"])
        if before is not None and parts(events[before]["place"]) != parts(event["place"]):
            one, other = events[before]["place"], event["place"]
            if parts(one)[0] == parts(other)[0]:
                change(events, before, place=other)
                return change(events, index, place=one)
        last[event["server"]] = index


@kind("crash", "a primary that still has after a crash what it had not flushed")
def tail_kept(events):
    lsns = {}
    for index, event in enumerate(events):
        if event["event"] == "write":
            lsns[event["server"]] = event["lsn"]
        elif event["event"] == "crash" and event["role"] == "primary":
            head, lsn = parts(event["place"])
            if lsns.get(event["server"], 0) > lsn:
                return change(events, index, place=placed(head, lsns[event["server"]]))


@kind("rewind", "a standby that comes back from a crash with more than it had")
def more_after_a_crash(events):
    for index in indexes(events, "rewind"):
        head, lsn = parts(events[index]["place"])
        return change(events, index, place=placed(head, lsn + 0x100000))


@kind("rebuild", "a server that is rebuilt with more than its source has")
def more_than_its_source(events):
    for index in indexes(events, "rebuild"):
        head, lsn = parts(events[index]["place"])
        return change(events, index, place=placed(head, lsn + 0x100000))


@kind("promotion", "a promotion that takes another number than the next one")
def other_number(events):
    for index in indexes(events, "promote"):
        head, entry = events[index]["place"].rsplit(",", 1)
        number, rest = entry.split("@", 1)
        return change(events, index, place=f"{head},{int(number) + 1}@{rest}")


@kind("promotion", "a branch that begins elsewhere than where its server was promoted")
def other_begin(events):
    for index in indexes(events, "promote"):
        head, lsn = parts(events[index]["place"])
        other = head.replace(lsn_text(lsn), lsn_text(lsn - 8))
        return change(events, index, place=placed(other, lsn))


@kind("write", "a standby that writes")
def standby_writes(events):
    standbys = [e["server"] for e in events if e["event"] == "found" and e["role"] == "standby"]
    for index in indexes(events, "write"):
        return change(events, index, server=standbys[0]) if standbys else None


@kind("start", "a standby that comes back as a primary without a promotion")
def primary_by_itself(events):
    for index in indexes(events, "start", role="standby"):
        server = events[index]["server"]
        before = [e for e in events[:index] if e["event"] == "crash" and e["server"] == server]
        if before and before[-1]["role"] == "standby":
            return change(events, index, role="primary")
