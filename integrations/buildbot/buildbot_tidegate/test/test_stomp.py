from buildbot_tidegate import stomp
from twisted.trial import unittest


class Frames(unittest.TestCase):

    def test_a_frame_is_read_as_it_was_written_whatever_its_pieces(self):
        headers = {'destination': 'buildbot/a\\/b', 'odd:name': 'line\nbreak\r\\'}
        data = stomp.encode('MESSAGE', headers, 'b\0dy \u2713'.encode())
        for size in (1, 2, 7, len(data)):
            reader, frames = stomp.FrameReader(), []
            for at in range(0, 2 * len(data), size):
                frames += reader.feed((data + data)[at:at + size])
            self.assertEqual(len(frames), 2)
            for frame in frames:
                self.assertEqual(frame.command, 'MESSAGE')
                self.assertEqual(frame.body, 'b\0dy \u2713'.encode())
                self.assertEqual({**headers, 'content-length': '8'}, frame.headers)

    def test_heart_beats_between_frames_are_skipped(self):
        reader = stomp.FrameReader()
        self.assertEqual(reader.feed(b'\n\n\r\n'), [])
        self.assertEqual(reader.feed(b'RECEIPT\nreceipt-id:1\n\n\0\n\n'),
                         [('RECEIPT', {'receipt-id': '1'}, b'')])
        self.assertEqual(reader.feed(b'\nERROR\n\nwhy\0'), [('ERROR', {}, b'why')])

    def test_of_repeated_headers_the_first_counts(self):
        frame, = stomp.FrameReader().feed(b'MESSAGE\na:1\na:2\n\n\0')
        self.assertEqual(frame.headers, {'a': '1'})

    def test_a_header_without_a_value_is_left_out(self):
        self.assertEqual(stomp.encode('CONNECT', {'login': None, 'host': 'a:b'}),
                         b'CONNECT\nhost:a:b\n\n\0')

    def test_what_is_no_stomp_is_told(self):
        for data in (b'MESSAGE\nwithout colon\n\n\0', b'MESSAGE\na:\\x\n\n\0',
                     b'MESSAGE\ncontent-length:x\n\n\0', b'MESSAGE\n\xff:\n\n\0',
                     b'MESSAGE\ncontent-length:1\n\nab\0',
                     b'MESSAGE\ncontent-length:99999999999\n\n',
                     b'x' * (stomp.MOST_HEADER_BYTES + 1)):
            self.assertRaises(stomp.FrameError, stomp.FrameReader().feed, data)


class Topics(unittest.TestCase):

    def test_any_key_comes_back_as_it_was(self):
        for key in (('changes', '1', 'new'), ('',), ('a.b', 'c/d', 'e\\f'), ('*', '#', '>', '**'),
                    ('\u00fcml\u00e4ut', '\u2713')):
            self.assertEqual(stomp.topic_elements(stomp.topic_text(key)), key)

    def test_dots_need_no_escape_and_wildcards_do(self):
        self.assertEqual(stomp.topic_text(('buildbot', 'a.b', '*', 'c/d')),
                         'buildbot/a.b/\\*/c\\/d')
