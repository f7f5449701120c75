"""The position behind the last commit of this master, which its messages carry.

Two listeners of SQLAlchemy on Buildbot's own engine. A COMMIT marks its connection; when the
connection goes back into the pool, still in the thread of the database and before Buildbot hears
that the change is made, the primary is asked on that very connection how far its WAL is flushed.
So a message that Buildbot produces after a change has a position that covers the change.

Written by the threads of the database, read by the reactor's.
"""
import re
import threading

import sqlalchemy as sa
from twisted.python import log

_WROTE = 'tidegate_wrote'

_QUESTION = """
SELECT system_identifier, pg_catalog.pg_current_wal_flush_lsn(),
       pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()),
       pg_catalog.current_setting('synchronous_commit'),
       (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint
FROM pg_catalog.pg_control_system()
"""

ASYNCHRONOUS = (
    'the database commits asynchronously (synchronous_commit = off): a change may be lost after '
    'it was announced, and each message waits until its peer has asked the primary itself; turn '
    'it on for the role of Buildbot, with ALTER ROLE ... SET synchronous_commit = on')


def lsn_number(text):
    high, low = text.split('/')
    return int(high, 16) << 32 | int(low, 16)


class Position:
    """A place in the WAL of one cluster. `started`: the server that has told the number of the
    timeline, which another one may have, too; in microseconds since 1970."""

    __slots__ = ['system', 'timeline', 'lsn', 'started']

    def __init__(self, system, timeline, lsn, started):
        self.system = system
        self.timeline = timeline
        self.lsn = lsn
        self.started = started

    def __str__(self):
        """The text that the door of a peer reads."""
        told_by = '' if self.timeline == 1 else f'~{self.started}'
        return f'postgres:{self.system}:{self.timeline}{told_by}:{self.lsn}'

    def is_behind(self, other):
        return (self.system == other.system and
                (self.timeline, lsn_number(self.lsn)) < (other.timeline, lsn_number(other.lsn)))


class OwnCommits:
    """`position` is behind all commits of this master; None while that is not known, and then a
    message says `depends:commit` and its peer asks for it."""

    def __init__(self, engine):
        self.position = None
        self._lock = threading.Lock()
        self._said = None
        self._unknown = 0  # how often a commit's position was not known
        sa.event.listen(engine, 'commit', self._committing)
        sa.event.listen(engine.pool, 'checkin', self._returned)
        sa.event.listen(engine.pool, 'invalidate', self._broken)

    def _committing(self, connection):
        connection.info[_WROTE] = True

    def _broken(self, connection, record, error):
        """Before it is replaced, and what it had done is forgotten."""
        self._returned(None, record)

    def _returned(self, connection, record):
        if not record.info.pop(_WROTE, False):
            return
        with self._lock:
            unknown = self._unknown
        position, trouble = None, 'the connection broke behind a COMMIT'
        if connection is not None:
            try:
                position, trouble = _ask(connection)
            except Exception as error:  # whatever the driver raises; the change is made already
                trouble = f'the position of a commit is not known: {" ".join(str(error).split())}'
        with self._lock:
            if position is None:
                self.position = None
                self._unknown += 1
            elif unknown != self._unknown:
                pass  # meanwhile another commit was made, perhaps behind this position
            elif self.position is None or not position.is_behind(self.position):
                self.position = position
            changed, self._said = trouble != self._said, trouble
        if changed and trouble:
            log.msg(f'tidegate: WARNING: {trouble}')


def _ask(connection):
    cursor = connection.cursor()
    try:
        cursor.execute(_QUESTION)
        system, lsn, wal_file, synchronous, started = cursor.fetchone()
    finally:
        cursor.close()
        connection.rollback()  # the question began a transaction
    if synchronous == 'off':
        return None, ASYNCHRONOUS
    if not re.fullmatch('[0-9A-F]{24}', wal_file):
        return None, f'the primary names its WAL {wal_file!r}'
    return Position(system, int(wal_file[:8], 16), lsn, started), None
