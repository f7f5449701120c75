"""Buildbot's message queue, over a mesh of tidegate.

Consumers of this master get its own messages at once and in the same turn, as from Buildbot's own
queue, whose bookkeeping of consumers this is. Other masters get them through the mesh, each when
the server that it reads shows the change.

    produce -> consumers here                           other masters: consumers there
         \\-> link -> door of the peer ~~~ mesh ~~~ peer -> link -/
"""
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid

from buildbot.mq import simple
from buildbot.util import toJson
from buildbot.util import tuplematch
from twisted.internet import defer
from twisted.internet import endpoints
from twisted.internet import task
from twisted.python import log

from buildbot_tidegate import failover
from buildbot_tidegate import link
from buildbot_tidegate import peer_process
from buildbot_tidegate import positions
from buildbot_tidegate import router
from buildbot_tidegate import seen
from buildbot_tidegate import settings
from buildbot_tidegate import stomp

# Topics of the mesh are Buildbot's keys behind this and the name of the database, so that two
# installations in one mesh don't hear each other.
PREFIX = 'buildbot'

# A stop or cancel refers to no change, and must not wait while a replica is paused.
CONTROL = 'control'

# How long the last messages of a master may take.
LONGEST_FLUSH = 10.0

# For a master that is stopped without its database, until it ends whatever its services do.
LONGEST_STOP = 20.0

# Beside the master's own files, with the peer's state and its socket.
FOLDER = 'tidegate'

# Of a peer.
LONGEST_NAME = 64

# Of an address of a Unix socket.
LONGEST_PATH = 100


class TidegateMQ(simple.SimpleMQ):

    def __init__(self):
        super().__init__()
        self.source = uuid.uuid4().hex  # this life of the master
        self.link = None
        self.peer = None
        self.router = None
        self.own_commits = None
        self.failover = None
        self._configured = None
        self._master = None
        self._prefix = None
        self._seen = seen.Seen()
        self._seen_file = None
        self._socket_folder = None  # of one whose path would be too long beside the master
        self._ready = None
        self._under_way = set()  # (source, number) of messages of others
        self._ended = False
        self._stops_without_database = False

    # Life. Buildbot configures it before anything is produced, starts it with its other services,
    # and stops it beside them; their last messages come behind that, so the link and the peer end
    # when the reactor does.

    def reconfigServiceWithBuildbotConfig(self, new_config):
        if self._configured is None:
            self._set_up(dict(new_config.mq), new_config.db['db_url'])
        elif dict(new_config.mq) != self._configured:
            log.msg("tidegate: WARNING: c['mq'] has changed; only a restart of the master takes "
                    'that on')
        return super().reconfigServiceWithBuildbotConfig(new_config)

    def _set_up(self, mq, db_url):
        self._configured = mq
        self._master = self.master  # which a service that was disowned no longer knows
        self._prefix = (PREFIX, settings.database_name(db_url))
        reactor = self._master.reactor
        db = self.master.db
        engine = getattr(db.pool, 'engine', None)
        # A test of Buildbot's has another database, or none.
        if engine is not None and engine.dialect.name == 'postgresql':
            failover.bound_connections(engine)
            self.own_commits = positions.OwnCommits(engine)
            self.failover = failover.Failover(engine, self._is_leaving, self._give_up)
            engine.dispose()  # connections of before, which have none of this
        if mq.get('read_router'):
            self.router = router.ReadRouter(db, settings.engine_url(mq['database']),
                                            self.own_commits, reactor)
        folder = os.path.join(os.path.abspath(self.master.basedir), FOLDER)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._seen_file = os.path.join(folder, 'seen')
        self._seen.load(self._seen_file)
        door = mq.get('running_door')
        if door is None:
            path = os.path.join(folder, 'door')
            if len(os.fsencode(path)) > LONGEST_PATH:
                self._socket_folder = tempfile.mkdtemp(prefix='tidegate-')
                path = os.path.join(self._socket_folder, 'door')
            self.peer = peer_process.PeerProcess(
                settings.program(mq),
                settings.peer_environment({'name': self._name(), **mq}, db_url, path,
                                          os.path.join(folder, 'state')), folder, reactor)
            door = f'unix:{path}'
        self.link = link.Link(_endpoint(door, reactor), mq.get('login'), self._name(),
                              self._deliver, self._covering,
                              mq.get('buffer_bytes', settings.BUFFER_BYTES), reactor)

    def _is_leaving(self):
        return self._ended or getattr(self._master, '_got_sigterm', False)

    def _give_up(self):
        self._master.reactor.callFromThread(self._stop_without_database)

    def _stop_without_database(self):
        """A master whose last words to the database fail would stay for ever."""
        reactor = self._master.reactor
        before, self._stops_without_database = self._stops_without_database, True
        if self._ended or before:
            return
        log.msg('tidegate: WARNING: the database does not answer while the master stops; it ends '
                f'in {LONGEST_STOP:.0f} s without telling it')
        reactor.callLater(LONGEST_STOP, lambda: self._ended or reactor.stop())

    def _name(self):
        """Of the durable subscription and the peer: printable ASCII, without the middle of a long
        path."""
        name = re.sub(r'[^!-~]|[/*#]', '_', self.master.name)
        if len(name) <= LONGEST_NAME:
            return name
        digest = hashlib.sha256(self.master.name.encode()).hexdigest()[:8]
        return f'{name[:25]}.{digest}.{name[-29:]}'

    @defer.inlineCallbacks
    def startService(self):
        yield super().startService()
        if self.peer is not None:
            self.peer.start()
        self.link.start()
        # A message that is delivered before the services consume would reach nobody, and count
        # as seen.
        self._ready = task.LoopingCall(self._listen_once_running)
        self._ready.clock = self.master.reactor
        self._ready.start(0.1).addErrback(log.err, 'tidegate: while the master starts')
        self.master.reactor.addSystemEventTrigger('before', 'shutdown', self.end)

    def _listen_once_running(self):
        if getattr(self.master, '_master_initialized', True):
            self._ready.stop()
            self._ready = None
            self.link.listen(stomp.topic_text(self._prefix) + '/#')

    @defer.inlineCallbacks
    def stopService(self):
        if self._ready is not None:
            self._ready.stop()
            self._ready = None
        self.link.stop_listening()
        yield super().stopService()  # waits for the callbacks that are under way

    @defer.inlineCallbacks
    def end(self):
        """Sends what is left, and ends the link and the peer."""
        if self._ended:
            return
        self._ended = True
        while (getattr(self._master, '_master_initialized', False)
               and not self._stops_without_database):
            yield task.deferLater(self._master.reactor, 0.1, lambda: None)
        if self.router is not None:
            self.router.end()
        self.link.stop_listening()
        flushed = self.link.flush()
        flushed.addTimeout(LONGEST_FLUSH, self._master.reactor)
        try:
            yield flushed
        except defer.TimeoutError:
            log.msg(f'tidegate: WARNING: {self.link.waiting} messages of this master have no '
                    'receipt as it ends; other masters may miss them')
        yield self.link.stop()
        if self.peer is not None:
            yield self.peer.stop()
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        if self.router is not None:
            log.msg(f'tidegate: {self.router.replica_reads} reads went to the replica, '
                    f'{self.router.primary_reads} to the primary')
        for each in self._under_way:  # they come again in the next life
            self._seen.forget(*each)
        try:
            self._seen.save(self._seen_file)
        except OSError as error:
            log.msg(f'tidegate: WARNING: {error}; a message may be delivered again')

    # Messages.

    def produce(self, routingKey, data):
        key = tuple(routingKey)
        if self.debug:
            log.msg(f'MSG: {key}\n{data}')
        self._invoke(key, data)
        try:
            self._send(key, data)
        except Exception:  # whoever produces has made its change, and goes on
            log.err(None, f'tidegate: the message {key} is DROPPED, other masters miss it')

    def _send(self, key, data):
        body = json.dumps(data, default=toJson, separators=(',', ':')).encode()
        elements = ('' if each is None else each for each in key)
        topic = stomp.topic_text((*self._prefix, *elements))
        self.link.publish(topic, {'source': self.source, 'master': self._master.name,
                                  **self.dependency(key)}, body)

    def dependency(self, key):
        """The headers that say what a message waits for."""
        if key[0] == CONTROL:
            return {'depends': 'none', 'order': 'none'}
        return self._covering()

    def _covering(self):
        position = self.own_commits and self.own_commits.position
        return {'depends': 'commit'} if position is None else {'position': position}

    @defer.inlineCallbacks
    def _deliver(self, headers, body):
        """A message of another master; the Deferred fires when it was worked on."""
        # A shared peer gives a master its own messages, also those of a former life.
        if headers.get('master') == self._master.name:
            return
        source, number = headers.get('source', ''), int(headers.get('number', '0'))
        if not self._seen.add(source, number):
            return
        self._under_way.add((source, number))
        key = stomp.topic_elements(headers['destination'])[len(self._prefix):]
        if self.debug:
            log.msg(f'MSG of another master: {key}\n{body.decode("utf-8", "replace")}')
        yield self._invoke(key, json.loads(body))
        if key[0] == 'changes':
            # Schedulers begin with a change in their callbacks, and go on behind them.
            for scheduler in self.master.allSchedulers():
                lock = getattr(scheduler, '_change_consumption_lock', None)
                if lock is not None:
                    yield lock.run(lambda: None)
        if self._stops_without_database:
            yield defer.Deferred()  # its work failed for that: never acknowledged, it comes again
        self._under_way.discard((source, number))

    def _invoke(self, key, data):
        """Calls all whose filter matches, in this turn."""
        under_way = []
        for qref in list(self.qrefs):  # a callback may consume or stop
            if tuplematch.matchTuple(key, qref.filter):
                running = qref.invoke(key, data)
                if isinstance(running, defer.Deferred):
                    self._deferwaiter.add(running)
                    under_way.append(running)
        return defer.DeferredList(under_way)


def _endpoint(door, reactor):
    kind, _, where = door.partition(':')
    if kind == 'unix':
        return endpoints.UNIXClientEndpoint(reactor, where)
    host, _, port = where.rpartition(':')
    return endpoints.TCP4ClientEndpoint(reactor, host, int(port)) if ':' not in host else \
        endpoints.TCP6ClientEndpoint(reactor, host.strip('[]'), int(port))
