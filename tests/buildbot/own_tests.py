"""Runs Buildbot's own tests with this queue in the place of Buildbot's.

    own_tests.py SOURCE PROGRAM [TEST...]

Without a TEST: those of queues, and of masters that run. SOURCE is a checkout of Buildbot, of the
version that is installed: Debian's package comes without its tests. PROGRAM is the `tidegate` of
the peers, of which each master with a real reactor starts one. The tests use SQLite, so the peers
have no database and deliver at once.
"""
import os
import sys
import tempfile
import warnings

source, program, *tests = sys.argv[1:]
queues = ['test_mq', 'test_mq_base', 'test_mq_connector', 'test_mq_simple']
tests = tests or [*(f'buildbot.test.unit.{name}' for name in queues), 'buildbot.test.integration']
sys.path.insert(0, os.path.join(source, 'master'))

import buildbot.test  # noqa: E402, F401
# Which makes warnings of Debian's newer Twisted errors.
warnings.simplefilter('ignore')

from buildbot.mq import simple  # noqa: E402
from twisted.internet import defer  # noqa: E402
from twisted.internet import reactor  # noqa: E402
from twisted.scripts import trial  # noqa: E402

from buildbot_tidegate import mq  # noqa: E402
from buildbot_tidegate import settings  # noqa: E402


def environment_without_database(given, db_url, door, state_file):
    variables = environment(given, 'host=none', door, state_file)
    del variables['TIDEGATE_PRIMARY'], variables['TIDEGATE_DATABASE']
    return {**variables, 'TIDEGATE_INTERFACES': 'lo', 'TIDEGATE_MESH': f'own-{os.getpid()}'}


environment = settings.peer_environment
settings.peer_environment = environment_without_database


class InItsPlace(mq.TidegateMQ):
    """Masters of tests have short lives, and need not give settings."""

    def startService(self):
        self._set_up_once()
        return super().startService()

    def produce(self, routingKey, data):
        self._set_up_once()
        super().produce(routingKey, data)

    def reconfigServiceWithBuildbotConfig(self, new_config):
        self._set_up_once()
        self.debug = new_config.mq.get('debug', False)
        return defer.succeed(None)

    def _set_up_once(self):
        if self.link is not None:
            return
        given = {'program': program}
        self.real = self.master.reactor is reactor
        if not self.real:
            given['running_door'] = 'unix:/nowhere'
        if not self.real or not self.master.basedir:
            self.master.basedir = tempfile.mkdtemp(dir=scratch)
        self._set_up(given, '')
        if not self.real:
            self._master.reactor.addSystemEventTrigger = lambda *arguments: None
            self.link.start = lambda: None

    def dependency(self, key):
        return {'depends': 'none'}

    @defer.inlineCallbacks
    def stopService(self):
        yield super().stopService()
        if self.real:
            self._master._master_initialized = False
            yield self.end()


with tempfile.TemporaryDirectory(dir=os.environ.get('TEST_SCRATCH', '/tmp')) as scratch:
    simple.SimpleMQ = InItsPlace
    sys.argv = ['trial', '--reporter=text', f'--temp-directory={scratch}/trial', *tests]
    trial.run()
