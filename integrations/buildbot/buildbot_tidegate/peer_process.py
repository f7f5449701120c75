"""The master's own `tidegate peer`, as a child that is started again when it ends.

It is in a session of its own, so that a Ctrl-C or a service manager's signal to the group of the
master does not end it before the master's last messages. Its standard input is a pipe from the
master: when the master dies, however, that ends, and the peer leaves the mesh by itself.

Settings travel in its environment, where no list of processes shows them.
"""
import os

from twisted.internet import defer
from twisted.internet import error
from twisted.internet import protocol
from twisted.python import log

# Between an end and the next start. Doubled while the peer ends within a minute.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
STABLE_AFTER = 60.0

# For a peer that is told to leave, until it is killed.
LONGEST_LEAVE = 15.0


class PeerProcess(protocol.ProcessProtocol):

    def __init__(self, program, environment, directory, reactor):
        self._program = program
        self._environment = environment
        self._directory = directory
        self._reactor = reactor
        self._process = None
        self._started = None
        self._pause = FIRST_PAUSE
        self._restart = None
        self._stopped = None  # a Deferred, once it is to end
        self._text = b''

    @property
    def pid(self):
        return self._process.pid if self._process else None

    def start(self):
        self._restart = None
        self._started = self._reactor.seconds()
        # setsid: Twisted can't make a session without a terminal.
        arguments = ['setsid', self._program, 'peer']
        # Its notices on standard output are read, and dropped: the door tells the same.
        try:
            self._process = self._reactor.spawnProcess(
                self, arguments[0], arguments, env={**os.environ, **self._environment},
                path=self._directory, childFDs={0: 'w', 1: 'r', 2: 'r'})
        except OSError as failed:  # no files or processes are left
            self._start_again(f'can not be started: {failed}')

    def stop(self):
        """Ends it; the Deferred fires when it is gone."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        if self._process is None:
            return defer.succeed(None)
        if self._stopped is None:
            self._stopped = defer.Deferred()
            self._process.closeStdin()  # the end of its input: it publishes the rest and leaves
            self._restart = self._reactor.callLater(LONGEST_LEAVE, self._kill)
        return self._stopped

    def _kill(self):
        self._restart = None
        log.msg(f'tidegate: WARNING: the peer does not leave; killing process {self.pid}')
        self._signal('KILL')

    def _signal(self, name):
        try:
            self._process.signalProcess(name)
        except error.ProcessExitedAlready:
            pass

    # What Twisted calls.

    def errReceived(self, data):
        *lines, self._text = (self._text + data).split(b'\n')
        for line in lines:
            log.msg('tidegate: ' + line.decode('utf-8', 'replace'))

    def processEnded(self, reason):
        self._process = None
        if self._text:
            self.errReceived(b'\n')
        if self._stopped is not None:
            if self._restart is not None:
                self._restart.cancel()
                self._restart = None
            self._stopped.callback(None)
            return
        if self._reactor.seconds() - self._started >= STABLE_AFTER:
            self._pause = FIRST_PAUSE
        self._start_again(f'has ended ({reason.getErrorMessage()})')

    def _start_again(self, why):
        log.msg(f'tidegate: WARNING: the peer {why}; starting it again in {self._pause:.1f} s, '
                'messages wait here until then')
        self._restart = self._reactor.callLater(self._pause, self.start)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
