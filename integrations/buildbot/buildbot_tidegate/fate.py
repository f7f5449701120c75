"""What became of a transaction whose COMMIT had no answer.

Right before each COMMIT the server is asked for the transaction's id, and how far its WAL reaches;
what the transaction has written lies before that. When the connection is lost during the COMMIT,
the present primary is asked what became of that id. After a failover, or a crash, a server gives
out ids again that it never heard of, so the answer counts only where its WAL went on from there.

A server tells of its last recovery alone, so it has to be asked before the next one: who was away
while the primary crashed, or was promoted, and crashed again, may be told wrongly.

Any role may ask all this.
"""
import collections

from buildbot_tidegate.positions import lsn_number

COMMITTED = 'committed'
UNDONE = 'undone'
UNKNOWN = 'unknown'

# `replayed`: where the last recovery of that server since `started` has ended, if it had one.
Mark = collections.namedtuple('Mark', ['xid', 'system', 'timeline', 'lsn', 'replayed', 'started'])

# NULL on a standby.
_SERVER = """
       (SELECT system_identifier FROM pg_catalog.pg_control_system()),
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
         pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) END,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
         pg_catalog.pg_current_wal_insert_lsn()::text END,
       pg_catalog.pg_last_wal_replay_lsn()::text,
       pg_catalog.pg_postmaster_start_time()::text
"""

# Its server may wait for hours for a client that it still believes to be there, and keep its locks.
# A COMMIT that waits for a synchronous standby would wait no more, so it is left alone.
_END_SESSION = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE backend_xid = %s::pg_catalog.xid8::pg_catalog.xid
AND wait_event IS DISTINCT FROM 'SyncRep'
"""


def mark(cursor):
    """Of the transaction that the cursor is in; None if that has written nothing."""
    cursor.execute('SELECT pg_catalog.pg_current_xact_id_if_assigned()::text,' + _SERVER)
    row = cursor.fetchone()
    return None if None in row[:3] else _mark(row)


def fate(cursor, before, shut_down):
    """Asks the server of the cursor, which has no transaction open. None: it can't say yet.
    `shut_down`: the server of before has said so when the connection was lost."""
    cursor.execute('SELECT NULL,' + _SERVER)
    row = cursor.fetchone()
    if row[2] is None:
        return None
    told = compare(before, _mark(row), shut_down)
    if told is not None:
        return told
    cursor.execute('SELECT pg_catalog.pg_xact_status(%s::pg_catalog.xid8)', (before.xid,))
    status, = cursor.fetchone()
    if status == 'in progress':
        cursor.execute(_END_SESSION, (before.xid,))
        return None
    return {'committed': COMMITTED, 'aborted': UNDONE}.get(status, UNKNOWN)


def compare(before, now, shut_down):
    """Whether the server of `now` can know the transaction: None if it does."""
    if now.system != before.system:
        return UNKNOWN
    if lsn_number(now.lsn) < lsn_number(before.lsn):
        return UNDONE
    if now.timeline == before.timeline:
        # Without a recovery since it has all that it ever wrote.
        if (now.started, now.replayed) == (before.started, before.replayed):
            return None
        if now.replayed is None:  # nor had its last start one, but perhaps that before
            return None if shut_down else UNKNOWN
    elif now.timeline != before.timeline + 1 or now.replayed is None:
        return UNKNOWN
    return None if lsn_number(now.replayed) >= lsn_number(before.lsn) else UNDONE


def _mark(row):
    xid, system, wal_file, lsn, replayed, started = row
    return Mark(xid, system, int(wal_file[:8], 16), lsn, replayed, started)
