"""Reads on the replica, where it shows what this master has written itself.

Buildbot has one database URL for all it does. Pages of a busy master are some hundred reads; this
leads them to the replica beside it. A read goes there if the replica has replayed the last commit
of this master, asked in the same snapshot; otherwise to the primary, as everything else does. So
Buildbot always finds what it has written, and what a message has announced. After a failover it has
to show, too, that it follows the new timeline: its control file does at its next restartpoint, and
until then the primary is read.

A method of Buildbot's database layer hands a function to the pool. Methods whose names begin with
`get` read, and are told by the qualified name of the function; the one that writes all the same
(getObjectId) is refused by the replica once, and led to the primary from then on.
"""
import os
import re
import socket

import sqlalchemy as sa
from buildbot.db import enginestrategy
from buildbot.db import pool
from twisted.internet import defer
from twisted.python import failure
from twisted.python import log

from buildbot_tidegate import failover

_READS = re.compile(r'\.get\w*\.<locals>\.')

_SHOWS = """
SELECT coalesce(pg_catalog.pg_is_in_recovery()
                AND pg_catalog.pg_last_wal_replay_lsn() >= CAST(%s AS pg_catalog.pg_lsn)
                AND system.system_identifier = %s
                AND greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline) = %s,
                false)
FROM pg_catalog.pg_control_system() AS system,
     pg_catalog.pg_control_checkpoint() AS checkpoint,
     pg_catalog.pg_control_recovery() AS recovery
"""

# A replica that failed is asked again so many seconds later, twice as many each time, and by one
# read alone.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0

# A read that takes longer is cut off, and the primary is asked: the replica may be frozen.
LONGEST_READ = 10.0

# No answer in time.
_TOO_LATE = TimeoutError(f'a read has taken longer than {LONGEST_READ:.0f} s')

_TROUBLES = (sa.exc.OperationalError, sa.exc.InterfaceError, TimeoutError)


class ReadRouter:

    def __init__(self, db, replica_url, own_commits, reactor):
        self.replica_reads = 0
        self.primary_reads = 0
        self._reactor = reactor
        self._own_commits = own_commits
        self._engine = enginestrategy.create_engine(replica_url, basedir=db.basedir)
        failover.bound_connections(self._engine)
        self._replica = pool.DBThreadPool(self._engine, reactor=reactor)
        self._on_primary = db.pool.do
        self._not_before = 0.0
        self._readings = {}  # under way, and what they answer
        self._pause = FIRST_PAUSE
        self._trouble = None
        self._writers = set()
        db.pool.do = self._do

    @defer.inlineCallbacks
    def _do(self, callable, *args, **kwargs):
        name = getattr(callable, '__qualname__', '')
        if _READS.search(name) and name not in self._writers:
            found = yield self._read(callable, args, kwargs)
            if found is not None:
                self.replica_reads += 1
                return found[0]
            self.primary_reads += 1
        result = yield self._on_primary(callable, *args, **kwargs)
        return result

    @defer.inlineCallbacks
    def _read(self, callable, args, kwargs):
        """What the replica says, in a tuple; None: it can't say, or not yet."""
        own = self._own_commits.position
        if own is None or self._reactor.seconds() < self._not_before:
            return None
        tries = self._trouble is not None
        if tries:
            self._not_before = self._reactor.seconds() + 2 * LONGEST_READ
        found, error = yield self._in_time(_Reading(own), callable, args, kwargs)
        if getattr(getattr(error, 'orig', None), 'pgcode', None) == failover.READ_ONLY:
            self._writers.add(callable.__qualname__)
            error = None
        # Others are of the function itself; the primary is asked, and raises them again.
        trouble = error if isinstance(error, _TROUBLES) else None
        if trouble is not None and (tries or self._trouble is None):
            self._pause = min(2 * self._pause, LONGEST_PAUSE) if tries else FIRST_PAUSE
            self._not_before = self._reactor.seconds() + self._pause
        elif tries:
            self._not_before = 0.0
        self._say(trouble)
        return found

    def end(self):
        """The threads would be waited for, and nobody could cut them off any more."""
        self._not_before = float('inf')
        for reading in list(self._readings):
            self._cut_off(reading)

    def _in_time(self, reading, callable, args, kwargs):
        """Fires with what it found and its error, at its end or when its time is over; the thread
        may take longer."""
        answer = defer.Deferred()
        self._readings[reading] = answer

        def ended(result):
            if timer.active():
                timer.cancel()
            if self._readings.pop(reading, None) is not None:
                no_connection = isinstance(result, failure.Failure)
                answer.callback((None, result.value) if no_connection else result)
        timer = self._reactor.callLater(LONGEST_READ, self._cut_off, reading)
        self._replica.do(reading.read, callable, args, kwargs).addBoth(ended)
        return answer

    def _cut_off(self, reading):
        answer = self._readings.pop(reading, None)
        if answer is not None:
            reading.cut_off()
            answer.callback((None, _TOO_LATE))

    def _say(self, trouble):
        """Once when the replica begins to fail, and once when it is back."""
        if (trouble is None) == (self._trouble is None):
            return
        self._trouble = trouble
        if trouble is None:
            log.msg('tidegate: the replica answers again')
        else:
            log.msg('tidegate: WARNING: the replica does not answer, reads go to the primary: '
                    + ' '.join(str(trouble).split()))


class _Reading:
    """One read, in a thread of the replica's pool."""

    def __init__(self, own):
        self._own = own
        self._connection = None  # of the driver
        self._is_over = False

    def read(self, connection, callable, args, kwargs):
        # Nothing may be raised here: the pool would log it, and the primary is asked anyway.
        try:
            self._connection = connection.connection.dbapi_connection
            if self._is_over:
                return None, None
            shown = connection.exec_driver_sql(
                _SHOWS, (self._own.lsn, self._own.system, self._own.timeline)).scalar()
            return ((callable(connection, *args, **kwargs),) if shown else None), None
        except Exception as error:
            return None, error

    def cut_off(self):
        """From another thread, which the driver would let wait for the answer: by its socket."""
        self._is_over = True
        if self._connection is None:
            return
        try:
            with socket.socket(fileno=os.dup(self._connection.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)
        except Exception:
            pass  # it is closed already
