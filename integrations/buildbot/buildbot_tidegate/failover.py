"""A master goes on when its primary is lost and another is promoted.

Buildbot tries a database operation again that MySQL has lost, but not one that PostgreSQL has: the
operation fails, and what it was part of (a build, a change that a scheduler had been told of) is
lost. This makes its pool wait for a server that takes connections, and try again an operation whose
connection broke before it had begun to commit anything. Whether a COMMIT arrived whose answer did
not, nobody knows; that one fails as before.

`db_url` has to lead to the present primary, as with several hosts and target_session_attrs, or a
name or proxy that moves.
"""
import threading
import time

import sqlalchemy as sa
from twisted.python import log

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

# Of a server that is there but does not serve yet, or no longer: admin_shutdown, crash_shutdown,
# cannot_connect_now.
_NOT_SERVING = ('57P01', '57P02', '57P03')
READ_ONLY = '25006'  # read_only_sql_transaction

# Of libpq, where the URL says nothing else: a host that has died without a word is known after
# about ten seconds, and not after minutes.
_BOUNDS = {'connect_timeout': 5, 'keepalives_idle': 5, 'keepalives_interval': 2,
           'keepalives_count': 3, 'tcp_user_timeout': 10000}


def bound_connections(engine):
    sa.event.listen(engine, 'do_connect', _add_bounds)


def _add_bounds(dialect, record, arguments, words):
    for name, value in _BOUNDS.items():
        words.setdefault(name, value)


def _as_operational(context):
    """Of a connection that broke the driver tells in one of two classes, and Buildbot's pool asks
    about the one alone."""
    error = context.sqlalchemy_exception
    # A standby that is to be promoted: another connection may lead to the primary.
    if getattr(context.original_exception, 'pgcode', None) == READ_ONLY:
        context.is_disconnect = True
    if context.is_disconnect and not isinstance(error, sa.exc.OperationalError):
        raise sa.exc.OperationalError(
            context.statement, context.parameters, context.original_exception,
            connection_invalidated=True) from context.original_exception


class Failover:

    def __init__(self, engine, is_leaving, give_up, sleep=time.sleep):
        """Both are called in any thread. `is_leaving`: whether the master is to end, and so waits
        for nothing; `give_up`: it is, and there is no server."""
        self._engine = engine
        self._connect = engine.connect
        self._should_retry = engine.should_retry
        self._sleep = sleep
        self._attempt = threading.local()  # of the thread's present operation
        self._is_leaving = is_leaving
        self._give_up = give_up
        self._lost = None
        sa.event.listen(engine, 'commit', self._committing)
        sa.event.listen(engine, 'handle_error', _as_operational)
        engine.connect = self._connect_patiently
        engine.should_retry = self._tries_again

    def _committing(self, connection):
        self._attempt.commits = True

    def _connect_patiently(self, *args, **kwargs):
        pause = FIRST_PAUSE
        while True:
            self._attempt.commits = False
            try:
                connection = self._connect(*args, **kwargs)
            except sa.exc.OperationalError as error:
                if self._is_leaving():
                    self._give_up()
                    raise
                self._say(error)
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._say(None)
                return connection

    def _tries_again(self, error):
        if self._should_retry(error):
            return True
        lost = (error.connection_invalidated or
                getattr(error.orig, 'pgcode', None) in _NOT_SERVING)
        return lost and not self._attempt.commits

    def _say(self, error):
        """Once when the server is lost, and once when there is one."""
        lost, self._lost = self._lost, error
        if error is not None and lost is None:
            log.msg('tidegate: WARNING: the database does not answer; the master waits for it: '
                    + ' '.join(str(error.orig).split()))
        elif error is None and lost is not None:
            log.msg('tidegate: the database answers again')
