"""An operation of Buildbot's pool whose first COMMIT loses its connection.

    lost_commit.py WHERE PROXY SERVER...

WHERE is the folder of the socket of the primary, PROXY an empty folder beside it, and the other
SERVERs may become primary. All that goes to the primary passes this program. It reads from standard
input what is lost: of the COMMIT the `query` or the `answer`, or `silently` the query, so that the
primary doesn't hear of it. Once that has happened it prints `lost` and waits for a line; then the
connection of the client breaks. At last it prints, as JSON, what the operation returned or raised
and how often it was begun.
"""
import json
import os
import sys
import tempfile
import threading

import sqlalchemy as sa
from buildbot.db import enginestrategy
from buildbot.db import pool
from twisted.internet import defer
from twisted.internet import endpoints
from twisted.internet import protocol
from twisted.internet import task

from buildbot_tidegate import failover

SOCKET = '.s.PGSQL.5432'


class Proxy(protocol.Factory):

    def __init__(self, reactor, where, loses):
        self.primary = endpoints.UNIXClientEndpoint(reactor, os.path.join(where, SOCKET))
        self.port = None
        self.loses = loses  # None once it is lost
        self.broken = None  # the connection

    def buildProtocol(self, address):
        return Client(self)

    def lost(self, client):
        self.loses, self.broken = None, client
        print('lost', flush=True)


class Client(protocol.Protocol):

    def __init__(self, proxy):
        self._proxy = proxy
        self._server = None
        self._early = []
        self._writes = False
        self._drops_answer = False

    @defer.inlineCallbacks
    def connectionMade(self):
        try:
            self._server = yield endpoints.connectProtocol(self._proxy.primary, Server(self))
        except Exception:
            # libpq goes to its next host only where nobody listens.
            self._proxy.port.stopListening()
            self.transport.abortConnection()
            return
        for data in self._early:
            self._server.transport.write(data)

    def dataReceived(self, data):
        if self._server is None:
            self._early.append(data)
            return
        self._writes = self._writes or b'INSERT' in data
        if self._writes and b'COMMIT\0' in data and self._proxy.loses:
            if self._proxy.loses != 'answer':
                if self._proxy.loses == 'query':
                    self._server.transport.abortConnection()
                self._server = None
                self._proxy.lost(self)
                return
            self._drops_answer = True
        self._server.transport.write(data)

    def answered(self, data):
        if not self._drops_answer:
            self.transport.write(data)
        elif self._proxy.loses:
            self._proxy.lost(self)

    def server_ended(self):
        if self is not self._proxy.broken:
            self.transport.abortConnection()

    def connectionLost(self, reason):
        if self._server is not None:
            self._server.transport.loseConnection()


class Server(protocol.Protocol):

    def __init__(self, client):
        self._client = client

    def dataReceived(self, data):
        self._client.answered(data)

    def connectionLost(self, reason):
        self._client.server_ended()


@defer.inlineCallbacks
def main(reactor, where, folder, *servers):
    proxy = Proxy(reactor, where, sys.stdin.readline().strip())
    listening = endpoints.UNIXServerEndpoint(reactor, os.path.join(folder, SOCKET))
    proxy.port = yield listening.listen(proxy)

    def break_when_told():
        sys.stdin.readline()
        reactor.callFromThread(lambda: proxy.broken.transport.abortConnection())
    threading.Thread(target=break_when_told, daemon=True).start()

    hosts = '&'.join(f'host={each}' for each in (folder, *servers))
    engine = enginestrategy.create_engine(
        f'postgresql://postgres@/postgres?{hosts}&target_session_attrs=read-write',
        basedir=tempfile.gettempdir())
    failover.bound_connections(engine)
    failover.Failover(engine, lambda: False, lambda: None)
    begun = 0

    things = sa.table('things', sa.column('what'))

    def operation(connection):
        nonlocal begun
        begun += 1
        connection.execute(things.insert().values(what='made'))
        # With a COMMIT of its own, on another connection if that is lost.
        return connection.execute(things.update().values(what='seen')).rowcount

    try:
        result = yield pool.DBThreadPool(engine, reactor).do(operation)
    except Exception as error:
        result = str(error)
    print(json.dumps({'result': result, 'begun': begun}), flush=True)


task.react(main, sys.argv[1:])
