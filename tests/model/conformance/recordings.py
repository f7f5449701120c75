"""Records of live peers, held against the model without the truth of their servers: the branches
are those that the readings of all peers name, and what a server shows is told by the rule alone.

The publishers come first, whatever the clocks of their hosts say: then every delivery is compared
with the message that was sent. Of a publisher all lives are recorded, or none; without a record its
messages are known by their deliveries.
"""
import json

from .delivering import Mesh
from .peers import Sent
from .run import Run
from .tree import Refused, Tree

CLOCKS = 1_000_000   # microseconds that the clocks of two hosts may differ by


class Life:
    """A part of a file: from the event that begins a peer's life to the next one of those."""

    def __init__(self, file, offset, line, event):
        self.file = file
        self.offset = offset
        self.line = line     # its number in the file
        self.at = event["at"]
        self.stream = event["stream"]
        self.name = event["name"]


class Unseen:
    """The publisher, and what is not known of the message of one that has no record."""

    topic = change = None
    made_up = elsewhere = False

    def __init__(self, origin):
        self.name = origin[:8]
        self.origin = origin


class Recordings(Mesh):
    def __init__(self):
        super().__init__(Tree(told=False), None)
        self.recorded = {}    # origin of a stream -> the sequences that its records tell
        self.messages = {}    # (origin of a stream, sequence) -> its event, and its topic

    # --- the first pass ----------------------------------------------------------------------

    def lives_of(self, file):
        """Notes what was sent; the lives that the file has."""
        lives, topics, offset = [], {}, 0
        with open(file, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if b'"event":"peer"' in line or b'"event":"publish"' in line or \
                        b'"event":"send"' in line:
                    self._note(lives, topics, file, offset, number, json.loads(line))
                offset += len(line)
        if not lives or lives[0].line != 1:
            raise ValueError(f"{file} does not begin with the life of a peer")
        return lives

    def _note(self, lives, topics, file, offset, number, event):
        if event["event"] == "peer":
            lives.append(Life(file, offset, number, event))
            topics.clear()
        elif event["event"] == "publish":
            topics[event["ticket"]] = event["topic"]
        else:
            self.messages[lives[-1].stream, event["sequence"]] = (event, topics[event["ticket"]],
                                                                  lives[-1].name)

    # --- what is not known -------------------------------------------------------------------

    def peer(self, event):
        stream = self.stream(event["stream"])
        if stream.author is None:
            stream.next = event["last"] + 1
        super().peer(event).name = event["name"]

    def sent(self, stream, sequence):
        """Of one whose own record comes later: as that has it."""
        if sequence in stream.sent:
            return stream.sent[sequence]
        told = self.messages.get((stream.origin, sequence))
        if told is None:
            return None if stream.origin in self.recorded else self._unseen(stream, {})
        event, topic, name = told
        sent = self._unseen(stream, event)
        sent.published.topic = topic
        sent.author.name = name
        return sent

    def _unseen(self, stream, event):
        sent = Sent()
        sent.author = sent.published = Unseen(stream.origin)
        sent.own = self.tree.position(event["own"]) if "own" in event else None
        sent.inherited = self.tree.position(event["inherited"]) if "inherited" in event else None
        sent.at = event.get("at")
        sent.cause, sent.misled, sent.undone = None, False, False
        return sent

    def answer(self, event):
        """One may come of a primary that was left meanwhile, and counts for nothing."""
        if self.peer_of(event).asked is not None:
            super().answer(event)

    def deliver(self, event):
        stream = self.stream(event["from"])
        if stream.origin not in self.recorded and event["sequence"] not in stream.sent:
            stream.sent[event["sequence"]] = self._unseen(stream, event)
        super().deliver(event)

    def wants(self, peer, topic):
        return 0 if topic is None else super().wants(peer, topic)

    def _check_lost(self, peer, sent, why, who):
        if sent.published.topic is not None:
            super()._check_lost(peer, sent, why, who)

    # --- the end -----------------------------------------------------------------------------

    def check_accounted(self, peer):
        """What lies between two messages of a publisher that it has decided is decided, too."""
        for stream, source in peer.sources.items():
            if stream.origin not in self.recorded or stream is peer.stream or not source.fates:
                continue
            for sequence in range(source.bound, max(source.fates)):
                if sequence in source.fates:
                    continue
                sent = self.sent(stream, sequence)
                if sent is None:
                    continue
                since = self.wants(peer, sent.published.topic)
                if since is None or sent.at <= since + CLOCKS:
                    continue
                raise Refused("N1", f"{peer.name}: {sent.author.name}/{sequence} is neither "
                                    f"delivered nor reported, and later ones are")


class RecordedLife(Run):
    """The events of one life, which do not name their peer."""

    def __init__(self, recordings, life):
        super().__init__(recordings, None)
        self.label = f"{life.file}:{life.line}"

    def play(self, event):
        if "peer" in event:
            raise Refused("form", "an event of one peer's record names a peer")
        super().play(dict(event, peer=self.label))
