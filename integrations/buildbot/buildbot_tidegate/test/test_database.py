"""Positions, the read router and failovers, with an engine whose server these tests play."""
import socket
import sqlite3
import threading

import sqlalchemy as sa
from buildbot_tidegate import failover
from buildbot_tidegate import fate
from buildbot_tidegate import positions
from buildbot_tidegate import router
from twisted.internet import defer
from twisted.internet import task
from twisted.python import log
from twisted.trial import unittest


class Error(Exception):
    def __init__(self, pgcode=None):
        super().__init__(f'pgcode {pgcode}')
        self.pgcode = pgcode


class DatabaseCase(unittest.TestCase):

    def setUp(self):
        self.logged = []
        log.addObserver(self.logged.append)
        self.addCleanup(log.removeObserver, self.logged.append)

    def warnings(self):
        texts = [' '.join(event['message']) for event in self.logged]
        self.logged.clear()
        return [text for text in texts if 'WARNING' in text]


class Positions(DatabaseCase):

    def setUp(self):
        super().setUp()
        self.engine = sa.create_engine('sqlite://', poolclass=sa.pool.QueuePool)
        self.row = ('7', '0/10', '0000000200000000000000AB', 'on')
        self.patch(positions, '_QUESTION', "SELECT 1")
        self.asked = 0
        self.own = positions.OwnCommits(self.engine)
        ask = positions._ask

        def asks(connection):
            self.asked += 1
            if isinstance(self.row, Exception):
                raise self.row
            return ask(_Connection(connection, self.row))
        self.patch(positions, '_ask', asks)

    def write(self):
        with self.engine.connect() as connection:
            with connection.begin():
                connection.exec_driver_sql('CREATE TABLE IF NOT EXISTS t (x)')

    def test_a_commit_has_a_position_before_its_connection_is_back(self):
        self.assertIsNone(self.own.position)
        self.write()
        self.assertEqual(str(self.own.position), 'postgres:7:2:0/10')

    def test_a_read_costs_no_question(self):
        with self.engine.connect() as connection:
            connection.exec_driver_sql('SELECT 1').all()
        self.assertEqual(self.asked, 0)

    def test_it_does_not_go_back(self):
        self.row = ('7', '1/0', *self.row[2:])
        self.write()
        self.row = ('7', '0/FFFFFFFF', *self.row[2:])
        self.write()
        self.assertEqual(self.own.position.lsn, '1/0')
        self.row = ('7', '0/FFFFFFFF', '0000000300000000000000AB', 'on')  # promoted
        self.write()
        self.assertEqual(str(self.own.position), 'postgres:7:3:0/FFFFFFFF')
        self.row = ('8', '0/1', '0000000100000000000000AB', 'on')  # another cluster
        self.write()
        self.assertEqual(str(self.own.position), 'postgres:8:1:0/1')

    def test_asynchronous_commits_are_refused_and_that_is_said_once(self):
        self.write()
        self.row = (*self.row[:3], 'off')
        self.write()
        self.write()
        self.assertIsNone(self.own.position)
        warning, = self.warnings()
        self.assertIn('synchronous_commit', warning)

    def test_the_position_is_unknown_when_the_connection_breaks_behind_the_commit(self):
        self.write()
        with self.engine.connect() as connection:
            with connection.begin():
                connection.exec_driver_sql('CREATE TABLE IF NOT EXISTS t (x)')
            connection.invalidate()
            connection.exec_driver_sql('SELECT 1').all()
        self.assertIsNone(self.own.position)

    def test_a_question_that_fails_leaves_the_commit_alone_and_the_position_unknown(self):
        self.write()
        self.row = Error()
        self.write()
        self.assertIsNone(self.own.position)
        self.assertEqual(len(self.warnings()), 1)


    def test_an_answer_of_before_does_not_cover_a_commit_whose_position_is_unknown(self):
        ask, own = positions._ask, self.own

        def ask_while_another_fails(connection):
            own._unknown += 1
            return ask(connection)
        self.patch(positions, '_ask', ask_while_another_fails)
        self.write()
        self.assertIsNone(self.own.position)


class _Connection:
    """A connection of the driver, and its cursor, whose answer is given."""

    def __init__(self, connection, row):
        self._connection = connection
        self._row = row

    def cursor(self):
        return self

    def execute(self, sql):
        pass

    def fetchone(self):
        return self._row

    def close(self):
        pass

    def rollback(self):
        self._connection.rollback()


def _refusal(code):
    error = sqlite3.OperationalError()
    error.pgcode = code
    return error


Lost = sqlite3.ProgrammingError('Cannot operate on a closed database.')


class _Driver:
    """A connection of the driver in a transaction. `mark` and `commit` are what those raise."""

    def __init__(self, xid='77', status=2, mark=None, commit=None):
        self.said = []
        self.committed = False
        self._xid = xid
        self._status = status
        self._raises = {'mark': mark, 'commit': commit}

    def get_transaction_status(self):
        return self._status

    def cursor(self):
        return self

    def close(self):
        pass

    def execute(self, sql):
        self.said.append(sql)
        if sql.startswith('SELECT'):
            self._act('mark')

    def fetchone(self):
        return self._xid, '7', '0000000200000000000000AB', '0/10', None, 'then'

    def commit(self):
        self._act('commit')
        self.committed = True

    def _act(self, step):
        if self._raises[step] is not None:
            raise self._raises[step]


class Fates(unittest.TestCase):

    def compare(self, shut_down=False, **now):
        before = fate.Mark('77', '7', 2, '1/10', '0/5', 'then')
        now = {'xid': None, 'lsn': '9/0', **now}
        return fate.compare(before, before._replace(**now), shut_down)

    def test_a_server_that_did_not_crash_knows_all_its_transactions(self):
        self.assertIsNone(self.compare())
        self.assertIsNone(self.compare(True, replayed=None, started='now'))  # an orderly stop
        # Perhaps it crashed before that.
        self.assertEqual(self.compare(replayed=None, started='now'), fate.UNKNOWN)

    def test_one_that_crashed_knows_what_was_in_its_wal(self):
        self.assertIsNone(self.compare(replayed='1/10'))
        self.assertEqual(self.compare(replayed='1/F'), fate.UNDONE)
        self.assertEqual(self.compare(lsn='1/F', replayed=None, started='now'), fate.UNDONE)

    def test_so_does_a_promoted_one(self):
        self.assertIsNone(self.compare(timeline=3, replayed='1/10'))
        self.assertEqual(self.compare(timeline=3, replayed='0/FFFFFFFF'), fate.UNDONE)

    def test_of_others_the_ids_may_be_of_other_transactions(self):
        self.assertEqual(self.compare(timeline=3, replayed=None), fate.UNKNOWN)
        self.assertEqual(self.compare(timeline=4, replayed='2/0'), fate.UNKNOWN)
        self.assertEqual(self.compare(timeline=1, replayed='2/0'), fate.UNKNOWN)
        self.assertEqual(self.compare(system='8'), fate.UNKNOWN)


class Failovers(DatabaseCase):

    def setUp(self):
        super().setUp()
        self.engine = sa.create_engine('sqlite://', poolclass=sa.pool.QueuePool)
        self.engine.should_retry = lambda error: False
        self.leaving = False
        self.slept = []
        self.fails = 0
        connect = self.engine.connect

        def connects():
            if self.fails:
                self.fails -= 1
                raise sa.exc.OperationalError('', {}, Error())
            return connect()
        self.engine.connect = connects
        self.given_up = []
        self.failover = failover.Failover(self.engine, lambda: self.leaving,
                                          lambda: self.given_up.append(True), self.sleep)
        self.became = []
        self.failover._ask_for_fate = self.ask_for_fate
        self.commit = self.engine.dialect.do_commit

    def ask_for_fate(self, before, shut_down):
        self.assertEqual((before.xid, shut_down), ('77', False))
        became = self.became.pop(0)
        if isinstance(became, Exception):
            raise became
        return became

    def tries_again(self):
        return self.engine.should_retry(
            sa.exc.OperationalError('', {}, Error(), connection_invalidated=True))

    def sleep(self, seconds):
        self.slept.append(seconds)
        if sum(self.slept) > 100:
            self.leaving = True

    def test_it_waits_for_a_server_and_says_so_once(self):
        self.fails = 10
        self.engine.connect().close()
        self.assertEqual(self.slept, [0.2, 0.4, 0.8, 1.6, 3.2] + [5.0] * 5)
        self.assertEqual(len(self.warnings()), 1)

    def test_a_master_that_is_to_end_does_not_wait(self):
        self.fails = 1000
        self.assertRaises(sa.exc.OperationalError, self.engine.connect)
        self.assertEqual(self.given_up, [True])

    def test_what_has_committed_nothing_is_tried_again(self):
        shut_down = sa.exc.OperationalError('', {}, Error('57P01'))
        other = sa.exc.OperationalError('', {}, Error('40001'))
        with self.engine.connect():
            self.assertTrue(self.tries_again())
            self.assertTrue(self.engine.should_retry(shut_down))
            self.assertFalse(self.engine.should_retry(other))
            self.commit(_Driver(xid=None))  # it has only read
            self.commit(_Driver(status=0))
            self.assertTrue(self.tries_again())
            self.commit(_Driver())
            self.assertFalse(self.tries_again())
        with self.engine.connect():
            self.assertTrue(self.tries_again())

    def test_an_operation_whose_commit_was_lost_is_tried_again(self):
        self.became = [fate.UNDONE]
        with self.engine.connect():
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))
            self.assertTrue(self.tries_again())
            self.commit(_Driver())
            self.became = [fate.UNDONE]
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))
            self.assertFalse(self.tries_again())  # its first part was committed

    def test_one_whose_commit_arrived_goes_on_behind_it(self):
        self.became = [sqlite3.OperationalError('starts'), None, fate.COMMITTED]
        with self.engine.connect() as connection:
            broken = connection.connection.dbapi_connection
            self.failover._committing(connection)
            self.commit(_Driver(commit=Lost))
            self.assertIsNot(connection.connection.dbapi_connection, broken)
            self.assertFalse(self.tries_again())
        self.assertEqual(self.slept, [0.2, 0.4])
        away, answered = self.warnings()
        self.assertIn('does not answer', away)
        self.assertIn('committed', answered)

    def test_one_whose_commit_has_an_unknown_fate_fails(self):
        self.became = [fate.UNKNOWN]
        with self.engine.connect():
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))
            self.assertFalse(self.tries_again())

    def test_a_master_that_is_to_end_does_not_wait_for_a_fate(self):
        self.became = [None] * 1000
        with self.engine.connect():
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))
            self.assertFalse(self.tries_again())

    def test_a_commit_that_the_server_refuses_is_not_asked_about(self):
        with self.engine.connect():
            self.assertRaises(sqlite3.IntegrityError, self.commit,
                              _Driver(commit=sqlite3.IntegrityError))

    def test_a_connection_lost_before_the_commit_has_committed_nothing(self):
        with self.engine.connect():
            self.commit(_Driver(xid=None))
            driver = _Driver(mark=Lost)
            self.assertRaises(sqlite3.ProgrammingError, self.commit, driver)
            self.assertTrue(self.tries_again())
            self.assertFalse(driver.committed)

    def test_a_server_that_refuses_to_tell_the_id_undoes_nothing(self):
        driver = _Driver(mark=_refusal('42501'))
        with self.engine.connect():
            self.commit(driver)
            self.assertEqual(driver.said[-1], 'ROLLBACK TO tidegate_mark')
            self.assertTrue(driver.committed)
            self.assertFalse(self.tries_again())
            driver = _Driver()
            self.commit(driver)
            self.assertEqual(driver.said, [])
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))
        self.assertIn('does not tell the id', self.warnings()[0])

    def test_one_that_fails_to_tell_it_once_is_asked_again(self):
        with self.engine.connect():
            self.commit(_Driver(mark=_refusal('57014')))
            driver = _Driver()
            self.commit(driver)
            self.assertEqual(driver.said[0], 'SAVEPOINT tidegate_mark')
        self.assertEqual(self.warnings(), [])

    def test_a_server_that_refuses_to_tell_a_fate_is_not_asked_for_ever(self):
        self.became = [_refusal('42501')]
        with self.engine.connect():
            self.assertRaises(sqlite3.ProgrammingError, self.commit, _Driver(commit=Lost))

    def test_a_connection_that_broke_is_told_in_the_class_that_buildbot_asks_about(self):
        class Context:
            statement = parameters = None
            is_disconnect = True
            original_exception = Error()
            sqlalchemy_exception = sa.exc.DatabaseError('', {}, Error())
        with self.assertRaises(sa.exc.OperationalError) as raised:
            failover._as_operational(Context)
        self.assertTrue(raised.exception.connection_invalidated)
        Context.is_disconnect = False
        self.assertIsNone(failover._as_operational(Context))
        Context.original_exception = Error(failover.READ_ONLY)  # of a standby
        self.assertRaises(sa.exc.OperationalError, failover._as_operational, Context)

    def test_a_connection_has_bounds_unless_the_url_has_others(self):
        words = {'connect_timeout': 60}
        failover._add_bounds(None, None, (), words)
        self.assertEqual((words['connect_timeout'], words['tcp_user_timeout']), (60, 10000))

    def test_so_has_the_server(self):
        driver = _Driver()
        driver.autocommit = False
        failover._bound_server(driver, None)
        self.assertIn('tcp_keepalives_idle', driver.said[0])
        self.assertFalse(driver.autocommit)

    def test_threads_do_not_disturb_each_other(self):
        with self.engine.connect():
            self.failover._attempt.commits = True
            other = []
            thread = threading.Thread(target=lambda: (
                self.engine.connect().close(), other.append(self.tries_again())))
            thread.start()
            thread.join()
            self.assertEqual(other, [True])
            self.assertFalse(self.tries_again())


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
        self.own = type('OwnCommits', (), {'position': positions.Position('7', 1, '0/10')})()
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
