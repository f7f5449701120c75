"""A message queue for Buildbot that tells of no change before it can be read.

In master.cfg:

    import buildbot_tidegate
    buildbot_tidegate.register()
    c['mq'] = {'type': 'tidegate', 'database': 'postgresql://replica/buildbot'}
"""
from buildbot import config
from buildbot.config.master import MasterConfig
from buildbot.mq import connector

from buildbot_tidegate import settings

TYPE = 'tidegate'


def register():
    """Makes the type known, and lets Buildbot check its settings. May be called again."""
    connector.MQConnector.classes[TYPE] = {
        'class': 'buildbot_tidegate.mq.TidegateMQ',
        'keys': settings.KEYS,
    }
    # An implementation of the queue has no place of its own to check what it is given.
    if not hasattr(MasterConfig.load_mq, 'checks_tidegate'):
        MasterConfig.load_mq = _checking(MasterConfig.load_mq)


def _checking(load_mq):
    def load_and_check(self, filename, config_dict):
        load_mq(self, filename, config_dict)
        if self.mq.get('type') == TYPE:
            for problem in settings.problems(self.mq, self.db['db_url']):
                config.error(problem)

    load_and_check.checks_tidegate = True
    return load_and_check
