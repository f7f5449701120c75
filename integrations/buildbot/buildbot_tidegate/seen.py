"""Which messages of each master were taken, so that one that is sent twice is delivered once.

A master numbers its messages, and sends those of the last minute again when its peer was killed:
mostly in order, but one that came back from its peer comes behind later ones. So numbers are
remembered one by one, the latest of each master; in a file while this master does not run.
"""
import collections
import json
import os

MOST_NUMBERS = 20000
MOST_SOURCES = 256


class Seen:

    def __init__(self):
        self._sources = collections.OrderedDict()  # numbers by the life of a master; oldest first

    def add(self, source, number):
        """Whether it is new."""
        numbers = self._sources.setdefault(source, collections.OrderedDict())
        self._sources.move_to_end(source)
        if len(self._sources) > MOST_SOURCES:
            self._sources.popitem(last=False)
        if number in numbers:
            return False
        numbers[number] = None
        if len(numbers) > MOST_NUMBERS:
            numbers.popitem(last=False)
        return True

    def forget(self, source, number):
        """It was not worked on in the end."""
        self._sources.get(source, {}).pop(number, None)

    def save(self, path):
        """Raises OSError."""
        sources = [[source, list(numbers)] for source, numbers in self._sources.items()]
        with open(path + '.new', 'w') as file:
            json.dump(sources, file)
        os.replace(path + '.new', path)

    def load(self, path):
        """Of a file that is not there, or that something else has written, nothing is taken."""
        try:
            with open(path) as file:
                for source, numbers in json.load(file):
                    self._sources[source] = collections.OrderedDict.fromkeys(numbers)
        except (OSError, ValueError, TypeError):
            pass
