"""Small edits that turn the record of a good run into one that is no run of the model. Each takes
the events of a run, a copy of the list, and returns them, or None where the run offers no place. An
event that is changed is a new one, since runs are used again.

The first member of a kind is the rule that has to refuse it.
"""
from .tree import lsn_of, lsn_text

KINDS = []
ALONE = []   # those that the records of the peers alone show as well


def kind(rule, sentence, alone=False):
    def add(edit):
        KINDS.append((rule, sentence, edit))
        if alone:
            ALONE.append((rule, sentence, edit))
        return edit
    return add


def indexes(events, *kinds, **members):
    """Of the events of these kinds with these members."""
    return [i for i, event in enumerate(events) if event["event"] in kinds
            and all(event.get(name) == value for name, value in members.items())]


def move(events, index, to):
    """The event goes to just before the one at `to`, and has its time."""
    event = dict(events[index], at=events[to]["at"])
    if to > index:
        events.insert(to, event)
        del events[index]
    else:
        del events[index]
        events.insert(to, event)
    return events


def change(events, index, **members):
    """With other members; those that are None are left out."""
    events[index] = {name: value for name, value in {**events[index], **members}.items()
                     if value is not None}
    return events


def parts(position):
    """What stands before the LSN, and the LSN."""
    kind_, cluster, history, lsn = position.split(":")[:4]
    return f"{kind_}:{cluster}:{history}", lsn_of(lsn)


def placed(head, lsn):
    return f"{head}:{lsn_text(lsn)}"


def gated(events):
    return {event["peer"] for event in events if event["event"] == "peer" and event.get("gated")
            and event["overdue"] == "hold"}


def senders(events):
    """The send of each message, by stream and sequence."""
    streams = {e["peer"]: e["stream"] for e in events if e["event"] == "peer"}
    return {(streams[e["peer"]], e["sequence"]): e for e in events if e["event"] == "send"}


def takes_all(events):
    """Peers that live to the end and want all, and streams whose publisher lives to the end."""
    ended = {e["peer"] for e in events if e["event"] in ("stop", "unsubscribe")}
    wants = {e["peer"] for e in events if e["event"] == "subscribe" and e["pattern"] == "#"} - ended
    return wants, {e["stream"] for e in events if e["event"] == "peer" and e["peer"] not in ended}


def published(events):
    return {(e["peer"], e["ticket"]): e for e in events if e["event"] == "publish"}


def released_by_a_reading(events, part):
    """A reading, and a delivery behind it, of a message that was sent before that reading, and that
    the one before it did not show."""
    tides, here, sends = {}, gated(events), senders(events)
    for index, event in enumerate(events):
        peer = event.get("peer")
        if event["event"] in ("server_down", "tide_forgotten"):
            tides.pop(peer, None)
        elif event["event"] == "tide" and peer in here:
            tides[peer] = (index, event, tides.get(peer, (0, None))[1])
        elif event["event"] == "deliver" and tides.get(peer, (0, 0, None))[2] is not None:
            at, tide, before = tides[peer]
            if set(("own", "inherited")) & event.keys() != {part}:
                continue
            sent = sends.get((event["from"], event["sequence"]))
            if sent is None or sent["at"] >= tide["at"]:
                continue
            head, lsn = parts(event[part])
            shown, was = parts(tide["place"]), parts(before["place"])
            if head == shown[0] == was[0] and was[1] < lsn <= shown[1]:
                yield at, index


# --- receivers -----------------------------------------------------------------------------------

@kind("S1", "a message that is delivered before the reading that shows it", alone=True)
def early(events):
    for tide, delivery in released_by_a_reading(events, "own"):
        return move(events, delivery, tide)


@kind("S6", "a message that is delivered before the reading that shows what it follows from",
      alone=True)
def before_its_cause(events):
    for tide, delivery in released_by_a_reading(events, "inherited"):
        return move(events, delivery, tide)


@kind("S3", "a message that is delivered twice", alone=True)
def twice(events):
    for index in indexes(events, "deliver"):
        events.insert(index, events[index])
        return events


@kind("S3", "a message that is reported as lost behind its delivery", alone=True)
def reported_too(events):
    for index in indexes(events, "deliver"):
        event = events[index]
        events.insert(index + 1, {
            "at": event["at"], "event": "undelivered", "peer": event["peer"],
            "from": event["from"], "first": event["sequence"], "last": event["sequence"],
            "why": "missing"})
        return events


@kind("S3", "a message that nobody has sent", alone=True)
def invented(events):
    for index in indexes(events, "deliver"):
        return change(events, index, sequence=events[index]["sequence"] + 100_000)


@kind("S4", "two messages of one publisher that change places", alone=True)
def turned(events):
    deliveries = indexes(events, "deliver")
    for one, other in zip(deliveries, deliveries[1:]):
        a, b = events[one], events[other]
        if (a["peer"], a["from"], a["at"]) == (b["peer"], b["from"], b["at"]) and other == one + 1:
            events[one], events[other] = b, a
            return events


@kind("S5", "two messages of two publishers that one reading shows, the later one first",
      alone=True)
def against_the_log(events):
    here = gated(events)
    last = {}
    for index, event in enumerate(events):
        if event["event"] != "deliver" or event["peer"] not in here:
            continue
        peer, stream, places = event["peer"], event["from"], event.keys() & {"own", "inherited"}
        before, previous = events[index - 1], last.get((peer, stream))
        last[peer, stream] = event["sequence"]
        if places != {"own"} or before["event"] != "deliver" or before["peer"] != peer:
            continue
        if before["from"] == stream or min(before["held"], event["held"]) < 100:
            continue
        if last.get((peer, before["from"], "before")) != before["sequence"] - 1:
            last[peer, stream, "before"] = event["sequence"]
            continue
        if before.keys() & {"own", "inherited"} == {"own"} and previous is not None and \
                parts(before["own"])[1] < parts(event["own"])[1]:
            events[index - 1], events[index] = event, before
            return events
    return None


@kind("S2", "a message whose change a failover has taken back, and that is delivered", alone=True)
def orphan_delivered(events):
    sent = senders(events)
    wants, _ = takes_all(events)
    for index in indexes(events, "undelivered", why="in_doubt"):
        event = events[index]
        if event["peer"] not in wants:
            continue
        message = sent[event["from"], event["first"]]
        events[index] = {
            "at": event["at"], "event": "deliver", "peer": event["peer"], "from": event["from"],
            "sequence": event["first"], "held": 0,
            **{part: message[part] for part in ("own", "inherited") if part in message}}
        return events


@kind("N1", "a message that is there, and is reported as orphaned", alone=True)
def false_orphan(events):
    here = gated(events)
    for index in indexes(events, "deliver"):
        event = events[index]
        if "own" in event and event["peer"] in here:
            events[index] = {
                "at": event["at"], "event": "undelivered", "peer": event["peer"],
                "from": event["from"], "first": event["sequence"], "last": event["sequence"],
                "why": "orphaned"}
            return events


@kind("N1", "a message that may be there, and is reported as orphaned", alone=True)
def surely_lost(events):
    for index in indexes(events, "undelivered", why="in_doubt"):
        return change(events, index, why="orphaned")


@kind("N1", "a message that is lost for sure, and is reported as in doubt", alone=True)
def perhaps_lost(events):
    for index in indexes(events, "undelivered", why="orphaned"):
        return change(events, index, why="in_doubt")


@kind("N1", "a message of the own cluster that is reported as foreign", alone=True)
def false_foreign(events):
    for index in indexes(events, "undelivered", why="in_doubt"):
        return change(events, index, why="foreign")


@kind("N1", "a message that is neither delivered nor reported")
def silent(events):
    wants, streams = takes_all(events)
    for index in reversed(indexes(events, "deliver")):
        if events[index]["peer"] in wants and events[index]["from"] in streams:
            del events[index]
            return events


@kind("N1", "a loss that is not reported")
def loss_unreported(events):
    """Behind another message of its stream: the first one may be before where the stream began."""
    wants, streams = takes_all(events)
    begun = set()
    for index, event in enumerate(events):
        if event["event"] not in ("deliver", "undelivered"):
            continue
        way = event["peer"], event["from"]
        if event.get("why") == "in_doubt" and way in begun and \
                event["peer"] in wants and event["from"] in streams:
            del events[index]
            return events
        begun.add(way)


@kind("message", "a message that is delivered with another position than it was sent with",
      alone=True)
def other_position(events):
    for index in indexes(events, "deliver"):
        if "own" in events[index]:
            head, lsn = parts(events[index]["own"])
            return change(events, index, own=placed(head, lsn + 8))


@kind("message", "a message on a topic without a subscription", alone=True)
def unwanted(events):
    for index in indexes(events, "subscribe"):
        peer = events[index]["peer"]
        if indexes(events, "deliver", peer=peer):
            return change(events, index, pattern="another/#")


@kind("S1", "a delivery by a reading of a life of the server that has ended", alone=True)
def older_reading(events):
    delivered, here = {}, gated(events)
    for index, event in enumerate(events):
        peer = event.get("peer")
        if event["event"] == "deliver" and "own" in event and peer in here:
            delivered[peer] = index
        elif event["event"] in ("tide", "deliver"):
            delivered.pop(peer, None)
        elif event["event"] == "server_down" and peer in delivered:
            return move(events, delivered[peer], index + 1)


@kind("L1", "a message that comes too late, though all is well")
def late_in_calm(events):
    calm = indexes(events, "calm")[0]
    deliveries = [index for index in indexes(events, "deliver") if index > calm]
    return move(events, deliveries[-1], len(events) - 1) if deliveries else None


# --- readings ------------------------------------------------------------------------------------

@kind("reading", "a reading of the branch of another server")
def other_branch(events):
    promoted = [event["place"] for event in events if event["event"] == "promote"]
    for index in indexes(events, "tide"):
        head, lsn = parts(events[index]["place"])
        for place in promoted:
            other = parts(place)[0]
            if other != head and other.split(":")[1] == head.split(":")[1] and \
                    events[index]["at"] > events[indexes(events, "promote", place=place)[0]]["at"]:
                return change(events, index, place=placed(other, lsn))


@kind("reading", "a reading further than its server is")
def ahead(events):
    for index in indexes(events, "tide"):
        head, lsn = parts(events[index]["place"])
        return change(events, index, place=placed(head, lsn + 8))


@kind("reading", "a history that was read before the LSN, with a fork in between")
def history_first(events):
    histories, turned_at = {}, {}
    for index, event in enumerate(events):
        peer, life = event.get("peer"), event.get("life")
        if event["event"] == "history_read":
            before = histories.get((peer, life))
            if before is not None and before != event["begin"]:
                turned_at[peer, life] = before
            histories[peer, life] = event["begin"]
        elif event["event"] == "lsn_read" and (peer, life) in turned_at:
            place = placed(parts(turned_at[peer, life])[0], event["lsn"])
            events.insert(index + 1, {"at": event["at"], "event": "tide", "peer": peer,
                                      "place": place, "life": life})
            return events


@kind("reading", "a reading that is told to be of a later life")
def other_life(events):
    lives = [event["life"] for event in events if event["event"] == "found"]
    for index in indexes(events, "tide"):
        for life in lives:
            if life != events[index]["life"]:
                return change(events, index, life=life)


@kind("reading", "a reading that goes back within a life of its server", alone=True)
def backwards_reading(events):
    last = {}
    for index, event in enumerate(events):
        peer = event.get("peer")
        if event["event"] in ("server_up", "server_down", "tide_forgotten"):
            last.pop(peer, None)
        elif event["event"] == "tide":
            before = last.get(peer)
            if before is not None and events[before]["life"] == event["life"] and \
                    parts(events[before]["place"])[0] == parts(event["place"])[0]:
                place = events[before]["place"]
                change(events, before, place=event["place"])
                return change(events, index, place=place)
            last[peer] = index


@kind("reading", "a primary that names a position beyond its log")
def beyond_the_log(events):
    for index in indexes(events, "answer"):
        head, lsn = parts(events[index]["written"])
        return change(events, index, written=placed(head, lsn + 8))


# --- publishers ----------------------------------------------------------------------------------

def merged_or_not(events, own):
    """A message without a change, with what it inherits as its own position, or as nothing."""
    streams = {e["peer"]: e["stream"] for e in events if e["event"] == "peer"}
    given = published(events)
    for index in indexes(events, "send"):
        event = events[index]
        if given[event["peer"], event["ticket"]]["after"] == "nothing" and "inherited" in event:
            members = {"own": event["inherited"] if own else None, "inherited": None}
            change(events, index, **members)
            for delivery in indexes(events, "deliver", sequence=event["sequence"],
                                    **{"from": streams[event["peer"]]}):
                change(events, delivery, **members)
            return events


@kind("position", "a message without a change that is sent with its inherited position as its own",
      alone=True)
def merged(events):
    return merged_or_not(events, True)


@kind("S6", "a message that inherits nothing, though its peer has published before", alone=True)
def nothing_inherited(events):
    return merged_or_not(events, False)


@kind("S6", "a message that inherits less than its peer has published before")
def less_inherited(events):
    given = published(events)
    for index in indexes(events, "send"):
        event = events[index]
        if given[event["peer"], event["ticket"]]["after"] == "nothing" and "inherited" in event:
            head, lsn = parts(event["inherited"])
            return change(events, index, inherited=placed(head, lsn - 8))


@kind("position", "a message that is sent before its position is flushed", alone=True)
def before_the_flush(events):
    given, answers = published(events), {}
    for index, event in enumerate(events):
        peer = event.get("peer")
        if event["event"] == "answer":
            answers.setdefault(peer, []).append(index)
        elif event["event"] == "send" and "own" in event and len(answers.get(peer, ())) > 1:
            first, last = answers[peer][-2:]
            message = given[peer, event["ticket"]]
            own = parts(event["own"])
            if message["after"] == "commit" and events.index(message) < first and \
                    parts(events[first]["written"]) == own and \
                    parts(events[first]["flushed"])[1] < own[1] and \
                    not indexes(events[first:index], "send", "deliver", peer=peer):
                return move(events, index, first + 1)


@kind("position", "a position that does not cover the change")
def not_covered(events):
    given = published(events)
    for index in indexes(events, "send"):
        event = events[index]
        message = given[event["peer"], event["ticket"]]
        if message["after"] == "position" and "change" in events[events.index(message) - 1]:
            head, _ = parts(event["own"])
            begin = placed(head, 0x3000001)
            change(events, events.index(message), position=begin)
            return change(events, index, own=begin)


@kind("position", "a position that no answer to a later question has named", alone=True)
def older_answer(events):
    given, answers = published(events), {}
    for index, event in enumerate(events):
        peer = event.get("peer")
        if event["event"] == "answer":
            answers[peer] = answers.get(peer, event)
        elif event["event"] == "send" and peer in answers and \
                given[peer, event["ticket"]]["after"] == "commit" and \
                parts(answers[peer]["written"])[1] < parts(event["own"])[1]:
            return change(events, index, own=answers[peer]["written"])


def given_back(events, index, why):
    event = events[index]
    events[index] = {"at": event["at"], "event": "unpublished", "peer": event["peer"],
                     "ticket": event["ticket"], "why": why}
    return events


@kind("ticket", "a ticket that comes back, although its primary lives and its change is there",
      alone=True)
def needlessly_back(events):
    given = published(events)
    for index in indexes(events, "send"):
        if given[events[index]["peer"], events[index]["ticket"]]["after"] == "commit":
            return given_back(events, index, "primary_lost")


@kind("ticket", "a ticket that comes back, although it announces no change")
def nothing_back(events):
    given = published(events)
    for index in indexes(events, "send"):
        if given[events[index]["peer"], events[index]["ticket"]]["after"] == "nothing":
            return given_back(events, index, "primary_outdated")


@kind("ticket", "a ticket that comes back after it was sent", alone=True)
def sent_and_back(events):
    for index in indexes(events, "send"):
        events.insert(index, events[index])
        return given_back(events, index + 1, "primary_lost")


@kind("S4", "two messages that are sent in another order than they were published in", alone=True)
def sent_turned(events):
    given = published(events)
    sends = indexes(events, "send")
    for one, other in zip(sends, sends[1:]):
        a, b = events[one], events[other]
        if other == one + 1 and a["peer"] == b["peer"] and all(
                given[e["peer"], e["ticket"]]["after"] == "commit" for e in (a, b)):
            change(events, one, ticket=b["ticket"])
            return change(events, other, ticket=a["ticket"])


@kind("N1", "a message of which its publisher is told that it is undone, and is not", alone=True)
def not_undone(events):
    for index in indexes(events, "send"):
        event = events[index]
        if "own" in event and event["at"] > 1_000_000:
            events.insert(index + 1, {
                "at": event["at"], "event": "undone", "peer": event["peer"],
                "ticket": event["ticket"], "sequence": event["sequence"], "why": "orphaned"})
            return events
