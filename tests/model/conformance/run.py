"""One run of the simulator, event by event: each goes to the step of that name, once it has the
members that such an event has.
"""
import json

from .delivering import Mesh
from .servers import Servers
from .tree import Refused, Tree

# The members of each event beside "at" and "event"; those behind the bar may be left out.
MEMBERS = """
found server place role life
write server lsn | change
flush server lsn
replay server place role life
crash server place role life
rewind server place role life
rebuild server place role life from
start server place role life
promote server place role life
peer peer form name origin stream last overdue overdue_after own_messages | gated
resume peer from next
stop peer
leave peer
server_up peer life
server_down peer
tide_forgotten peer
lsn_read peer server life lsn
history_read peer server life begin
tide peer place life
primary_up peer begin life
primary_down peer
primary_left peer
trust_primary peer
ask peer
nudge peer
position_read peer server life written flushed
answer peer written flushed life
note peer | change elsewhere made_up read
publish peer ticket topic after | position
send peer ticket sequence | own inherited
deliver peer from sequence held | own inherited late
undelivered peer from first last why
unpublished peer ticket why
undone peer ticket sequence why
subscribe peer pattern
unsubscribe peer pattern
ready peer with
gone peer with
calm
end
"""
SERVER_STEPS = ("found", "write", "flush", "replay", "crash", "rewind", "rebuild", "start",
                "promote")


SIMULATED = (*SERVER_STEPS, "stop", "lsn_read", "history_read", "position_read", "note", "calm",
             "end")


def members_of(line):
    name, *words = line.split()
    must, _, may = " ".join(words).partition("|")
    return name, (frozenset(must.split()) | {"at", "event"}, frozenset(may.split()))


EVENTS = dict(members_of(line) for line in MEMBERS.strip().splitlines())


class Run:
    """`servers`: those of the run; None: nobody tells of them, nor what only a simulator knows."""

    def __init__(self, mesh, servers):
        self.mesh = mesh
        self.ended = False
        self.at = 0
        self.known = set()   # (event, its members) that are right
        told = {name for name in EVENTS if name != "end" and (servers or name not in SIMULATED)}
        self.steps = {name: getattr(servers if name in SERVER_STEPS else mesh, name)
                      for name in told}
        if servers:
            self.steps["end"] = self._end

    def _end(self, _):
        self.mesh.end()
        self.ended = True

    def play(self, event):
        try:
            self._check_form(event)
            self.steps[event["event"]](event)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Refused("form", f"{type(error).__name__}: {error}") from error

    def _check_form(self, event):
        kind = event["event"]
        if event["at"] < self.at:
            raise Refused("form", f"time goes back from {self.at} to {event['at']} us")
        self.at = event["at"]
        if self.ended:
            raise Refused("form", "it is behind the end of the run")
        shape = (kind, *event)
        if shape in self.known:
            return
        if kind not in self.steps:
            raise Refused("form", f"the model knows no event '{kind}'")
        must, may = EVENTS[kind]
        wrong = sorted(must - event.keys()) + sorted(event.keys() - must - may)
        if wrong:
            raise Refused("form", f"'{kind}' lacks, or does not have, {', '.join(wrong)}")
        self.known.add(shape)


def simulated():
    """A run of the simulator, which tells all."""
    tree = Tree(told=True)
    servers = Servers(tree)
    return Run(Mesh(tree, servers), servers)


def parse(line):
    try:
        event = json.loads(line)
    except ValueError as error:
        raise Refused("form", f"it is not JSON: {error}") from error
    if not isinstance(event, dict) or "event" not in event or "at" not in event:
        raise Refused("form", "it is no event: an object with 'event' and 'at'")
    return event
