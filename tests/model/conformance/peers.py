"""The peers of a run as publishers: what each was told by its servers, what it published and sent,
and what every message has to wait for.
"""
from collections import deque

from .tree import Refused, contains, excludes, lsn_text, normal, verdict


class Stream:
    """Of one publisher, through all lives that go on with it: its messages by sequence."""

    def __init__(self, origin):
        self.origin = origin
        self.order = (origin.partition(".")[0], int(origin.partition(".")[2]))
        self.sent = {}
        self.author = None   # of the messages to come: its last life
        self.next = 1        # sequence


class Published:
    __slots__ = ("ticket", "topic", "kind", "position", "at", "primary", "server", "denied",
                 "change", "elsewhere", "made_up", "read", "left")


class Sent:
    """A message in its stream. `cause`: the place that it has to wait for beside its own."""

    __slots__ = ("author", "published", "own", "inherited", "at", "cause", "misled", "undone")


class Peer:
    def __init__(self, name, event, stream):
        self.name = name
        self.origin = event["origin"]
        self.stream = stream
        self.gated = event.get("gated", False)
        self.overdue = event["overdue"]
        self.overdue_after = event["overdue_after"]
        self.own_messages = event["own_messages"]
        self.alive = True
        self.leaving = False
        # As a publisher.
        self.published = []
        self.waiting = deque()    # tickets that keep their order and have not left
        self.answered = 0         # of the tickets
        self.note = {}
        self.primary = None       # the life that was named last
        self.denied = False       # it was none any more, and no other has answered
        self.primary_place = None
        self.met_primary = False
        self.asked = None         # the tickets that the open question covers
        self.answers = []         # (tickets covered, Position written, LSN flushed)
        self.read_positions = deque()
        self.furthest = {}        # cluster -> place: what its next message has to wait for
        # As a receiver.
        self.server = None        # the life that it reads
        self.lsns_read = deque(maxlen=64)        # (life, LSN, branch), as long as one may be told
        self.histories_read = deque(maxlen=64)   # (life, branch)
        self.tide = None
        self.last_tide = None
        self.began = event["at"]
        self.subscribed = []      # (at, pattern, wanted)
        self.wanted = {}          # topic -> wanted now
        self.sources = {}         # Stream -> Source
        self.present = set()
        self.last = None          # the message that it delivered last
        self.decided = 0


class Publishers:
    """Steps of peers as publishers, and what they are told by servers."""

    def __init__(self, tree, servers):
        self.tree = tree
        self.servers = servers    # None: nobody tells what they really did
        self.peers = {}
        self.origins = {}
        self.streams = {}
        self.calm_since = None
        self.made_up = set()      # (chain, LSN) that an application has invented

    def peer_of(self, event):
        peer = self.peers.get(event["peer"])
        if peer is None or not peer.alive:
            raise Refused("form", f"there is no peer {event['peer']} alive")
        return peer

    def stream(self, origin):
        stream = self.streams.get(origin)
        if stream is None:
            stream = self.streams[origin] = Stream(origin)
        return stream

    def peer(self, event):
        name = event["peer"]
        if name in self.peers or event["origin"] in self.origins:
            raise Refused("form", f"there was a peer {name}, or one with its origin, before")
        if event["form"] != 1:
            raise Refused("form", f"form {event['form']} is not known, only 1 is")
        stream = self.stream(event["stream"])
        peer = self.peers[name] = self.origins[event["origin"]] = Peer(name, event, stream)
        if event["last"] != stream.next - 1:
            raise Refused("S4", f"{name} goes on behind {event['last']}, and its stream ends at "
                                f"{stream.next - 1}")
        stream.author = peer
        return peer

    def stop(self, event):
        self.peer_of(event).alive = False

    def leave(self, event):
        self.peer_of(event).leaving = True

    # --- the server that is read -------------------------------------------------------------

    def server_up(self, event):
        peer = self.peer_of(event)
        peer.server = event["life"]
        if self.servers and peer.server not in self.servers.lives:
            raise Refused("reading", f"{peer.name} reads the life {peer.server}, of no server")

    def server_down(self, event):
        self.peer_of(event).tide = None

    tide_forgotten = server_down

    def lsn_read(self, event):
        peer = self.peer_of(event)
        server = self.servers.named(event["server"])
        if not server.up or server.life != event["life"] or server.lsn != event["lsn"]:
            raise Refused("reading", f"{server} in its life {server.life}, and {peer.name} reads "
                                     f"{lsn_text(event['lsn'])} of the life {event['life']} there")
        peer.lsns_read.appendleft((event["life"], server.lsn, server.branch))

    def history_read(self, event):
        peer = self.peer_of(event)
        server = self.servers.named(event["server"])
        told = self.tree.position(event["begin"]).chain.branch
        if not server.up or server.life != event["life"] or server.branch is not told:
            raise Refused("reading", f"{server} in its life {server.life}, and {peer.name} reads "
                                     f"the history of {event['begin']}, life {event['life']}")
        peer.histories_read.appendleft((event["life"], told))

    def tide(self, event):
        peer = self.peer_of(event)
        tide = self.tree.position(event["place"])
        life = event["life"]
        read_on = self._read_on(peer, tide, life) if self.servers else None
        last = peer.tide
        if last is not None and last.life == life and peer.server == life:
            if tide.lsn < last.lsn or verdict(last.position, tide) not in ("visible", None):
                raise Refused("reading", f"{peer.name} reads {tide} in the life {life}, in which "
                                         f"its server was at {last} before: paths only grow")
        peer.tide = peer.last_tide = Tide(tide, life, read_on)
        cause = peer.furthest.get(tide.cluster)
        if cause is not None and peer.tide.excludes(cause):
            del peer.furthest[tide.cluster]

    @staticmethod
    def _read_on(peer, tide, life):
        """The branch of the server when its LSN was read. The LSN comes first: then the pair is a
        part of the path at the second reading."""
        branch = tide.chain.branch
        if (life, branch) not in peer.histories_read:
            raise Refused("reading", f"{peer.name} has a reading at {tide} in the life {life}, and "
                                     f"has read no such history of it")
        for read_life, lsn, before in peer.lsns_read:
            if lsn == tide.lsn and read_life == life:
                break
        else:
            raise Refused("reading", f"{peer.name} has a reading at {tide} in the life {life}, and "
                                     f"has read no such LSN of it")
        if branch.exits.get(before) is None or lsn > branch.exits[before]:
            raise Refused("reading", f"{peer.name} has read the history of {tide} before its LSN: "
                                     f"the server had gone on to timeline {before.number}")
        return before

    # --- the primary -------------------------------------------------------------------------

    def primary_up(self, event):
        peer = self.peer_of(event)
        peer.primary = event["life"]
        peer.met_primary = True
        peer.primary_place = Tide(self.tree.position(event["begin"]), peer.primary, None)

    def primary_down(self, event):
        self.peer_of(event).asked = None

    def primary_left(self, event):
        peer = self.peer_of(event)
        peer.asked = None
        peer.denied = True
        for ticket in peer.waiting:
            peer.published[ticket - 1].denied = True

    def trust_primary(self, event):
        self.peer_of(event).furthest.clear()

    def ask(self, event):
        peer = self.peer_of(event)
        if peer.asked is not None:
            raise Refused("reading", f"{peer.name} asks its primary before it was answered")
        peer.asked = len(peer.published)

    nudge = ask

    def position_read(self, event):
        peer = self.peer_of(event)
        server = self.servers.named(event["server"])
        written = self.tree.position(event["written"])
        if not server.up or not server.primary or server.life != event["life"]:
            raise Refused("reading", f"{peer.name} asks {server} in its life {server.life} as the "
                                     f"primary of the life {event['life']}")
        if (written.chain.branch, written.lsn) != server.place:
            raise Refused("reading", f"{server}, and tells {peer.name} that it is at {written}")
        if event["flushed"] != server.branch.flushed:
            raise Refused("reading", f"{server} has flushed {lsn_text(server.branch.flushed)}, and "
                                     f"tells {peer.name} {lsn_text(event['flushed'])}")
        peer.read_positions.append((written, event["flushed"], event["life"]))

    def answer(self, event):
        peer = self.peer_of(event)
        written = self.tree.position(event["written"])
        flushed = self.tree.position(event["flushed"])
        if peer.asked is None:
            raise Refused("reading", f"{peer.name} is answered without a question")
        if flushed.chain is not written.chain or flushed.lsn > written.lsn:
            raise Refused("reading", f"{peer.name} is told that {flushed} is flushed and {written} "
                                     f"written")
        if self.servers:
            told = (written, flushed.lsn, event["life"])
            while peer.read_positions and peer.read_positions[0] != told:
                peer.read_positions.popleft()
            if not peer.read_positions:
                raise Refused("reading", f"{peer.name} is told {written}, flushed {flushed}, of "
                                         f"the life {event['life']}; its primary has not said so")
        peer.primary = event["life"]
        peer.denied = False
        peer.answers.append((peer.asked, written, flushed.lsn))
        peer.asked = None

    # --- messages ----------------------------------------------------------------------------

    def note(self, event):
        """The simulator tells of the message that comes next."""
        self.peer_of(event).note = event

    def publish(self, event):
        peer = self.peer_of(event)
        published = Published()
        note, peer.note = peer.note, {}
        published.ticket = event["ticket"]
        published.topic = event["topic"]
        published.kind = event["after"]
        published.at = event["at"]
        published.position = None
        if published.kind == "position":
            published.position = self.tree.position(event["position"])
        elif published.kind not in KINDS:
            raise Refused("form", f"a message is published after '{published.kind}'")
        published.primary = peer.primary
        published.server = peer.server
        published.denied = peer.denied
        published.left = False
        published.change = note.get("change")
        published.elsewhere = note.get("elsewhere", False)
        published.made_up = note.get("made_up", False)
        published.read = note.get("read") if peer.server else None
        peer.published.append(published)
        if published.ticket != len(peer.published):
            raise Refused("ticket", f"{peer.name} gives ticket {published.ticket} after "
                                    f"{len(peer.published) - 1}")
        if published.kind != "nothing_apart":
            peer.waiting.append(published.ticket)

    def _take(self, peer, ticket, doing):
        """The message of this ticket leaves, sent or given back."""
        if not 1 <= ticket <= len(peer.published):
            raise Refused("ticket", f"{peer.name} {doing} ticket {ticket}, which it never gave")
        published = peer.published[ticket - 1]
        if published.left:
            raise Refused("ticket", f"{peer.name} {doing} ticket {ticket}, which has left before")
        if published.kind != "nothing_apart":
            if peer.waiting[0] != ticket:
                raise Refused("S4", f"{peer.name} {doing} ticket {ticket} before {peer.waiting[0]}")
            peer.waiting.popleft()
        published.left = True
        peer.answered += 1
        return published

    def send(self, event):
        peer = self.peer_of(event)
        stream = peer.stream
        sequence = event["sequence"]
        if sequence != stream.next or stream.author is not peer:
            raise Refused("S4", f"{peer.name} sends message {sequence}, expected {stream.next}")
        published = self._take(peer, event["ticket"], "sends")
        stream.next += 1
        sent = stream.sent[sequence] = Sent()
        sent.author = peer
        sent.published = published
        sent.own = self.tree.position(event["own"]) if "own" in event else None
        sent.inherited = self.tree.position(event["inherited"]) if "inherited" in event else None
        sent.at = event["at"]
        sent.undone = False
        who = f"{peer.name}/{sequence}"
        self._check_position(peer, sent, who)
        if published.read is not None:
            self.raise_to(peer, self.tree.position(published.read))
        self._check_causes(peer, sent, who)
        if self.calm_since is not None and published.at >= self.calm_since:
            self.check_soon(who, "sent", published.at, sent.at)
        if sent.own is not None:
            self.raise_to(peer, sent.own)
            if published.made_up:
                self.made_up.add((sent.own.chain, sent.own.lsn))

    def check_soon(self, who, what, since, at):
        if at - since > 300_000:
            raise Refused("L1", f"{who} is {what} {at - since} us after it could be, though all "
                                f"is well")

    def _check_position(self, peer, sent, who):
        published, own = sent.published, sent.own
        kind = published.kind
        sent.misled = False
        if kind not in ("position", "commit", "durable_commit"):
            if own is not None:
                raise Refused("position", f"{who} announces no change, and is sent at {own}")
            return
        if own is None:
            raise Refused("position", f"{who} announces a change, and is sent without a position")
        if kind == "position":
            self._check_given(published, own, who)
        else:
            self._check_answered(peer, published, own, who)
        change = self.servers.changes.get(published.change) if self.servers else None
        if change is None:
            return
        if published.elsewhere:
            sent.misled = not self.servers.shows(own.place, change)
            if sent.misled:
                return
        if not self.servers.shows(own.place, change):
            raise Refused("position", f"{who} is sent at {own}, which does not cover its change at "
                                      f"{change}")
        if own.after >= change.end:
            raise Refused("position", f"{who} says that its change at {change} lies behind "
                                      f"{lsn_text(own.after)}")

    @staticmethod
    def _check_given(published, own, who):
        given = published.position
        whole = given.chain is own.chain or (
            given.chain.number_alone() and given.chain.branch in (None, own.chain.branch) and
            given.chain.entries[0][0] == own.chain.entries[-1][0])
        if given.cluster != own.cluster or given.lsn != own.lsn or not whole:
            raise Refused("position", f"{who} is sent at {own}, and was given {given}")

    @staticmethod
    def _check_answered(peer, published, own, who):
        """It is what the primary has said to a question behind the publish, and is flushed."""
        durable = published.kind == "durable_commit"
        found = None
        for covers, written, flushed in reversed(peer.answers):
            if covers < published.ticket:
                break
            if written.chain is own.chain and (flushed if durable else written.lsn) == own.lsn:
                found = written
        if found is None:
            raise Refused("position", f"{who} is sent at {own}, which no answer to a question "
                                      f"after its publish has named")
        if peer.answers[-1][2] < own.lsn:
            raise Refused("position", f"{who} is sent at {own}, and its primary has flushed only "
                                      f"{lsn_text(peer.answers[-1][2])}")

    # --- causes ------------------------------------------------------------------------------

    @staticmethod
    def raise_to(peer, position):
        """One place for each cluster is enough: of two on diverged histories the first was left."""
        place = position.place
        if place is None:
            peer.furthest.pop(position.cluster, None)
            return
        before = peer.furthest.get(position.cluster)
        if before is None or not contains(before, *place):
            peer.furthest[position.cluster] = place

    @staticmethod
    def _check_causes(peer, sent, who):
        own, inherited = sent.own, sent.inherited
        sent.cause = None
        if own is None and inherited is None:
            if peer.furthest:
                raise Refused("S6", f"{who} inherits nothing, and its peer has published or "
                                    f"delivered before")
            return
        cluster = (own or inherited).cluster
        cause = peer.furthest.get(cluster)
        if cause is None:
            return
        if peer.last_tide is not None and peer.last_tide.cluster == cluster and \
                peer.last_tide.excludes(cause):
            return
        if own is not None and (own.place is None or excludes(own.place, *cause)):
            return
        sent.cause = (cluster, cause)
        for position in (own, inherited):
            if position is not None and position.cluster == cluster and \
                    (position.place is None or contains(position.place, *cause)):
                return
        raise Refused("S6", f"{who} is sent at {own or 'no position'} and inherits "
                            f"{inherited or 'nothing'}, and its peer has come to "
                            f"{cause[0].number}:{lsn_text(cause[1])}")

    # --- messages that come back -------------------------------------------------------------

    def unpublished(self, event):
        peer = self.peer_of(event)
        ticket, why = event["ticket"], event["why"]
        published = self._take(peer, ticket, "gives back")
        who = f"{peer.name} gives ticket {ticket} back ({why})"
        if peer.leaving:
            return
        if why == "database_lost":
            if published.kind != "read" or published.server == peer.server:
                raise Refused("ticket", f"{who}, but the server that it has read is there")
        elif why in ("primary_lost", "primary_outdated"):
            ended = published.denied or (published.primary is not None
                                         and published.primary != peer.primary)
            if published.kind not in ("commit", "durable_commit") or not ended:
                raise Refused("ticket", f"{who}, but its primary's life has not ended, so its "
                                        f"change is there")
        elif why == "no_primary":
            if peer.met_primary or published.kind not in ("commit", "durable_commit"):
                raise Refused("ticket", f"{who}, but it has met a primary, or needs none")
        elif why == "other_primary":
            given = published.position if published.kind == "position" else None
            if given is None or not given.chain.number_alone() or (
                    peer.primary is not None and given.chain.start == peer.primary.split(".")[1]):
                raise Refused("ticket", f"{who}, but its own primary has told the position")
        else:
            raise Refused("ticket", f"{who}, and does not leave")

    def undone(self, event):
        peer = self.peer_of(event)
        sent = peer.stream.sent.get(event["sequence"])
        who = f"{peer.name} hears that its message {event['sequence']} is {event['why']}"
        if sent is None or sent.author is not peer or sent.published.ticket != event["ticket"]:
            raise Refused("N1", f"{who}, which it has not sent under ticket {event['ticket']}")
        if sent.undone:
            raise Refused("N1", f"{who}, twice")
        sent.undone = True
        judges = [one for one in (peer.tide, peer.primary_place) if one is not None]
        if sent.own is None or all(one.verdict(sent.own) not in (event["why"], None)
                                   for one in judges):
            raise Refused("N1", f"{who}, but no server that it knows says so")


KINDS = ("commit", "durable_commit", "nothing", "nothing_apart", "read")


class Tide:
    """A reading: the pair that was told, and, where servers tell the truth, where its LSN was."""

    __slots__ = ("position", "cluster", "chain", "lsn", "life", "shown", "later")

    def __init__(self, position, life, read_on):
        self.position = position
        self.cluster = position.cluster
        self.chain = position.chain
        self.lsn = position.lsn
        self.life = life
        self.shown = normal(read_on, position.lsn) if read_on else position.place
        branch = position.chain.branch
        self.later = None if branch is None else (branch, max(position.lsn, branch.begin))

    def __str__(self):
        return str(self.position)

    def verdict(self, position):
        return verdict(position, self)

    def excludes(self, place):
        return self.later is None or excludes(self.later, *place)
