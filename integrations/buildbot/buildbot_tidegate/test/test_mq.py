import datetime
import os

from buildbot.util import UTC
from buildbot.util import service
from buildbot_tidegate import mq
from buildbot_tidegate.test import door as fake
from twisted.internet import defer
from twisted.internet import task
from twisted.trial import unittest


class Reactor(task.Clock):

    stopped = False

    def addSystemEventTrigger(self, phase, event, callable):
        pass

    def callFromThread(self, callable):
        callable()

    def stop(self):
        self.stopped = True


class Master(service.MasterService):
    """As much of one as a queue looks at. Debian's Buildbot comes without its own fakes."""
    name = 'host:/master'

    def __init__(self, reactor, basedir):
        super().__init__()
        self.reactor = reactor
        self.basedir = basedir
        self.db = type('DB', (), {'pool': None})
        self.config = type('Config', (), {})
        self._master_initialized = True

    def allSchedulers(self):
        return []


class QueueCase(unittest.TestCase):
    """A queue behind a fake door, which speaks for the other masters."""

    @defer.inlineCallbacks
    def setUp(self):
        self.reactor = Reactor()
        self.master = Master(self.reactor, os.path.abspath(self.mktemp()))
        self.door = fake.FakeDoor()
        self.patch(mq, '_endpoint', lambda door, reactor: self.door)
        self.queue = mq.TidegateMQ()
        yield self.queue.setServiceParent(self.master)
        config = self.master.config
        config.mq = {'type': 'tidegate', 'running_door': 'unix:/door'}
        config.db = {'db_url': 'postgresql://host/bb'}
        self.queue.reconfigServiceWithBuildbotConfig(config)
        self.calls = []

    @defer.inlineCallbacks
    def start(self):
        yield self.queue.startService()
        self.reactor.advance(0.1)

    def call(self, key, data):
        self.calls.append((key, data))

    def keys(self):
        return [key for key, _ in self.calls]

    def sent(self):
        return self.door.heard('SEND')


class Local(QueueCase):

    def test_consumers_here_are_called_before_produce_returns(self):
        self.queue.startConsuming(self.call, ('a', None))
        self.queue.produce(('a', 'b'), {'x': 1})
        self.assertEqual(self.calls, [(('a', 'b'), {'x': 1})])

    def test_a_filter_matches_at_equal_length_and_none_is_any(self):
        self.queue.startConsuming(self.call, (None, ''))
        for key in (('a',), ('a', ''), ('a', 'b'), ('', ''), ('a', '', 'c')):
            self.queue.produce(key, {})
        self.assertEqual(self.keys(), [('a', ''), ('', '')])

    @defer.inlineCallbacks
    def test_who_has_stopped_is_not_called_again_and_may_stop_twice(self):
        consumer = yield self.queue.startConsuming(self.call, ('a',))
        consumer.stopConsuming()
        consumer.stopConsuming()
        self.queue.produce(('a',), {})
        self.assertEqual(self.calls, [])

    @defer.inlineCallbacks
    def test_a_consumer_that_stops_another_in_its_call_hides_none(self):
        consumers = []

        def stop_first(key, data):
            consumers[0].stopConsuming()
            self.call(key, data)
        for _ in range(3):
            consumers.append((yield self.queue.startConsuming(stop_first, ('a',))))
        self.queue.produce(('a',), {})
        self.assertEqual(len(self.calls), 3)

    @defer.inlineCallbacks
    def test_wait_until_event(self):
        waited = self.queue.waitUntilEvent(('a',), lambda: defer.succeed(False))
        self.queue.produce(('a',), {'x': 1})
        self.assertEqual((yield waited), (('a',), {'x': 1}))

    def test_a_consumer_that_fails_hides_no_other(self):
        def fail(key, data):
            raise ValueError
        self.queue.startConsuming(fail, ('a',))
        self.queue.startConsuming(self.call, ('a',))
        self.queue.produce(('a',), {})
        self.assertEqual(len(self.calls), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    @defer.inlineCallbacks
    def test_a_persistent_consumer_gets_what_it_has_missed(self):
        consumer = yield self.queue.startConsuming(self.call, ('a',), persistent_name='p')
        consumer.stopConsuming()
        self.queue.produce(('a',), {})
        self.assertEqual(self.calls, [])
        yield self.queue.startConsuming(self.call, ('a',), persistent_name='p')
        self.assertEqual(len(self.calls), 1)


class Sending(QueueCase):

    @defer.inlineCallbacks
    def test_what_is_produced_before_the_start_follows_it(self):
        self.queue.produce(('changes', '1', 'new'), {'x': 1})
        yield self.start()
        frame, = self.sent()
        self.assertEqual(frame.headers['destination'], 'buildbot/bb/changes/1/new')
        self.assertEqual(frame.body, b'{"x":1}')
        self.assertEqual(frame.headers['source'], self.queue.source)

    @defer.inlineCallbacks
    def test_times_are_seconds_and_text_is_any(self):
        yield self.start()
        when = datetime.datetime(2026, 1, 1, tzinfo=UTC)
        self.queue.produce(('a.b', '\u00fc', None), {'when': when, 'text': '\u2713'})
        frame, = self.sent()
        self.assertEqual(frame.body, b'{"when":1767225600,"text":"\\u2713"}')
        self.assertEqual(frame.headers['destination'], 'buildbot/bb/a.b/\u00fc/')

    @defer.inlineCallbacks
    def test_a_message_carries_the_position_behind_the_last_commit(self):
        yield self.start()
        self.queue.produce(('a',), {})
        self.queue.own_commits = type('OwnCommits', (), {'position': 'postgres:1:2:0/3'})
        self.queue.produce(('a',), {})
        unknown, known = self.sent()
        self.assertEqual(unknown.headers['depends'], 'commit')
        self.assertNotIn('position', unknown.headers)
        self.assertEqual(known.headers['position'], 'postgres:1:2:0/3')
        self.assertNotIn('depends', known.headers)

    @defer.inlineCallbacks
    def test_a_stop_waits_for_no_replica(self):
        yield self.start()
        self.queue.produce(('control', 'builds', '1', 'stop'), {})
        frame, = self.sent()
        self.assertEqual((frame.headers['depends'], frame.headers['order']), ('none', 'none'))

    @defer.inlineCallbacks
    def test_produce_never_raises(self):
        yield self.start()
        self.queue.startConsuming(self.call, ('a',))
        data = {}
        data['itself'] = data
        self.queue.produce(('a',), data)
        self.assertEqual(len(self.calls), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.sent(), [])


class Receiving(QueueCase):

    @defer.inlineCallbacks
    def setUp(self):
        yield super().setUp()
        self.queue.startConsuming(self.call, ('changes', None, 'new'))

    @defer.inlineCallbacks
    def test_nothing_is_delivered_before_the_master_runs(self):
        self.master._master_initialized = False
        yield self.start()
        self.assertEqual([frame.headers['id'] for frame in self.door.heard('SUBSCRIBE')],
                         ['notices'])
        self.master._master_initialized = True
        self.reactor.advance(0.1)
        frame, = self.door.heard('SUBSCRIBE')
        self.assertEqual(frame.headers['destination'], 'buildbot/bb/#')

    @defer.inlineCallbacks
    def test_a_message_of_another_master_reaches_those_whose_filter_matches(self):
        yield self.start()
        self.door.message(1, 'buildbot/bb/changes/1/new', b'{"x":"\\u2713"}')
        self.door.message(2, 'buildbot/bb/changes/1', b'{}')
        self.assertEqual(self.calls, [(('changes', '1', 'new'), {'x': '\u2713'})])
        self.assertEqual(len(self.door.heard('ACK')), 2)

    @defer.inlineCallbacks
    def test_one_that_another_master_sent_twice_is_delivered_once(self):
        yield self.start()
        self.door.message(1, identity='a')
        self.door.message(1, identity='b')
        self.door.message(1, source='third', identity='c')
        self.assertEqual(len(self.calls), 2)
        self.assertEqual(len(self.door.heard('ACK')), 3)

    @defer.inlineCallbacks
    def test_also_when_this_master_was_restarted_meanwhile(self):
        yield self.start()
        self.door.message(1, identity='a')
        yield self.stop()
        self.master._master_initialized = True
        again = mq.TidegateMQ()
        yield again.setServiceParent(self.master)
        again.reconfigServiceWithBuildbotConfig(self.master.config)
        again.startConsuming(self.call, ('changes', None, 'new'))
        yield again.startService()
        self.reactor.advance(0.1)
        self.door.message(1, identity='b')
        self.door.message(2, identity='c')
        self.assertEqual(len(self.calls), 2)

    @defer.inlineCallbacks
    def test_its_own_messages_do_not_come_back(self):
        yield self.start()
        self.door.message(1, master=self.master.name)
        self.assertEqual(self.calls, [])

    @defer.inlineCallbacks
    def test_what_is_no_message_of_a_master_is_told_and_acknowledged(self):
        yield self.start()
        self.door.message(1, body=b'not JSON')
        self.assertEqual(self.calls, [])
        self.assertEqual(len(self.door.heard('ACK')), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    @defer.inlineCallbacks
    def test_a_change_counts_once_the_schedulers_have_worked_on_it(self):
        scheduler = type('Scheduler', (), {'_change_consumption_lock': defer.DeferredLock()})
        self.master.allSchedulers = lambda: [scheduler]
        yield self.start()
        yield scheduler._change_consumption_lock.acquire()
        self.door.message(1)
        self.assertEqual(self.door.heard('ACK'), [])
        scheduler._change_consumption_lock.release()
        self.assertEqual(len(self.door.heard('ACK')), 1)

    @defer.inlineCallbacks
    def stop(self):
        stopped = self.queue.disownServiceParent()
        ended = self.queue.end()
        self.master._master_initialized = False
        for _ in range(200):
            self.reactor.advance(0.1)
            if self.door.connections:
                self.door.receipt_all()
        yield stopped
        yield ended

    @defer.inlineCallbacks
    def test_a_stop_waits_for_the_callbacks_that_are_under_way(self):
        running = defer.Deferred()
        self.queue.startConsuming(lambda key, data: running, ('b',))
        yield self.start()
        self.door.message(1, 'buildbot/bb/b')
        stopped = self.queue.stopService()
        self.door.message(2)
        self.assertEqual(self.calls, [])  # of the next run of this master
        self.assertFalse(stopped.called)
        running.callback(None)
        self.assertTrue(stopped.called)
        acknowledged, = self.door.heard('ACK')
        self.assertEqual(acknowledged.headers['id'], 'ack-1')

    @defer.inlineCallbacks
    def test_the_last_messages_are_sent_behind_the_stop(self):
        yield self.start()
        self.door.heard()
        stopped = self.queue.disownServiceParent()
        self.queue.produce(('masters', '1', 'stopped'), {})
        ended = self.queue.end()
        self.reactor.advance(0.1)
        self.assertFalse(ended.called)  # the master still stops
        self.master._master_initialized = False
        self.reactor.advance(0.1)
        self.door.receipt_all()
        self.assertFalse(ended.called)
        self.door.receipt_all()
        yield stopped
        yield ended

    @defer.inlineCallbacks
    def test_a_master_that_stops_without_its_database_does_end(self):
        yield self.start()
        self.assertFalse(self.queue._is_leaving())
        self.master._got_sigterm = True
        self.assertTrue(self.queue._is_leaving())
        self.queue._give_up()
        self.queue._give_up()
        self.reactor.advance(mq.LONGEST_STOP)
        self.assertTrue(self.reactor.stopped)
        ended = self.queue.end()
        self.door.receipt_all()
        yield ended

    def test_masters_with_long_names_keep_different_ones(self):
        names = set()
        for name in ('west-1a-01', 'west-1a-02'):
            self.master.name = f'buildbot-master-prod-eu-{name}.internal.example.com:/srv/bb/master'
            names.add(self.queue._name())
        self.assertEqual([len(names), *(len(name) for name in names)], [2, 64, 64])

    @defer.inlineCallbacks
    def test_a_message_that_is_not_worked_on_in_the_end_comes_again(self):
        self.queue.startConsuming(lambda key, data: defer.Deferred(), ('b',))
        yield self.start()
        self.door.message(1, 'buildbot/bb/b')
        self.queue._stops_without_database = True
        ended = self.queue.end()
        self.door.receipt_all()
        yield ended
        self.assertTrue(self.queue._seen.add('other', 1))

    @defer.inlineCallbacks
    def test_settings_that_change_need_a_restart_and_that_is_said(self):
        yield self.start()
        self.master.config.mq = {'type': 'tidegate', 'running_door': 'unix:/other'}
        self.queue.reconfigServiceWithBuildbotConfig(self.master.config)
        self.assertEqual(len(self.door.connections), 1)
