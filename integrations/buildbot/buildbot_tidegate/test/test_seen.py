import os

from buildbot_tidegate import seen
from twisted.trial import unittest


class Seen(unittest.TestCase):

    def test_a_number_is_new_once_for_each_master(self):
        numbers = seen.Seen()
        self.assertEqual([numbers.add('a', 1), numbers.add('a', 3), numbers.add('a', 2),
                          numbers.add('b', 1), numbers.add('a', 1), numbers.add('a', 2)],
                         [True, True, True, True, False, False])

    def test_it_is_bounded(self):
        numbers = seen.Seen()
        for number in range(seen.MOST_NUMBERS + 1):
            numbers.add('a', number)
        self.assertFalse(numbers.add('a', 1))
        self.assertTrue(numbers.add('a', 0))  # forgotten
        for source in range(seen.MOST_SOURCES):
            numbers.add(str(source), 1)
        self.assertTrue(numbers.add('a', seen.MOST_NUMBERS))

    def test_one_that_was_not_worked_on_is_new_again(self):
        numbers = seen.Seen()
        numbers.add('a', 7)
        numbers.forget('a', 7)
        numbers.forget('a', 8)
        numbers.forget('b', 7)
        self.assertTrue(numbers.add('a', 7))

    def test_a_file_keeps_it(self):
        path = self.mktemp()
        numbers = seen.Seen()
        numbers.add('a', 7)
        numbers.save(path)
        again = seen.Seen()
        again.load(path)
        self.assertFalse(again.add('a', 7))
        self.assertTrue(again.add('a', 8))
        self.assertEqual(os.listdir(os.path.dirname(os.path.abspath(path))),
                         [os.path.basename(path)])

    def test_a_file_that_is_none_is_nothing(self):
        for text in ('', '{', '[1]', '[["a"]]', '"a"'):
            path = self.mktemp()
            with open(path, 'w') as file:
                file.write(text)
            numbers = seen.Seen()
            numbers.load(path)
            self.assertTrue(numbers.add('a', 7))
        seen.Seen().load(path + '.missing')
