"""A master goes on when its primary is lost and another is promoted.

Buildbot tries a database operation again that MySQL has lost, but not one that PostgreSQL has: the
operation fails, and what it was part of (a build, a change that a scheduler had been told of) is
lost. This makes its pool wait for a server that takes connections, and try again an operation whose
connection broke before it had committed anything. Of a COMMIT that had no answer the next primary
tells what became of it (fate.py): the operation goes on behind it, or is tried again. Only where
that can't be told it fails as before.

`db_url` has to lead to the present primary, as with several hosts and target_session_attrs, or a
name or proxy that moves.
"""
import contextlib
import threading
import time

import sqlalchemy as sa
from twisted.python import log

from buildbot_tidegate import fate

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

# Of a server that is there but does not serve yet, or no longer: admin_shutdown, crash_shutdown,
# cannot_connect_now.
_SHUT_DOWN = '57P01'
_NOT_SERVING = (_SHUT_DOWN, '57P02', '57P03')
# insufficient_privilege, undefined_function: it will not tell later either.
_NO_RIGHT = ('42501', '42883')
READ_ONLY = '25006'  # read_only_sql_transaction

# Of libpq, where the URL says nothing else: a host that has died without a word is known after
# about ten seconds, and not after minutes.
_BOUNDS = {'connect_timeout': 5, 'keepalives_idle': 5, 'keepalives_interval': 2,
           'keepalives_count': 3, 'tcp_user_timeout': 10000}


# Of psycopg2: what was done so far can be committed.
_IN_TRANSACTION = 2

_UNMARKED = object()


def _line(error):
    return ' '.join(str(error).split())


def _code(error):
    return getattr(error, 'pgcode', None)


def _pauses():
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


# The same of the server, which else keeps the locks of a client whose host has died for hours.
_BOUNDS_OF_SERVER = """
SELECT pg_catalog.set_config('tcp_keepalives_idle', '5', false),
       pg_catalog.set_config('tcp_keepalives_interval', '2', false),
       pg_catalog.set_config('tcp_keepalives_count', '3', false)
"""


def bound_connections(engine):
    sa.event.listen(engine, 'do_connect', _add_bounds)
    sa.event.listen(engine, 'connect', _bound_server)


def _add_bounds(dialect, record, arguments, words):
    for name, value in _BOUNDS.items():
        words.setdefault(name, value)


def _bound_server(connection, record):
    connection.autocommit = True  # a transaction that is rolled back would take them along
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(_BOUNDS_OF_SERVER)
    connection.autocommit = False


def _as_operational(context):
    """Of a connection that broke the driver tells in one of two classes, and Buildbot's pool asks
    about the one alone."""
    error = context.sqlalchemy_exception
    # A standby that is to be promoted: another connection may lead to the primary.
    if _code(context.original_exception) == READ_ONLY:
        context.is_disconnect = True
    if context.is_disconnect and not isinstance(error, sa.exc.OperationalError):
        raise sa.exc.OperationalError(
            context.statement, context.parameters, context.original_exception,
            connection_invalidated=True) from context.original_exception


class Failover:

    def __init__(self, engine, is_leaving, give_up, sleep=time.sleep):
        """Both are called in any thread. `is_leaving`: whether the master is to end, and so waits
        for nothing; `give_up`: it is, and there is no server."""
        self._dialect = engine.dialect
        self._do_commit = engine.dialect.do_commit
        self._aside = sa.create_engine(engine.url, poolclass=sa.pool.NullPool)
        bound_connections(self._aside)
        self._connect = engine.connect
        self._should_retry = engine.should_retry
        self._sleep = sleep
        # Of the thread's operation: its connection, and whether it has committed.
        self._attempt = threading.local()
        self._is_leaving = is_leaving
        self._give_up = give_up
        self._lost = None
        self._can_mark = True
        self._has_marked = False
        sa.event.listen(engine, 'commit', self._committing)
        sa.event.listen(engine, 'handle_error', _as_operational)
        engine.dialect.do_commit = self._commit
        engine.connect = self._connect_patiently
        engine.should_retry = self._tries_again

    def _committing(self, connection):
        self._attempt.connection = connection

    def _commit(self, connection):
        """Of the driver."""
        if connection.get_transaction_status() != _IN_TRANSACTION:
            return self._do_commit(connection)  # which has nothing to commit
        before = self._mark(connection) if self._can_mark else _UNMARKED
        try:
            self._do_commit(connection)
        except self._dialect.dbapi.Error as error:
            if before is None or not self._is_lost(error, connection):
                raise
            became = fate.UNKNOWN if before is _UNMARKED else self._fate(
                before, _code(error) == _SHUT_DOWN)
            log.msg(f'tidegate: WARNING: a COMMIT had no answer: its transaction is {became}')
            if became == fate.UNKNOWN:
                self._attempt.commits = True
            if became != fate.COMMITTED:
                raise
            # The operation goes on with another one.
            self._attempt.connection.invalidate()
        if before is not None:
            self._attempt.commits = True

    def _is_lost(self, error, connection):
        return (_code(error) in _NOT_SERVING
                or self._dialect.is_disconnect(error, connection, None))

    def _mark(self, connection):
        """None: nothing was written. Of what is raised here nothing is committed."""
        with contextlib.closing(connection.cursor()) as cursor:
            if self._has_marked:
                return fate.mark(cursor)
            # A server may refuse the question, and that must not undo what is to be committed.
            cursor.execute('SAVEPOINT tidegate_mark')
            try:
                before = fate.mark(cursor)
                self._has_marked = True
                return before
            except self._dialect.dbapi.Error as error:
                if self._is_lost(error, connection):
                    raise
                cursor.execute('ROLLBACK TO tidegate_mark')
                if _code(error) not in _NO_RIGHT:
                    return _UNMARKED
                self._can_mark = False
                log.msg('tidegate: WARNING: the primary does not tell the id of a transaction, so '
                        f'an operation fails whose COMMIT has no answer: {_line(error)}')
                return _UNMARKED

    def _fate(self, before, shut_down):
        pauses = _pauses()
        while True:
            try:
                became = self._ask_for_fate(before, shut_down)
                self._say(None)
            except (sa.exc.DBAPIError, self._dialect.dbapi.Error) as error:
                error = getattr(error, 'orig', error)
                if _code(error) in _NO_RIGHT:
                    return fate.UNKNOWN
                self._say(error)
                became = None
            if became is not None:
                return became
            if self._is_leaving():
                return fate.UNKNOWN
            self._sleep(next(pauses))

    def _ask_for_fate(self, before, shut_down):
        connection = self._aside.raw_connection()
        try:
            with contextlib.closing(connection.cursor()) as cursor:
                return fate.fate(cursor, before, shut_down)
        finally:
            connection.close()

    def _connect_patiently(self, *args, **kwargs):
        pauses = _pauses()
        while True:
            self._attempt.commits = False
            try:
                connection = self._connect(*args, **kwargs)
            except sa.exc.OperationalError as error:
                if self._is_leaving():
                    self._give_up()
                    raise
                self._say(error.orig)
                self._sleep(next(pauses))
            else:
                self._say(None)
                return connection

    def _tries_again(self, error):
        if self._should_retry(error):
            return True
        lost = error.connection_invalidated or _code(error.orig) in _NOT_SERVING
        return lost and not self._attempt.commits

    def _say(self, error):
        """Once when the server is lost, and once when there is one."""
        lost, self._lost = self._lost, error
        if error is not None and lost is None:
            log.msg('tidegate: WARNING: the database does not answer; the master waits for it: '
                    + _line(error))
        elif error is None and lost is not None:
            log.msg('tidegate: the database answers again')
