"""Branches, places and paths, and the two answers to "is this place on that path": the truth, by
the tree of branches, and the rule of docs/theory.md, by the chains that servers tell. Nothing here
is taken from lib/.

A branch is one timeline that some server has begun. A place is (branch, LSN).
"""


class Refused(Exception):
    """The trace is no run of the model: which rule says so, and why."""

    def __init__(self, rule, why):
        super().__init__(f"{rule}: {why}")
        self.rule = rule
        self.why = why


class Branch:
    """`exits` has, for each branch on the way from the root to the end of this one, the LSN at
    which the way leaves it; this one itself is never left."""

    __slots__ = ("number", "begin", "parent", "exits", "ends", "flushed")

    def __init__(self, number, begin, parent):
        self.number = number
        self.begin = begin
        self.parent = parent
        self.exits = {} if parent is None else dict(parent.exits)
        if parent is not None:
            self.exits[parent] = begin
        self.exits[self] = float("inf")
        self.ends = [begin]  # of the records, and where they begin
        self.flushed = begin

    @property
    def end(self):
        return self.ends[-1]


def contains(place, branch, lsn):
    """(branch, lsn) lies on the path to the place."""
    at, reached = place
    left = at.exits.get(branch)
    return left is not None and lsn <= left and lsn <= reached


def excludes(place, branch, lsn):
    """It can't come onto that path any more, wherever the server at the place goes on to."""
    at, reached = place
    left = at.exits.get(branch)
    if left is not None:
        return lsn > left
    left = branch.exits.get(at)
    return left is None or reached > left


def normal(branch, lsn):
    """A place at the very begin of a branch belongs to the one before it."""
    while branch.parent is not None and lsn <= branch.begin:
        branch = branch.parent
    return branch, lsn


def lsn_of(text):
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(lsn):
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


class Chain:
    """What a server tells of its branch: (number, begin, promotion) of each timeline on the way, 0
    for what it does not know. A primary tells its clients the number alone, with its own start:
    "2~1795640440133201"."""

    __slots__ = ("text", "entries", "start", "branch", "shorter", "stands")

    def __init__(self, text, branch):
        self.text = text
        self.branch = branch
        self.start = text.partition("~")[2]
        self.entries = tuple(self._entry(part) for part in text.split(","))
        numbers = [entry[0] for entry in self.entries]
        if numbers != sorted(set(numbers)) or numbers[0] < 1:
            raise ValueError(f"'{text}' is no history: its numbers do not rise")
        self.shorter = None  # without its last timeline
        self.stands = {}

    @staticmethod
    def _entry(part):
        number, _, rest = part.partition("~")[0].partition("@")
        begin, _, promoted = rest.partition("@")
        return int(number), lsn_of(begin) if begin else 0, int(promoted or 0)

    def number_alone(self):
        return len(self.entries) == 1 and self.entries[0][0] > 1

    def whole(self):
        return self.entries[0][0] == 1 and all(e[1] and e[2] for e in self.entries[1:])


class Position:
    __slots__ = ("text", "cluster", "chain", "lsn", "after", "place")

    def __str__(self):
        return f"{self.chain.entries[-1][0]}:{lsn_text(self.lsn)}"


class Tree:
    """The clusters' branches by the names that servers give them. If `told`, somebody tells of
    each promotion, and a name that nobody gave is an error; else a whole name makes its branch."""

    def __init__(self, told):
        self.told = told
        self.branches = {}   # (cluster, name) -> Branch
        self.started = {}    # (cluster, start of a primary, number) -> Branch
        self.chains = {}
        self.positions = {}

    def chain(self, cluster, text):
        key = (cluster, text)
        chain = self.chains.get(key)
        if chain is None:
            chain = self.chains[key] = Chain(text, self._branch(cluster, text))
            if len(chain.entries) > 1:
                chain.shorter = self.chain(cluster, text.rpartition(",")[0])
        return chain

    def _branch(self, cluster, text):
        branch = self.branches.get((cluster, text))
        if branch is not None:
            return branch
        entries = Chain(text, None)
        if entries.number_alone():
            number, _, start = text.partition("~")
            return self.started.get((cluster, start, int(number)))
        if self.told:
            raise Refused("position", f"no server of cluster {cluster} has ever begun a branch "
                                      f"with the history {text}")
        if not entries.whole():
            return None
        number, begin, _ = entries.entries[-1]
        parent = None if number == 1 else self._branch(cluster, text.rpartition(",")[0])
        self.branches[(cluster, text)] = branch = Branch(number, begin, parent)
        return branch

    def position(self, text):
        position = self.positions.get(text)
        if position is not None:
            return position
        kind, cluster, history, lsn, *after = text.split(":")
        if kind != "postgres" or len(after) > 1:
            raise ValueError(f"'{text}' is no position")
        position = self.positions[text] = Position()
        position.text = text
        position.cluster = int(cluster)
        position.lsn = lsn_of(lsn)
        position.after = lsn_of(after[0]) if after else 0
        chain = self.chain(position.cluster, "1" if history.startswith("1~") else history)
        position.place = normal(chain.branch, position.lsn) if chain.branch else None
        position.chain = chain
        return position


# --- the rule ------------------------------------------------------------------------------------

def _same(a, b):
    return a[0] == b[0] and all(x == y or not x or not y for x, y in zip(a[1:], b[1:]))


def _stand(one, other):
    """How the first chain stands to the second one, and where they part; None: they do not tell."""
    first = max(one.entries[0][0], other.entries[0][0])
    p = [entry for entry in one.entries if entry[0] >= first]
    q = [entry for entry in other.entries if entry[0] >= first]
    if not p or not q:
        return None, 0
    fork = 0
    while fork < len(p) and fork < len(q) and _same(p[fork], q[fork]):
        fork += 1
    if fork == len(p) and fork == len(q):
        return "is", 0
    if fork == len(p):
        return ("begins", q[fork][1]) if q[fork][1] else (None, 0)
    if fork == len(q):
        return ("behind", p[fork][1]) if p[fork][1] else (None, 0)
    if not p[fork][1] or not q[fork][1]:
        return None, 0
    return "apart", min(p[fork][1], q[fork][1])


def verdict(position, tide):
    """By the table of docs/theory.md; None: the chains do not tell, and the code decides."""
    if position.cluster != tide.cluster:
        return "foreign"
    chain = position.chain
    while chain.shorter is not None and position.lsn <= chain.entries[-1][1]:
        chain = chain.shorter
    stands = chain.stands.get(tide.chain)
    if stands is None:
        stands = chain.stands[tide.chain] = _stand(chain, tide.chain)
    kind, fork = stands
    if kind is None:
        return None
    if kind == "is" or (kind == "begins" and position.lsn <= fork):
        return "visible" if tide.lsn >= position.lsn else "pending"
    if kind == "behind" and tide.lsn <= fork:
        return "pending"
    return "orphaned" if fork <= position.after else "in_doubt"
