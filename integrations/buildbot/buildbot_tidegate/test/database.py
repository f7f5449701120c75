"""Shared by the tests with an engine whose server they play."""
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
