"""The connection to the door of a peer: what is published survives its loss, and that of the peer.

A message stays here until its receipt says that every peer that was ready has it, in its memory;
and a minute longer, since those peers may be killed too. When the connection comes back, or the
peer was started again, what is here is sent again under the same number; receivers know the number
(seen.py).

What is received is acknowledged when it was worked on. The peer keeps the rest for the durable
subscription of this master, and sends it again behind a lost connection.
"""
import collections
import json

from twisted.application import internet
from twisted.internet import defer
from twisted.internet import protocol
from twisted.internet import task
from twisted.python import log

from buildbot_tidegate import stomp

# A busy reactor stands still for seconds; the door ends a connection after twice this time.
HEART_BEAT = 15.0

# So long a message with a receipt is kept.
KEEP_FOR = 60.0

# As many messages of a subscription are unacknowledged at most, so no more can come again.
PREFETCH = 1000

# For the answer to a DISCONNECT, which waits for what is not sent yet.
LONGEST_GOODBYE = 5.0

# A message that came back, because the primary was lost before its position was known.
AGAIN_AFTER = 1.0

_NOTICES = '/tidegate/notices'

# Receipts that are not of messages, which have numbers.
_ADMITTED = 'admitted'
_END = 'end'


def pause_before_try(failures):
    return min(0.1 * 1.5 ** min(failures, 20), 5.0)


class Link:
    """`deliver(headers, body)` gives a Deferred that fires when the message was worked on.
    `covering()`: the headers of now that say what a message of before waits for."""

    def __init__(self, endpoint, login, subscription, deliver, covering, buffer_bytes, reactor):
        self.login = login
        self._subscription = subscription
        self._deliver = deliver
        self._covering = covering
        self._buffer_bytes = buffer_bytes
        self.reactor = reactor
        factory = protocol.Factory.forProtocol(lambda: _Connection(self))
        factory.noisy = False
        self._client = internet.ClientService(endpoint, factory, retryPolicy=self._pause,
                                              clock=reactor)
        self._connection = None
        self._admitted = False  # the peer has taken this connection's subscriptions
        self._listening = None  # the destination, while it is wanted
        self._number = 0
        self._waiting = collections.OrderedDict()  # frames without a receipt, by number
        self._waiting_bytes = 0
        self._kept = collections.deque()  # (until when, frame) of those with a receipt
        self._kept_bytes = 0
        self._again = {}  # timers, by number
        self._dropped = 0
        self._emptied = []
        self._under_way = {}  # the newest (connection, ack) by message-id
        self._done = collections.OrderedDict()  # message-ids, oldest first
        self._said_lost = False
        self._parted = None  # fires when the peer has answered the end
        self._stopping = False
        self._refusals = 0

    def _pause(self, failures):
        """A peer that takes the connection and refuses what is asked counts as a failure, too."""
        return pause_before_try(max(failures, self._refusals))

    @property
    def waiting(self):
        return len(self._waiting)

    def start(self):
        self._client.startService()

    @defer.inlineCallbacks
    def stop(self):
        """Ends the connection politely: what was worked on is acknowledged, and the peer has read
        that."""
        for timer in self._again.values():
            timer.cancel()
        self._again.clear()
        if self._connection:
            self._parted = defer.Deferred()
            self._parted.addTimeout(LONGEST_GOODBYE, self.reactor)
            self._connection.write(stomp.encode('DISCONNECT', {'receipt': _END}))
            try:
                yield self._parted
            except defer.TimeoutError:
                self._warn('the peer does not answer the end of the connection')
        self._parted = None
        self._stopping = True
        yield self._client.stopService()

    def publish(self, destination, headers, body):
        """Never fails: what finds no room is dropped, and that is said."""
        number = self._number = self._number + 1
        frame = stomp.encode('SEND', {'destination': destination, 'receipt': number,
                                      'receipt-when': 'received', 'number': number, **headers},
                             body)
        if self._waiting_bytes + len(frame) > self._buffer_bytes:
            if not self._dropped:
                self._warn(f'more than {self._buffer_bytes} bytes wait for the peer; messages are '
                           'DROPPED until it takes them, and other masters miss them')
            self._dropped += 1
            return
        self._waiting[number] = frame
        self._waiting_bytes += len(frame)
        if self._admitted:
            self._connection.write(frame)

    def listen(self, destination):
        self._listening = destination
        if self._connection:
            self._subscribe()

    def stop_listening(self):
        """What comes from now on stays with the peer, for the next run of this master. No
        UNSUBSCRIBE: behind it, messages that are still worked on could not be acknowledged."""
        self._listening = None

    def flush(self):
        """Fires when all that was published has its receipt."""
        if not self._waiting:
            return defer.succeed(None)
        emptied = defer.Deferred()
        self._emptied.append(emptied)
        return emptied

    # What the connection tells.

    def connected(self, connection):
        self._connection = connection
        if self._listening is not None:
            self._subscribe()
        # Last, so that its receipt speaks for all. A peer that refuses one would otherwise get what
        # is kept again at every try.
        connection.write(stomp.encode('SUBSCRIBE', {
            'id': 'notices', 'destination': _NOTICES, 'receipt': _ADMITTED}))

    def _send_all(self):
        self._admitted = True
        if self._said_lost or self._waiting:
            log.msg(f'tidegate: connected to the peer; {len(self._waiting)} messages waited')
        self._said_lost = False
        self._forget_old()
        for _, frame in self._kept:
            self._connection.write(frame)
        for frame in self._waiting.values():
            self._connection.write(frame)

    def lost(self, connection, reason):
        if self._connection is not connection:
            return
        self._connection, self._admitted = None, False
        if self._parted is not None:
            self._part()
        if self._stopping:
            return
        self._said_lost = True
        self._warn(f'the connection to the peer is lost ({reason}); trying again, '
                   f'{len(self._waiting)} messages wait')

    def received(self, connection, frame):
        if frame.command == 'RECEIPT':
            self._receipt(frame.headers.get('receipt-id', ''))
        elif frame.command == 'MESSAGE':
            self._message(connection, frame)
        elif frame.command == 'ERROR':
            self._error(frame)

    # Publishing.

    def _part(self):
        parted, self._parted, self._stopping = self._parted, None, True
        parted.callback(None)

    def _receipt(self, receipt):
        if receipt == _ADMITTED:
            self._send_all()
        if receipt == _END and self._parted is not None:
            self._part()
        if not receipt.isdigit():
            return
        frame = self._waiting.pop(int(receipt), None)
        if frame is None:
            return
        self._refusals = 0
        self._waiting_bytes -= len(frame)
        self._keep(frame)
        if self._dropped and self._waiting_bytes <= self._buffer_bytes // 2:
            self._warn(f'the peer takes messages again; {self._dropped} were dropped')
            self._dropped = 0
        if not self._waiting:
            emptied, self._emptied = self._emptied, []
            for each in emptied:
                each.callback(None)

    def _keep(self, frame):
        self._kept.append((self.reactor.seconds() + KEEP_FOR, frame))
        self._kept_bytes += len(frame)
        self._forget_old()

    def _forget_old(self):
        now = self.reactor.seconds()
        while self._kept and (self._kept[0][0] < now or self._kept_bytes > self._buffer_bytes):
            self._kept_bytes -= len(self._kept.popleft()[1])

    def _unpublished(self, receipt, why):
        """It came back: it is sent again, unless the peer leaves and the next one gets it."""
        if not receipt.isdigit() or int(receipt) not in self._waiting or why == 'left':
            return
        number = int(receipt)
        self._warn(f'message {number} came back from the peer ({why}); it is sent again')
        if why == 'other_primary':  # the peer has never met the primary of that position
            frame = self._waiting[number]
            self._waiting[number] = stomp.with_headers(frame, 'position', self._covering())
            self._waiting_bytes += len(self._waiting[number]) - len(frame)
        if number not in self._again:
            self._again[number] = self.reactor.callLater(AGAIN_AFTER, self._send_again, number)

    def _send_again(self, number):
        del self._again[number]
        if self._admitted and number in self._waiting:
            self._connection.write(self._waiting[number])

    def _error(self, frame):
        text = (frame.body.decode('utf-8', 'replace').strip()
                or frame.headers.get('message', 'without a reason'))
        receipt = frame.headers.get('receipt-id', '')
        self._refusals += 1
        self._warn(f'the peer ends the connection: {" ".join(text.split())}')
        # One that is refused would be refused for ever.
        if receipt.isdigit() and int(receipt) in self._waiting:
            self._warn(f'message {receipt} is DROPPED, since the peer refuses it')
            self._receipt(receipt)
            self._kept_bytes -= len(self._kept.pop()[1])

    # Receiving.

    def _subscribe(self):
        self._connection.write(stomp.encode('SUBSCRIBE', {
            'id': 'messages', 'destination': self._listening, 'ack': 'client-individual',
            'prefetch-count': PREFETCH, 'durable-subscription-name': self._subscription}))

    def _message(self, connection, frame):
        if frame.headers.get('destination') == _NOTICES:
            self._notice(frame)
            self._acknowledge(connection, frame.headers.get('ack'))
            return
        if self._listening is None:
            return  # not acknowledged, so it comes again when this master is back
        identity = frame.headers.get('message-id', '')
        ack = frame.headers.get('ack')
        if identity in self._done:
            self._acknowledge(connection, ack)
            return
        again = identity in self._under_way
        self._under_way[identity] = (connection, ack)
        if not again:
            worked_on = defer.maybeDeferred(self._deliver, frame.headers, frame.body)
            worked_on.addErrback(log.err, 'tidegate: while a message was delivered')
            worked_on.addCallback(lambda _: self._worked_on(identity))

    def _worked_on(self, identity):
        self._acknowledge(*self._under_way.pop(identity))
        self._done[identity] = None
        if len(self._done) > 2 * PREFETCH:
            self._done.popitem(last=False)

    def _acknowledge(self, connection, ack):
        if ack is not None and connection is self._connection:
            connection.write(stomp.encode('ACK', {'id': ack}))

    def _notice(self, frame):
        notice = frame.headers.get('notice', '')
        try:
            content = json.loads(frame.body)
        except ValueError:
            content = {}
        if notice == 'unpublished':
            self._unpublished(frame.headers.get('receipt-id', ''), content.get('why', ''))
        else:
            self._warn(f'{notice}: {frame.body.decode("utf-8", "replace").strip()}')

    @staticmethod
    def _warn(text):
        log.msg(f'tidegate: WARNING: {text}')


class _Connection(protocol.Protocol):

    def __init__(self, link):
        self._link = link
        self._reader = stomp.FrameReader()
        self._beat = None
        self._heard = 0.0
        self._why = None

    def connectionMade(self):
        login, passcode = self._link.login or (None, None)
        self.write(stomp.encode('CONNECT', {
            'accept-version': '1.2', 'host': 'tidegate', 'login': login, 'passcode': passcode,
            'heart-beat': '{0},{0}'.format(int(HEART_BEAT * 1000))}))
        self._heard = self._link.reactor.seconds()
        self._beat = task.LoopingCall(self._tick)
        self._beat.clock = self._link.reactor
        self._beat.start(HEART_BEAT / 2, now=False)

    def write(self, data):
        self.transport.write(data)

    def _tick(self):
        if self._link.reactor.seconds() - self._heard > 2 * HEART_BEAT:
            self._why = f'it is silent for {2 * HEART_BEAT:.0f} s'
            self.transport.abortConnection()
        else:
            self.write(b'\n')

    def dataReceived(self, data):
        self._heard = self._link.reactor.seconds()
        try:
            frames = self._reader.feed(data)
        except stomp.FrameError as error:
            self._why = f'it sends what is no STOMP: {error}'
            self.transport.abortConnection()
            return
        for frame in frames:
            if frame.command == 'CONNECTED':
                self._link.connected(self)
            else:
                self._link.received(self, frame)

    def connectionLost(self, reason=protocol.connectionDone):
        if self._beat is not None:
            self._beat.stop()
        self._link.lost(self, self._why or reason.getErrorMessage())
