import os

from buildbot_tidegate import peer_process
from twisted.internet import defer
from twisted.internet import reactor
from twisted.internet import task
from twisted.python import log
from twisted.trial import unittest


class PeerProcess(unittest.TestCase):
    timeout = 20

    def setUp(self):
        self.logged = []
        log.addObserver(self.logged.append)
        self.addCleanup(log.removeObserver, self.logged.append)
        self.directory = os.path.abspath(self.mktemp())
        os.mkdir(self.directory)

    def start(self, script):
        path = os.path.join(self.directory, 'tidegate')
        with open(path, 'w') as file:
            file.write(f'#!/bin/sh\n{script}\n')
        os.chmod(path, 0o755)
        peer = peer_process.PeerProcess(path, {'TIDEGATE_MESH': 'build'}, self.directory, reactor)
        peer.start()
        return peer

    def text(self):
        return '\n'.join(' '.join(event['message']) for event in self.logged)

    @defer.inlineCallbacks
    def until(self, text):
        while text not in self.text():
            yield task.deferLater(reactor, 0.01, lambda: None)

    @defer.inlineCallbacks
    def test_it_runs_with_its_settings_apart_from_the_master_until_its_input_ends(self):
        peer = self.start('echo "$1 of $TIDEGATE_MESH in $(pwd)" >&2; cat; echo end >&2')
        yield self.until(f'tidegate: peer of build in {self.directory}')
        self.assertEqual(os.getsid(peer.pid), peer.pid)
        yield peer.stop()
        yield self.until('tidegate: end')
        self.assertIsNone(peer.pid)
        self.assertNotIn('WARNING', self.text())
        yield peer.stop()

    @defer.inlineCallbacks
    def test_one_that_ends_is_started_again_and_that_is_said(self):
        peer = self.start('echo started >&2; kill -9 $$')
        while self.text().count('tidegate: started') < 3:
            yield task.deferLater(reactor, 0.01, lambda: None)
        self.assertIn('WARNING: the peer has ended', self.text())
        yield peer.stop()

    @defer.inlineCallbacks
    def test_one_for_which_no_file_or_process_is_left_is_tried_again(self):
        spawn, failed = reactor.spawnProcess, []

        def fail_once(*arguments, **words):
            if not failed:
                failed.append(True)
                raise OSError('too many open files')
            return spawn(*arguments, **words)
        self.patch(reactor, 'spawnProcess', fail_once)
        peer = self.start('echo started >&2; cat')
        yield self.until('WARNING: the peer can not be started: too many open files')
        yield self.until('tidegate: started')
        yield peer.stop()

    @defer.inlineCallbacks
    def test_one_that_is_missing_is_told(self):
        peer = peer_process.PeerProcess('/nonexistent/tidegate', {}, self.directory, reactor)
        peer.start()
        yield self.until('/nonexistent/tidegate')
        yield self.until('WARNING: the peer has ended')
        yield peer.stop()

    @defer.inlineCallbacks
    def test_one_that_does_not_leave_is_killed(self):
        self.patch(peer_process, 'LONGEST_LEAVE', 0.1)
        peer = self.start('trap "" TERM; while :; do sleep 0.1; done')
        yield task.deferLater(reactor, 0.1, lambda: None)
        yield peer.stop()
        self.assertIn('WARNING: the peer does not leave', self.text())
