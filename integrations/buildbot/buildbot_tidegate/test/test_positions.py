"""Positions of the own commits."""
import sqlalchemy as sa
from buildbot_tidegate import positions
from buildbot_tidegate.test.database import DatabaseCase
from buildbot_tidegate.test.database import Error


class Positions(DatabaseCase):

    def setUp(self):
        super().setUp()
        self.engine = sa.create_engine('sqlite://', poolclass=sa.pool.QueuePool)
        self.row = ('7', '0/10', '0000000200000000000000AB', 'on', 5)
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
        self.assertEqual(str(self.own.position), 'postgres:7:2~5:0/10')

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
        self.row = ('7', '0/FFFFFFFF', '0000000300000000000000AB', 'on', 6)  # promoted
        self.write()
        self.assertEqual(str(self.own.position), 'postgres:7:3~6:0/FFFFFFFF')
        self.row = ('8', '0/1', '0000000100000000000000AB', 'on', 7)  # another cluster
        self.write()
        self.assertEqual(str(self.own.position), 'postgres:8:1:0/1')

    def test_asynchronous_commits_are_refused_and_that_is_said_once(self):
        self.write()
        self.row = (*self.row[:3], 'off', 5)
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
