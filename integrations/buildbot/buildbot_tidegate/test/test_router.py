"""The read router."""
import socket

import sqlalchemy as sa
from buildbot_tidegate import positions
from buildbot_tidegate import router
from buildbot_tidegate.test.database import DatabaseCase
from buildbot_tidegate.test.database import Error
from twisted.internet import defer
from twisted.internet import task


class Router(DatabaseCase):

    def setUp(self):
        super().setUp()
        self.clock = task.Clock()
        self.shown = True
        self.failure = None
        self.connection = self  # as SQLAlchemy calls what holds the driver's
        self.socket = None
        case = self

        class Replica:
            """The pool of the replica: it gives its connection to what it is handed."""
            def __init__(self, engine, reactor):
                pass

            def do(self, callable, *args):
                return defer.maybeDeferred(callable, case, *args)
        self.patch(router.pool, 'DBThreadPool', Replica)
        self.patch(router.enginestrategy, 'create_engine',
                   lambda url, **words: sa.create_engine('sqlite://'))
        self.own = type('OwnCommits', (), {'position': positions.Position('7', 1, '0/10', 5)})()
        self.db = type('DB', (), {'basedir': '.', 'pool': self})
        self.db.pool = type('Pool', (), {})()
        self.db.pool.do = lambda callable, *args: defer.succeed(callable('primary', *args))
        self.router = router.ReadRouter(self.db, 'postgresql://replica/', self.own, self.clock)

    def exec_driver_sql(self, sql, arguments):
        """As the connection to the replica."""
        if self.failure:
            raise self.failure
        self.assertEqual(arguments, ('0/10', '7', 1))
        return type('Result', (), {'scalar': lambda _: self.shown})()

    @property
    def dbapi_connection(self):
        return self.socket

    @staticmethod
    def reads():
        def getThing():
            def thd(connection):
                return 'primary' if connection == 'primary' else 'replica'
            return thd
        return getThing()

    def getThing(self):
        return self.successResultOf(self.db.pool.do(self.reads()))

    def addThing(self):
        def thd(connection):
            return 'primary' if connection == 'primary' else 'replica'
        return self.successResultOf(self.db.pool.do(thd))

    def test_reads_go_to_the_replica_and_others_do_not(self):
        self.assertEqual(self.getThing(), 'replica')
        self.assertEqual(self.addThing(), 'primary')

    def test_a_read_before_the_replica_shows_what_was_written_goes_to_the_primary(self):
        self.shown = False
        self.assertEqual(self.getThing(), 'primary')

    def test_so_does_one_while_the_position_is_not_known(self):
        self.own.position = None
        self.assertEqual(self.getThing(), 'primary')

    def test_a_replica_that_fails_is_left_alone_for_a_while_and_that_is_said_once(self):
        self.failure = sa.exc.OperationalError('', {}, Error())
        self.assertEqual(self.getThing(), 'primary')
        self.failure = None
        self.assertEqual(self.getThing(), 'primary')
        self.assertEqual(len(self.warnings()), 1)
        self.clock.advance(router.FIRST_PAUSE)
        self.assertEqual(self.getThing(), 'replica')
        self.assertIn('answers again', ' '.join(self.logged[0]['message']))
        self.assertEqual(self.getThing(), 'replica')

    def test_while_it_fails_it_is_asked_more_and_more_rarely(self):
        self.failure = sa.exc.OperationalError('', {}, Error())
        asked = []
        do = self.router._replica.do
        self.router._replica.do = lambda *args: (asked.append(self.clock.seconds()), do(*args))[1]
        for _ in range(200):
            self.assertEqual(self.getThing(), 'primary')
            self.clock.advance(1)
        self.assertEqual(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183])

    def test_one_read_alone_finds_out_whether_it_is_back(self):
        self.failure = sa.exc.OperationalError('', {}, Error())
        self.getThing()
        self.clock.advance(router.FIRST_PAUSE)
        answer = defer.Deferred()
        self.router._replica.do = lambda *args: answer
        tries = self.db.pool.do(self.reads())
        self.assertEqual(self.getThing(), 'primary')
        answer.callback((('replica',), None))
        self.assertEqual(self.successResultOf(tries), 'replica')

    def test_a_read_that_takes_too_long_is_cut_off(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        self.socket = ours
        answer = defer.Deferred()
        do = self.router._replica.do
        self.router._replica.do = lambda *args: (do(*args), answer)[1]
        read = self.db.pool.do(self.reads())
        self.clock.advance(router.LONGEST_READ - 1)
        theirs.setblocking(False)
        self.assertRaises(BlockingIOError, theirs.recv, 1)
        self.clock.advance(1)
        self.assertEqual(theirs.recv(1), b'')
        self.assertEqual(self.successResultOf(read), 'primary')  # though the thread goes on
        answer.callback((None, sa.exc.OperationalError('', {}, Error())))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_read_that_waits_for_a_thread_is_over_in_time_too(self):
        begun = []
        self.router._replica.do = lambda *args: begun.append(args) or defer.Deferred()
        read = self.db.pool.do(self.reads())
        self.clock.advance(router.LONGEST_READ)
        self.assertEqual(self.successResultOf(read), 'primary')
        function, *arguments = begun[0]
        self.assertEqual(function(self, *arguments), (None, None))  # which it is spared

    def test_the_end_waits_for_no_read(self):
        self.router._replica.do = lambda *args: defer.Deferred()
        read = self.db.pool.do(self.reads())
        self.router.end()
        self.assertEqual(self.successResultOf(read), 'primary')
        self.assertEqual(self.getThing(), 'primary')

    def test_one_that_writes_all_the_same_is_known_from_then_on(self):
        self.failure = sa.exc.InternalError('', {}, Error('25006'))
        self.assertEqual(self.getThing(), 'primary')
        self.failure = None
        self.assertEqual(self.getThing(), 'primary')
        self.assertEqual(self.warnings(), [])

    def test_what_a_read_raises_comes_from_the_primary(self):
        def getThing():
            def thd(connection):
                if connection != 'primary':
                    raise KeyError
                return connection
            return self.successResultOf(self.db.pool.do(thd))
        self.assertEqual(getThing(), 'primary')
        self.assertEqual(self.warnings(), [])
