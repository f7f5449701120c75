"""A door for the tests: it takes connections, keeps what was said, and says what a test wants."""
from buildbot_tidegate import stomp
from twisted.internet import defer
from twisted.internet import error
from twisted.internet import testing
from twisted.python import failure


class FakeDoor:
    """An endpoint whose other end is this object. `open` is whether somebody is there, `admits`
    whether subscriptions are taken."""

    def __init__(self):
        self.open = True
        self.admits = True
        self.connections = []
        self._ended = []

    def connect(self, factory):
        if not self.open:
            return defer.fail(error.ConnectionRefusedError())
        protocol = factory.buildProtocol(None)
        transport = testing.StringTransport()
        transport.abortConnection = lambda: self._lost(protocol)
        transport.loseConnection = lambda: self._lost(protocol)
        self.connections.append((protocol, transport))
        protocol.makeConnection(transport)
        self.say('CONNECTED', {'version': '1.2'})
        if self.admits:
            self.say('RECEIPT', {'receipt-id': 'admitted'})
        return defer.succeed(protocol)

    def _lost(self, protocol):
        if protocol not in self._ended:
            self._ended.append(protocol)
            protocol.connectionLost(failure.Failure(error.ConnectionDone()))

    def cut(self):
        self._lost(self.connections[-1][0])

    def say(self, command, headers, body=b''):
        self.connections[-1][0].dataReceived(stomp.encode(command, headers, body))

    def heard(self, command=None):
        """The frames of the newest connection since the last call."""
        transport = self.connections[-1][1]
        # The headers of CONNECT are the only ones that are not escaped.
        data = transport.value().replace(b'CONNECT\naccept', b'CONNECTED\naccept')
        frames = stomp.FrameReader().feed(data)
        transport.clear()
        return [frame for frame in frames if command in (None, frame.command)]

    def receipt_all(self):
        for frame in self.heard():
            receipt = frame.headers.get('receipt')
            if receipt not in (None, 'admitted'):
                self.say('RECEIPT', {'receipt-id': receipt})

    def message(self, number, key='buildbot/bb/changes/1/new', body=b'{}', source='other',
                identity=None, ack=None, **headers):
        self.say('MESSAGE', {'subscription': 'messages', 'destination': key, 'source': source,
                             'number': number, 'message-id': identity or f'{source}-{number}',
                             'ack': ack or f'ack-{number}', **headers}, body)
