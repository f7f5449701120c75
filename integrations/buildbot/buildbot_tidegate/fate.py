"""What became of a transaction whose COMMIT had no answer.

Right before each COMMIT the server is asked for the transaction's id, and how far its WAL reaches;
what the transaction has written lies before that. When the connection is lost during the COMMIT,
the present primary is asked what became of that id. After a failover the new primary gives out ids
again that it never heard of, so the answer counts only where it has replayed the WAL up to there.

Any role may ask all this.
"""
import collections

from buildbot_tidegate.positions import lsn_number

COMMITTED = 'committed'
UNDONE = 'undone'
UNKNOWN = 'unknown'

# `replayed`: where the last recovery of that server ended, if it had one.
Mark = collections.namedtuple('Mark', ['xid', 'system', 'timeline', 'lsn', 'replayed'])

_SERVER = """
       (SELECT system_identifier FROM pg_catalog.pg_control_system()),
       pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()),
       pg_catalog.pg_current_wal_insert_lsn()::text,
       pg_catalog.pg_last_wal_replay_lsn()::text
"""

# Its server may wait for hours for a client that it still believes to be there, and keep its locks.
# One that commits already does so before it ends.
_END_SESSION = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE backend_xid = %s::pg_catalog.xid8::pg_catalog.xid
"""


def mark(cursor):
    """Of the transaction that the cursor is in; None if that has written nothing."""
    cursor.execute('SELECT pg_catalog.pg_current_xact_id_if_assigned()::text,' + _SERVER)
    row = cursor.fetchone()
    return None if row[0] is None else _mark(row)


def fate(cursor, before):
    """Asks the server of the cursor, which has no transaction open. None: it can't say yet."""
    cursor.execute('SELECT pg_catalog.pg_is_in_recovery()')
    if cursor.fetchone()[0]:
        return None
    cursor.execute('SELECT NULL,' + _SERVER)
    told = compare(before, _mark(cursor.fetchone()))
    if told is not None:
        return told
    cursor.execute('SELECT pg_catalog.pg_xact_status(%s::pg_catalog.xid8)', (before.xid,))
    status, = cursor.fetchone()
    if status == 'in progress':
        cursor.execute(_END_SESSION, (before.xid,))
        return None
    return {'committed': COMMITTED, 'aborted': UNDONE}.get(status, UNKNOWN)


def compare(before, now):
    """Whether the server of `now` can know the transaction: None if it does."""
    if now.system != before.system:
        return UNKNOWN
    if now.timeline == before.timeline:
        # Without a crash since, or behind an orderly stop, it has all that it ever wrote.
        if now.replayed in (None, before.replayed):
            return None
    elif now.timeline != before.timeline + 1 or now.replayed is None:
        return UNKNOWN
    return None if lsn_number(now.replayed) >= lsn_number(before.lsn) else UNDONE


def _mark(row):
    xid, system, wal_file, lsn, replayed = row
    return Mark(xid, system, int(wal_file[:8], 16), lsn, replayed)
