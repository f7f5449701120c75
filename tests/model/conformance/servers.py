"""The servers of a run: where each is, and which steps it can make. tests/model/servers.pml has the
same steps one record at a time; a step of a trace may be several of those.
"""
from bisect import bisect_left, bisect_right

from .tree import Branch, Refused, contains, lsn_text


class Change:
    """What a transaction has committed: its commit record ends at `end`."""

    __slots__ = ("branch", "begin", "end", "erased")

    def __init__(self, branch, begin, end):
        self.branch = branch
        self.begin = begin
        self.end = end
        self.erased = False

    def __str__(self):
        return f"{self.branch.number}:{lsn_text(self.end)}" + (" (erased)" if self.erased else "")


class Server:
    def __init__(self, name, cluster):
        self.name = name
        self.cluster = cluster
        self.branch = None
        self.lsn = 0
        self.primary = False
        self.up = True
        self.life = None

    @property
    def place(self):
        return self.branch, self.lsn

    def __str__(self):
        return f"{self.name} at {self.branch.number}:{lsn_text(self.lsn)}"


class Servers:
    def __init__(self, tree):
        self.tree = tree
        self.servers = {}
        self.lives = {}      # its name -> server
        self.changes = {}
        self.records = {}    # branch -> [(end, Change)] of those that announce one

    def named(self, name):
        server = self.servers.get(name)
        if server is None:
            raise Refused("form", f"there is no server {name}")
        return server

    def shows(self, place, change):
        return not change.erased and contains(place, change.branch, change.end)

    def _told(self, event):
        """Where the event says that its server is."""
        position = self.tree.position(event["place"])
        return position.chain.branch, position.lsn

    def _wants(self, server, rule, up, primary=None):
        if server.up != up:
            raise Refused(rule, f"{server} is {'down' if up else 'up'}")
        if primary is not None and server.primary != primary:
            raise Refused(rule, f"{server} is a {'primary' if server.primary else 'standby'}")

    def _begin_life(self, server, event, rule):
        life = event["life"]
        if life in self.lives:
            raise Refused(rule, f"{server} begins the life {life}, which was there before")
        self.lives[life] = server
        server.life = life
        self._tells_number(server)

    def _tells_number(self, server):
        """Within one start of a server a number is one branch."""
        if server.primary:
            start = server.life.split(".")[1]
            self.tree.started[(server.cluster, start, server.branch.number)] = server.branch

    # --- steps -------------------------------------------------------------------------------

    def found(self, event):
        text = event["place"]
        _, cluster, history, lsn = text.split(":")
        key = (int(cluster), history)
        if history != "1":
            raise Refused("form", f"a cluster begins with timeline 1, not with {history}")
        if key not in self.tree.branches:
            branch = self.tree.branches[key] = Branch(1, 0, None)
            branch.ends = [self.tree.position(text).lsn]
            branch.flushed = branch.end
        server = self.servers[event["server"]] = Server(event["server"], int(cluster))
        server.branch, server.lsn = self._told(event)
        server.primary = event["role"] == "primary"
        self._begin_life(server, event, "start")

    def write(self, event):
        server = self.named(event["server"])
        lsn = event["lsn"]
        self._wants(server, "write", up=True, primary=True)
        if server.lsn != server.branch.end:
            raise Refused("write", f"{server} writes, but its branch goes on to "
                                   f"{lsn_text(server.branch.end)}: it was another server's")
        if lsn <= server.lsn:
            raise Refused("write", f"{server} writes a record that ends at {lsn_text(lsn)}")
        if "change" in event:
            change = Change(server.branch, server.lsn, lsn)
            self.changes[event["change"]] = change
            self.records.setdefault(server.branch, []).append(change)
        server.branch.ends.append(lsn)
        server.lsn = lsn

    def flush(self, event):
        server = self.named(event["server"])
        lsn = event["lsn"]
        self._wants(server, "flush", up=True, primary=True)
        if not server.branch.flushed < lsn <= server.lsn:
            raise Refused("flush", f"{server}, which has flushed up to "
                                   f"{lsn_text(server.branch.flushed)}, flushes {lsn_text(lsn)}")
        server.branch.flushed = lsn

    def replay(self, event):
        server = self.named(event["server"])
        place = self._told(event)
        self._wants(server, "replay", up=True, primary=False)
        branch, lsn = place
        words = f"{server} replays {branch.number}:{lsn_text(lsn)}"
        left = branch.exits.get(server.branch)
        if left is None:
            raise Refused("replay", f"{words}, on a branch that does not come from its own")
        if server.lsn > left:
            raise Refused("replay", f"{words}, but it is past the fork at {lsn_text(left)}")
        if branch is server.branch and lsn < server.lsn:
            raise Refused("replay", f"{words}: it goes back without a crash")
        self._wants_records(branch, lsn, "replay", words)
        server.branch, server.lsn = place

    def _wants_records(self, branch, lsn, rule, words):
        if lsn > branch.flushed:
            raise Refused(rule, f"{words}, but only {lsn_text(branch.flushed)} was flushed there")
        at = bisect_left(branch.ends, lsn)
        if at == len(branch.ends) or branch.ends[at] != lsn:
            raise Refused(rule, f"{words}, where no record ends")

    def crash(self, event):
        server = self.named(event["server"])
        self._wants(server, "crash", up=True)
        server.up = False
        if server.primary:
            branch = server.branch
            for change in reversed(self.records.get(branch, [])):
                if change.end <= branch.flushed:
                    break
                change.erased = True
            del branch.ends[bisect_right(branch.ends, branch.flushed):]
            server.lsn = branch.flushed = branch.end
        if self._told(event) != server.place:
            raise Refused("crash", f"{server} after its crash, and not at {event['place']}")

    def rewind(self, event):
        server = self.named(event["server"])
        branch, lsn = self._told(event)
        self._wants(server, "rewind", up=False, primary=False)
        words = f"{server} comes back at {branch.number}:{lsn_text(lsn)}"
        if not contains(server.place, branch, lsn):
            raise Refused("rewind", f"{words}, where it never was")
        self._wants_records(branch, lsn, "rewind", words)
        server.branch, server.lsn = branch, lsn

    def rebuild(self, event):
        server = self.named(event["server"])
        source = self.named(event["from"])
        branch, lsn = self._told(event)
        self._wants(server, "rebuild", up=False)
        words = f"{server} is rebuilt at {branch.number}:{lsn_text(lsn)} from {source}"
        if source.cluster != server.cluster or not contains(source.place, branch, lsn):
            raise Refused("rebuild", f"{words}, which has never been there")
        self._wants_records(branch, lsn, "rebuild", words)
        server.branch, server.lsn, server.primary = branch, lsn, False

    def start(self, event):
        server = self.named(event["server"])
        primary = event["role"] == "primary"
        self._wants(server, "start", up=False)
        if primary and not server.primary:
            raise Refused("start", f"{server} comes back as a primary, which it was not")
        if self._told(event) != server.place:
            raise Refused("start", f"{server} when it went down, comes back at {event['place']}")
        server.up, server.primary = True, primary
        self._begin_life(server, event, "start")

    def promote(self, event):
        server = self.named(event["server"])
        self._wants(server, "promotion", up=True, primary=False)
        _, cluster, history, lsn = event["place"].split(":")
        parent, _, entry = history.rpartition(",")
        number, begin, promoted = entry.split("@")
        words = f"{server} is promoted to timeline {number}, begun at {begin}"
        if self.tree.branches.get((server.cluster, parent)) is not server.branch:
            raise Refused("promotion", f"{words}, off a branch that it is not on")
        if int(number) != server.branch.number + 1 or int(cluster) != server.cluster:
            raise Refused("promotion", f"{words}: the number is one more than the highest that it "
                                       f"knows, {server.branch.number}")
        if int(promoted) < 1 or (server.cluster, history) in self.tree.branches:
            raise Refused("promotion", f"{words}, which is the name of another branch")
        self.tree.branches[(server.cluster, history)] = branch = Branch(
            int(number), server.lsn, server.branch)
        position = self.tree.position(event["place"])
        if position.lsn != server.lsn or position.chain.entries[-1][1] != server.lsn:
            raise Refused("promotion", f"{words}, where it is not")
        server.branch, server.primary = branch, True
        self._tells_number(server)
