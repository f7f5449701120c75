"""Failovers, and the fate of a COMMIT without an answer."""
import sqlite3
import threading

import sqlalchemy as sa
from buildbot_tidegate import failover
from buildbot_tidegate import fate
from buildbot_tidegate.test.database import DatabaseCase
from buildbot_tidegate.test.database import Error
from twisted.trial import unittest


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
