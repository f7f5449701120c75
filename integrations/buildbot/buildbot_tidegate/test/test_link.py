from buildbot_tidegate import link
from buildbot_tidegate.test import door as fake
from twisted.internet import defer
from twisted.internet import task
from twisted.python import log
from twisted.trial import unittest


class LinkCase(unittest.TestCase):

    def setUp(self):
        self.clock = task.Clock()
        self.door = fake.FakeDoor()
        self.delivered = []
        self.running = None  # a Deferred that deliveries wait for
        self.logged = []
        log.addObserver(self.logged.append)
        self.addCleanup(log.removeObserver, self.logged.append)
        self.covering = {'depends': 'commit'}
        self.link = link.Link(self.door, ('name', 'passcode'), 'master', self.deliver,
                              lambda: self.covering, 10000, self.clock)

    def deliver(self, headers, body):
        self.delivered.append(body)
        return self.running

    def warnings(self):
        texts = [' '.join(event['message']) for event in self.logged]
        self.logged.clear()
        return [text for text in texts if 'WARNING' in text]

    def publish(self, body):
        self.link.publish('buildbot/a', {'depends': 'commit'}, body)

    def wait(self, seconds):
        """Time passes while the peer shows that it is there."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.door.connections[-1][0].dataReceived(b'\n')

    def sent(self):
        return [(frame.headers['number'], frame.body) for frame in self.door.heard('SEND')]


class Publishing(LinkCase):

    def test_what_was_published_before_the_connection_follows_it(self):
        self.publish(b'1')
        self.link.start()
        first, *others = self.door.heard()
        self.assertEqual((first.command, first.headers['login'], first.headers['passcode']),
                         ('CONNECTED', 'name', 'passcode'))
        self.assertEqual([frame.command for frame in others], ['SUBSCRIBE', 'SEND'])
        self.assertEqual(others[0].headers['destination'], '/tidegate/notices')
        self.assertEqual(others[1].headers['receipt-when'], 'received')
        self.assertEqual(others[1].headers['depends'], 'commit')

    def test_what_has_no_receipt_is_sent_again_in_order(self):
        self.link.start()
        for body in (b'1', b'2', b'3'):
            self.publish(body)
        self.door.say('RECEIPT', {'receipt-id': '2'})
        self.wait(link.KEEP_FOR + 1)  # its minute is over
        self.door.cut()
        self.assertEqual(len(self.warnings()), 1)
        self.publish(b'4')
        self.clock.advance(1)
        self.assertEqual(self.sent(), [('1', b'1'), ('3', b'3'), ('4', b'4')])

    def test_what_has_a_receipt_is_sent_again_for_a_minute(self):
        self.link.start()
        self.publish(b'1')
        self.door.receipt_all()
        self.assertEqual(self.link.waiting, 0)
        self.door.cut()
        self.clock.advance(1)
        self.assertEqual(self.sent(), [('1', b'1')])
        self.wait(link.KEEP_FOR)
        self.door.cut()
        self.clock.advance(1)
        self.assertEqual(self.sent(), [])

    def test_a_peer_that_refuses_the_subscription_is_not_sent_what_is_kept(self):
        self.link.start()
        self.link.listen('buildbot/#')
        self.publish(b'1')
        self.door.receipt_all()
        self.publish(b'2')
        self.door.admits = False
        for _ in range(5):
            self.door.cut()
            self.clock.advance(5)
            self.publish(b'3')
            self.assertEqual([frame.command for frame in self.door.heard()],
                             ['CONNECTED', 'SUBSCRIBE', 'SUBSCRIBE'])
            self.door.say('ERROR', {'message': 'refused'}, b'it is taken')
        self.door.say('RECEIPT', {'receipt-id': 'admitted'})
        self.assertEqual([body for _, body in self.sent()], [b'1', b'2'] + [b'3'] * 5)

    def test_a_peer_that_is_away_is_tried_for_ever(self):
        self.door.open = False
        self.link.start()
        self.publish(b'1')
        self.clock.pump([1] * 1000)
        self.door.open = True
        self.clock.advance(5)
        self.assertEqual(self.sent(), [('1', b'1')])

    def test_beyond_its_bound_messages_are_dropped_and_that_is_said(self):
        self.link.start()
        for _ in range(20):
            self.publish(b'x' * 1000)
        self.assertEqual(len(self.warnings()), 1)
        self.assertEqual(self.link.waiting, 9)
        self.door.receipt_all()
        self.assertIn('11 were dropped', self.warnings()[0])
        self.publish(b'again')
        self.assertEqual(self.sent(), [('21', b'again')])

    def test_one_that_came_back_is_sent_again(self):
        self.link.start()
        self.publish(b'1')
        self.sent()
        notice = {'destination': '/tidegate/notices', 'notice': 'unpublished', 'receipt-id': '1'}
        self.door.say('MESSAGE', notice, b'{"why":"primary_lost"}')
        self.door.say('MESSAGE', notice, b'{"why":"primary_lost"}')
        self.clock.advance(link.AGAIN_AFTER)
        self.assertEqual(self.sent(), [('1', b'1')])
        # The peer leaves: the next one gets it.
        self.door.say('MESSAGE', notice, b'{"why":"left"}')
        self.clock.advance(link.AGAIN_AFTER)
        self.assertEqual(self.sent(), [])
        self.assertEqual(self.link.waiting, 1)

    def test_one_whose_primary_the_peer_has_not_met_is_sent_with_the_present_position(self):
        self.link.start()
        self.link.publish('/topic/a', {'position': 'old:1', 'x': 'y'}, b'1')
        self.door.heard()
        notice = {'destination': '/tidegate/notices', 'notice': 'unpublished', 'receipt-id': '1'}
        for self.covering in ({'position': 'new:2'}, {'depends': 'commit'}):
            self.door.say('MESSAGE', notice, b'{"why":"other_primary"}')
            self.clock.advance(link.AGAIN_AFTER)
            frame, = [each for each in self.door.heard() if each.command == 'SEND']
            self.assertEqual(frame.body, b'1')
            self.assertEqual(frame.headers, {
                **self.covering, 'destination': '/topic/a', 'receipt': '1',
                'receipt-when': 'received', 'number': '1', 'x': 'y', 'content-length': '1'})
        self.door.say('RECEIPT', {'receipt-id': '1'})
        self.assertEqual(self.link.waiting, 0)

    def test_one_that_the_peer_refuses_is_not_sent_for_ever(self):
        self.link.start()
        self.publish(b'1')
        self.publish(b'2')
        self.door.say('ERROR', {'message': 'wrong', 'receipt-id': '1'}, b'the topic is too long')
        self.door.cut()
        self.clock.advance(1)
        self.assertEqual(self.sent(), [('2', b'2')])
        self.assertTrue(any('DROPPED' in text for text in self.warnings()))

    def test_flush_waits_for_the_receipts(self):
        self.link.start()
        self.assertTrue(self.link.flush().called)
        self.publish(b'1')
        flushed = self.link.flush()
        self.assertFalse(flushed.called)
        self.door.receipt_all()
        self.assertTrue(flushed.called)


class Receiving(LinkCase):

    def setUp(self):
        super().setUp()
        self.link.start()

    def acknowledged(self):
        return [frame.headers['id'] for frame in self.door.heard('ACK')]

    def test_the_subscription_is_durable_and_follows_each_connection(self):
        self.door.heard()
        self.link.listen('buildbot/#')
        for _ in range(2):
            frame = self.door.heard('SUBSCRIBE')[0]
            self.assertEqual(frame.headers['durable-subscription-name'], 'master')
            self.assertEqual(frame.headers['ack'], 'client-individual')
            self.door.cut()
            self.clock.advance(1)

    def test_a_message_is_acknowledged_when_it_was_worked_on(self):
        self.link.listen('buildbot/#')
        self.running = defer.Deferred()
        self.door.message(1)
        self.assertEqual(len(self.delivered), 1)
        self.assertEqual(self.acknowledged(), [])
        self.running.callback(None)
        self.assertEqual(self.acknowledged(), ['ack-1'])

    def test_one_whose_work_fails_counts_too(self):
        self.link.listen('buildbot/#')
        self.running = defer.fail(ValueError('of a consumer'))
        self.door.message(1)
        self.assertEqual(self.acknowledged(), ['ack-1'])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_one_that_comes_again_is_delivered_once(self):
        self.link.listen('buildbot/#')
        self.running = defer.Deferred()
        self.door.message(1, identity='i1', ack='before')
        self.running, first = None, self.running
        self.door.message(2, identity='i2', ack='other')
        self.door.cut()
        self.clock.advance(1)
        self.door.message(1, identity='i1', ack='after', redelivered='true')
        self.door.message(2, identity='i2', ack='other again', redelivered='true')
        self.assertEqual(len(self.delivered), 2)
        self.assertEqual(self.acknowledged(), ['other again'])
        first.callback(None)
        self.assertEqual(self.acknowledged(), ['after'])

    def test_behind_the_end_nothing_is_delivered_or_acknowledged(self):
        self.link.listen('buildbot/#')
        self.running = defer.Deferred()
        self.door.message(1)
        self.link.stop_listening()
        self.door.message(2)
        self.assertEqual(len(self.delivered), 1)
        self.running.callback(None)  # what was under way still counts
        self.assertEqual(self.acknowledged(), ['ack-1'])

    def test_notices_are_told_and_acknowledged(self):
        self.link.listen('buildbot/#')
        self.door.say('MESSAGE', {'destination': '/tidegate/notices', 'notice': 'undelivered',
                                  'ack': 'a'}, b'{"first":1}')
        self.assertIn('undelivered: {"first":1}', self.warnings()[0])
        self.assertEqual(self.acknowledged(), ['a'])
        self.assertEqual(self.delivered, [])


class Connections(LinkCase):

    def setUp(self):
        super().setUp()
        self.link.start()

    def test_heart_beats_are_sent_and_a_silent_peer_is_left(self):
        self.clock.advance(link.HEART_BEAT / 2)
        self.assertTrue(self.door.connections[-1][1].value().endswith(b'\n'))
        self.clock.pump([link.HEART_BEAT / 2] * 5)
        self.assertEqual(len(self.door.connections), 2)
        self.assertIn('silent', self.warnings()[0])

    def test_a_peer_that_speaks_is_not_silent(self):
        for _ in range(20):
            self.clock.advance(link.HEART_BEAT / 2)
            self.door.connections[-1][0].dataReceived(b'\n')
        self.assertEqual(len(self.door.connections), 1)

    def test_what_is_no_stomp_ends_the_connection(self):
        self.door.connections[-1][0].dataReceived(b'nonsense\nwithout colon\n\n\0')
        self.assertIn('no STOMP', self.warnings()[0])
        self.clock.advance(1)
        self.assertEqual(len(self.door.connections), 2)

    def test_the_end_waits_until_the_peer_has_read_everything(self):
        self.door.heard()
        ended = self.link.stop()
        self.assertEqual([frame.command for frame in self.door.heard()], ['DISCONNECT'])
        self.assertFalse(ended.called)
        self.door.say('RECEIPT', {'receipt-id': 'end'})
        self.assertTrue(ended.called)
        self.assertEqual(self.warnings(), [])

    def test_the_end_comes_also_when_the_peer_does_not_answer(self):
        ended = self.link.stop()
        self.clock.advance(link.LONGEST_GOODBYE)
        self.assertTrue(ended.called)

    def test_the_end_comes_also_when_the_peer_is_away(self):
        self.door.open = False
        self.door.cut()
        self.assertTrue(self.link.stop().called)
        self.clock.advance(100)
        self.assertEqual(len(self.door.connections), 1)

    def test_and_when_the_connection_is_lost_meanwhile(self):
        ended = self.link.stop()
        self.door.cut()
        self.assertTrue(ended.called)
