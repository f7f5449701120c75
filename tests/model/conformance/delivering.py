"""The peers of a run as receivers: what each delivers and reports, and whether it may."""
from .peers import Publishers
from .tree import Refused, contains, excludes, lsn_text

CLOCK = 2   # microseconds: times are told in whole ones


class Source:
    """What a receiver has had of one stream. `bound`: from there on it has to account for all."""

    __slots__ = ("last", "fates", "bound", "resumed")

    def __init__(self):
        self.last = 0
        self.fates = {}      # sequence -> (how, when in the order of decisions)
        self.bound = 0
        self.resumed = False


class Release:
    __slots__ = ("at", "key", "stream", "who", "decided", "tide")


def matches(pattern, topic):
    """As include/tidegate/topic.hpp has it."""
    wanted, given = split(pattern), split(topic)
    for index, element in enumerate(wanted):
        if element == "#" and index == len(wanted) - 1:
            return True
        if index == len(given) or element not in ("*", given[index]):
            return False
    return len(wanted) == len(given)


def split(text):
    """The elements of a topic; one that is escaped keeps its backslashes."""
    elements = [""]
    literal = False
    for character in text:
        if character == "/" and not literal:
            elements.append("")
        else:
            elements[-1] += character
        literal = character == "\\" and not literal
    return elements


class Mesh(Publishers):
    def source(self, peer, stream):
        source = peer.sources.get(stream)
        if source is None:
            source = peer.sources[stream] = Source()
        return source

    # --- the application ---------------------------------------------------------------------

    def subscribe(self, event, wanted=1):
        peer = self.peer_of(event)
        peer.subscribed.append((event["at"], event["pattern"], wanted))
        peer.wanted.clear()

    def unsubscribe(self, event):
        self.subscribe(event, -1)

    def wants(self, peer, topic):
        """Whether it is subscribed to the topic; if so, since when."""
        if topic not in peer.wanted:
            counts, since = {}, None
            for at, pattern, change in peer.subscribed:
                if matches(pattern, topic):
                    counts[pattern] = max(0, counts.get(pattern, 0) + change)
                    since = None if not any(counts.values()) else at if since is None else since
            peer.wanted[topic] = since
        return peer.wanted[topic]

    def resume(self, event):
        peer = self.peer_of(event)
        source = self.source(peer, self.stream(event["from"]))
        source.bound, source.resumed = event["next"], True

    def ready(self, event):
        """From here on the other one gets what this peer publishes."""
        peer = self.peer_of(event)
        if event["with"] in peer.present:
            raise Refused("N1", f"{peer.name} is ready again with {event['with']}")
        peer.present.add(event["with"])
        other = self.origins.get(event["with"])
        if other is not None:
            source = self.source(other, peer.stream)
            source.bound = source.bound or peer.stream.next

    def gone(self, event):
        peer = self.peer_of(event)
        if event["with"] not in peer.present:
            raise Refused("N1", f"{peer.name} loses {event['with']}, with which it was not ready")
        peer.present.remove(event["with"])

    # --- decisions ---------------------------------------------------------------------------

    def sent(self, stream, sequence):
        return stream.sent.get(sequence)

    def _decide(self, peer, stream, sequence, how):
        """The message, and how it is called; it must not have been decided before."""
        sent = self.sent(stream, sequence)
        if sent is None:
            raise Refused("S3", f"{peer.name} has {how} message {sequence} of {stream.origin}, "
                                f"which nobody has sent")
        who = f"{peer.name}: {sent.author.name}/{sequence}"
        source = self.source(peer, stream)
        before = source.fates.get(sequence)
        if before is not None:
            raise Refused("S3", f"{who} is {how}, and was {before[0]} before")
        peer.decided += 1
        source.fates[sequence] = (how, peer.decided)
        if source.resumed and sequence < source.bound:
            raise Refused("S3", f"{who} is {how}, though it goes on from {source.bound}")
        if source.bound == 0 or sequence < source.bound:
            source.bound = sequence
        return sent, who, source

    def deliver(self, event):
        peer = self.peer_of(event)
        stream = self.stream(event["from"])
        sequence = event["sequence"]
        sent, who, source = self._decide(peer, stream, sequence, "delivered")
        if sequence < source.last:
            raise Refused("S4", f"{who} is delivered after message {source.last}")
        source.last = sequence
        for part, was in (("own", sent.own), ("inherited", sent.inherited)):
            if event.get(part) != (None if was is None else was.text):
                raise Refused("message", f"{who} is delivered with {event.get(part)} as its {part} "
                                         f"position, and was sent with {was or 'none'}")
        if self.wants(peer, sent.published.topic) is None:
            raise Refused("message", f"{who} on {sent.published.topic} is delivered without a "
                                     f"subscription")
        late = event.get("late", False)
        if late:
            if not peer.gated or peer.overdue != "late" or event["held"] < peer.overdue_after:
                raise Refused("message", f"{who} is delivered late after {event['held']} us")
        elif peer.gated and (stream is not peer.stream or peer.own_messages == "gated"):
            self._check_shown(peer, sent, who)
            self._check_order(peer, stream, sequence, sent, event, who)
        if not late:
            self._check_calm(peer, sent, event, who)
        shown = not peer.gated or (sent.inherited is not None and peer.tide is not None
                                   and peer.tide.verdict(sent.inherited) == "visible")
        if sent.inherited is not None and shown:
            self.raise_to(peer, sent.inherited)
        if sent.own is not None and not late:
            self.raise_to(peer, sent.own)

    def _check_calm(self, peer, sent, event, who):
        """While all is well, a position that an application has made up may be far ahead."""
        inherited = sent.inherited
        made_up = inherited is not None and (inherited.chain, inherited.lsn) in self.made_up
        if self.calm_since is not None and sent.at >= self.calm_since and not made_up:
            self.check_soon(who, "delivered", sent.at, event["at"])

    def judge(self, tide, position, who):
        """The verdict of the rule, which has to be the truth as well."""
        said = tide.verdict(position)
        if self.servers and position.cluster == tide.cluster:
            truth = "visible" if contains(tide.shown, *position.place) else \
                "lost" if excludes((tide.chain.branch, tide.lsn), *position.place) else "pending"
            if truth != ("lost" if said in ("orphaned", "in_doubt") else said):
                raise Refused("exact", f"{who}: the rule says that {position} is {said} for a "
                                       f"reading at {tide}, and it is {truth}")
        return said

    def _check_shown(self, peer, sent, who):
        own, inherited, tide = sent.own, sent.inherited, peer.tide
        if own is None and inherited is None:
            return
        if tide is None:
            raise Refused("S1", f"{who} is delivered, and there is no reading of the present life "
                                f"of its server")
        seen = f"is delivered by a reading at {tide}"
        if own is not None:
            said = self.judge(tide, own, who)
            if said not in ("visible", None):
                raise Refused("S1" if said == "pending" else "S2",
                              f"{who} {seen}, by which its position {own} is {said}")
        if inherited is not None and self.judge(tide, inherited, who) == "pending":
            raise Refused("S6", f"{who} {seen}, and behind {inherited}, which is still to come")
        if not self.servers:
            return
        change = self.servers.changes.get(sent.published.change)
        if change is not None and not sent.misled and not self.servers.shows(tide.shown, change):
            raise Refused("S2" if change.erased or excludes(tide.later, change.branch, change.end)
                          else "S1", f"{who} {seen}, where its change at {change} is not shown")
        if sent.cause is not None and sent.cause[0] == tide.cluster:
            cause = sent.cause[1]
            if not contains(tide.later, *cause) and not excludes(tide.later, *cause):
                raise Refused("S6", f"{who} {seen}, and before {cause[0].number}:"
                                    f"{lsn_text(cause[1])}, which its peer had seen")

    @staticmethod
    def _key(sent, stream):
        numbers = [(p.chain.entries[-1][0], p.lsn) for p in (sent.own, sent.inherited) if p]
        return (max(numbers, default=(0, 0)), stream.order)

    def _check_order(self, peer, stream, sequence, sent, event, who):
        """Of two that were held at once, and that one reading shows, the one with the smaller key
        goes first: seen where they follow each other, and nothing stood before the second one."""
        release, before = Release(), peer.last
        release.at, release.who, release.stream, release.tide = event["at"], who, stream, peer.tide
        release.key, release.decided = self._key(sent, stream), peer.decided
        peer.last = release
        if before is None or before.stream is stream or before.tide is None:
            return
        held_then = event["at"] - event["held"] + CLOCK < before.at
        if not held_then or release.key > before.key:
            return
        if peer.overdue != "hold" and event["held"] >= peer.overdue_after:
            return
        fate = peer.sources[stream].fates.get(sequence - 1)
        if fate is None or fate[0] != "delivered" or fate[1] >= before.decided:
            return
        for position, good in ((sent.own, ("visible",)), (sent.inherited, SETTLED)):
            if position is not None and before.tide.verdict(position) not in good:
                return
        raise Refused("S5", f"{who} at {sent.own or sent.inherited} is delivered behind "
                            f"{before.who}, which comes after it in the order of the log")

    # --- losses ------------------------------------------------------------------------------

    def undelivered(self, event):
        peer = self.peer_of(event)
        stream = self.stream(event["from"])
        why = event["why"]
        if why not in WHY:
            raise Refused("form", f"nothing is undelivered because it is '{why}'")
        for sequence in range(event["first"], event["last"] + 1):
            sent, who, _ = self._decide(peer, stream, sequence, "reported")
            if why in ("orphaned", "in_doubt", "foreign"):
                self._check_lost(peer, sent, why, f"{who} is reported as {why}")
            elif why == "overdue" and peer.overdue != "drop":
                raise Refused("N1", f"{who} is reported as overdue, which its application did not "
                                    f"wish")

    def _check_lost(self, peer, sent, why, who):
        own, tide = sent.own, peer.tide
        if own is None or tide is None or not peer.gated:
            raise Refused("N1", f"{who}, and no reading of its server says so")
        said = self.judge(tide, own, who)
        if said not in (why, None):
            raise Refused("N1", f"{who}, and by a reading at {tide} its position {own} is {said}")
        if not self.servers or why != "orphaned":
            return
        change = self.servers.changes.get(sent.published.change)
        if change is not None and not change.erased and \
                not excludes(tide.later, change.branch, change.end):
            raise Refused("N1", f"{who}, and its change at {change} is there, or may come")

    # --- the end of a run --------------------------------------------------------------------

    def calm(self, event):
        self.calm_since = event["at"]

    def end(self):
        """All is healed and at rest: whatever was accepted is answered, all is accounted for."""
        for peer in self.peers.values():
            if not peer.alive:
                continue
            if peer.answered != len(peer.published):
                raise Refused("L1", f"{peer.name} has neither sent nor given back "
                                    f"{len(peer.published) - peer.answered} messages")
            for stream, source in peer.sources.items():
                if stream is not peer.stream:
                    self._check_accounted(peer, stream, source)

    def _check_accounted(self, peer, stream, source):
        """The end of a stream that does not go on may have been lost with its publisher."""
        if stream.author is None or source.bound == 0:
            return
        end = stream.next - 1
        if not stream.author.alive:
            if stream.author.origin in peer.present:
                return
            end = max(source.fates, default=0)
        for sequence in range(source.bound, end + 1):
            if sequence in source.fates:
                continue
            sent = stream.sent[sequence]
            since = self.wants(peer, sent.published.topic)
            always = source.resumed and since == peer.began
            if since is None or (sent.at <= since and not always):
                continue
            raise Refused("N1", f"{peer.name}: {sent.author.name}/{sequence} at "
                                f"{sent.own or sent.inherited or 'no position'} is neither "
                                f"delivered nor reported")


SETTLED = ("visible", "orphaned", "in_doubt", "foreign")
WHY = ("missing", "expired", "orphaned", "in_doubt", "foreign", "overdue")
