"""Frames of STOMP 1.2, as the door of a peer speaks it (docs/stomp.md of tidegate).

Bytes and frames only; nothing here knows of connections. A frame that is wrong raises
FrameError: behind it nothing can be told from nothing, so the connection is to be closed.
"""
import collections

# The door's own bound for headers, and the longest payload that a peer can be set to.
MOST_HEADER_BYTES = 528 * 1024
MOST_BODY_BYTES = 16 * 1024 * 1024

Frame = collections.namedtuple('Frame', ['command', 'headers', 'body'])


class FrameError(Exception):
    pass


_ESCAPES = {'\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c'}
_MEANINGS = {'\\': '\\', 'r': '\r', 'n': '\n', 'c': ':'}


def escape(text):
    return ''.join(_ESCAPES.get(char, char) for char in text)


def unescape(text):
    if '\\' not in text:
        return text
    meaning, chars = [], iter(text)
    for char in chars:
        if char == '\\':
            char = _MEANINGS.get(next(chars, None))
            if char is None:
                raise FrameError(f'a header has an unknown escape: {text!r}')
        meaning.append(char)
    return ''.join(meaning)


def encode(command, headers, body=b''):
    """The bytes of a frame. A header whose value is None is left out."""
    lines = [command]
    raw = command == 'CONNECT'  # the only one whose headers are not escaped
    for name, value in headers.items():
        if value is not None:
            lines.append(f'{name}:{value}' if raw else f'{escape(name)}:{escape(str(value))}')
    if body:
        lines.append(f'content-length:{len(body)}')
    return '\n'.join(lines).encode() + b'\n\n' + body + b'\0'


def with_headers(frame, left_out, headers):
    """The same frame without one header, and with others."""
    head, end, body = frame.partition(b'\n\n')
    lines = [line for line in head.decode().split('\n') if not line.startswith(f'{left_out}:')]
    lines[1:1] = [f'{escape(name)}:{escape(str(value))}' for name, value in headers.items()]
    return '\n'.join(lines).encode() + end + body


class FrameReader:
    """Takes bytes as they come, and gives the frames that are whole."""

    def __init__(self):
        self._bytes = bytearray()
        self._head = None  # command and headers, while the body is awaited
        self._body_ends = None
        self._looked_at = 0

    def feed(self, data):
        self._bytes += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self):
        if self._head is None and not self._read_head():
            return None
        if self._body_ends is None:
            end = self._bytes.find(b'\0', self._looked_at)
            if end < 0:
                self._looked_at = len(self._bytes)
                self._limit(self._looked_at, MOST_BODY_BYTES, 'body')
                return None
        else:
            end = self._body_ends
            if len(self._bytes) <= end:
                return None
            if self._bytes[end] != 0:
                raise FrameError('a body is not as long as its content-length says')
        command, headers = self._head
        frame = Frame(command, headers, bytes(self._bytes[:end]))
        self._forget(end + 1)
        return frame

    def _read_head(self):
        # Line ends between frames are heart-beats.
        blank = 0
        while self._bytes[blank:blank + 1] in (b'\n', b'\r'):
            blank += 1
        if blank:
            self._forget(blank)
        end = self._bytes.find(b'\n\n', max(0, self._looked_at - 1))
        if end < 0:
            self._looked_at = len(self._bytes)
            self._limit(self._looked_at, MOST_HEADER_BYTES, 'head')
            return False
        try:
            command, *lines = bytes(self._bytes[:end]).decode().split('\n')
        except UnicodeDecodeError as error:
            raise FrameError(f'a head is not UTF-8: {error}') from None
        headers = {}
        for line in lines:
            name, colon, value = line.partition(':')
            if not colon:
                raise FrameError(f'a header without a colon: {line!r}')
            if command != 'CONNECTED':
                name, value = unescape(name), unescape(value)
            headers.setdefault(name, value)  # of repeated ones the first counts
        length = headers.get('content-length')
        if length is not None:
            if not (length.isascii() and length.isdigit()):
                raise FrameError(f'content-length is {length!r}')
            self._limit(int(length), MOST_BODY_BYTES, 'body')
        self._forget(end + 2)
        self._head = (command, headers)
        self._body_ends = None if length is None else int(length)
        return True

    def _forget(self, count):
        del self._bytes[:count]
        self._head = self._body_ends = None
        self._looked_at = 0

    @staticmethod
    def _limit(count, most, what):
        if count > most:
            raise FrameError(f'a {what} of more than {most} bytes')


def topic_text(elements):
    """A topic as the door writes it: elements joined by '/', special characters escaped."""
    return '/'.join(_topic_element(element) for element in elements)


def _topic_element(element):
    if element in ('*', '#', '>'):
        return '\\' + element
    return ''.join('\\' + char if char in '\\/' else char for char in element)


def topic_elements(text):
    elements, element, chars = [], [], iter(text)
    for char in chars:
        if char == '/':
            elements.append(''.join(element))
            element = []
        else:
            element.append(next(chars, '') if char == '\\' else char)
    elements.append(''.join(element))
    return tuple(elements)
