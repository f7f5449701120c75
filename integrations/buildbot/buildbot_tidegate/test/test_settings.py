import re
import subprocess

from buildbot import config
from buildbot.config import master as master_config
from buildbot_tidegate import settings
from twisted.trial import unittest

import buildbot_tidegate

URL = 'postgresql://bob:secret@db-a/buildbot'


class Settings(unittest.TestCase):

    def problems(self, **mq):
        return settings.problems({'type': 'tidegate', 'program': 'true', **mq}, URL)

    def test_nothing_is_needed(self):
        self.assertEqual(self.problems(), [])

    def test_all_that_is_wrong_is_told_at_once(self):
        found = self.problems(read_router='yes', buffer_bytes=0, login=('a',), mesh=['a'],
                              seeds=[1])
        self.assertEqual(len(found), 7, found)

    def test_what_is_no_database_or_program_is_told(self):
        for wrong in ({'database': 5}, {'primary': 'mysql://a/b'}, {'database': '://'},
                      {'program': 5}):
            self.assertEqual(len(self.problems(**wrong)), 1, wrong)
        self.assertEqual(len(self.problems(running_door='unix:/d', database='://')), 1)

    def test_the_router_needs_a_replica(self):
        self.assertIn('needs', self.problems(read_router=True)[0])
        self.assertEqual(self.problems(read_router=True, database='host=replica'), [])

    def test_a_running_peer_has_settings_of_its_own(self):
        self.assertIn('give it to that peer',
                      self.problems(running_door='unix:/run/door', mesh='a')[0])
        self.assertEqual(self.problems(running_door='tcp:127.0.0.1:61613', login=('a', 'b')), [])
        for door in ('unix:run/door', 'tcp:61613', 'tcp:host:0', 'host:1', 7):
            self.assertIn('running_door', self.problems(running_door=door)[0])

    def test_another_database_is_refused(self):
        self.assertIn('PostgreSQL',
                      settings.problems({'program': 'true'}, 'sqlite:///state.sqlite')[0])

    def test_a_missing_program_is_told(self):
        self.assertIn('is not found', self.problems(program='/nonexistent/tidegate')[0])

    def test_what_the_peer_finds_wrong_is_told(self):
        path = self.mktemp()
        with open(path, 'w') as file:
            file.write('#!/bin/sh\n'
                       'test "$1 $2" = "peer --check" && echo "tidegate: TIDEGATE_MESH: too long"\n'
                       'echo "tidegate: 1 problem; nothing was done"\n'
                       'exit 2\n')
        subprocess.run(['chmod', '+x', path], check=True)
        self.assertEqual(self.problems(program=path), ["c['mq']['mesh']: too long"])

    def test_urls_and_connection_strings_are_both_taken(self):
        self.assertEqual(settings.connection_string(URL),
                         "dbname='buildbot' host='db-a' password='secret' user='bob'")
        self.assertEqual(settings.connection_string('host=a dbname=b'), 'host=a dbname=b')
        several = 'postgresql+psycopg2://b@/c?host=a:1&host=b:2&target_session_attrs=primary'
        self.assertEqual(settings.connection_string(several),
                         "dbname='c' host='a,b' port='1,2' target_session_attrs='primary' user='b'")
        quoted = settings.connection_string("postgresql://b:it's%5C@a/c")
        self.assertIn(r"password='it\'s\\'", quoted)
        self.assertEqual(settings.engine_url(URL), URL)
        self.assertEqual(settings.engine_url('host=a port=5433 dbname=b').query,
                         {'host': 'a', 'port': '5433', 'dbname': 'b'})

    def test_the_peer_gets_its_settings_as_variables(self):
        variables = settings.peer_environment(
            {'type': 'tidegate', 'interfaces': ['eth0', 'lo'], 'insecure': True, 'held_bytes': 5,
             'database': 'postgresql://b@replica/c', 'buffer_bytes': 7}, URL, '/d', '/s')
        self.assertEqual(variables, {
            'TIDEGATE_INTERFACES': 'eth0,lo', 'TIDEGATE_INSECURE': 'true',
            'TIDEGATE_HELD_BYTES': '5', 'TIDEGATE_DATABASE': "dbname='c' host='replica' user='b'",
            'TIDEGATE_PRIMARY': "dbname='buildbot' host='db-a' password='secret' user='bob'",
            'TIDEGATE_DOOR': 'unix:/d', 'TIDEGATE_STATE_FILE': '/s',
            'TIDEGATE_OWN_MESSAGES': 'none'})

    def test_each_name_is_a_setting_of_the_peer(self):
        try:
            text = subprocess.run(['tidegate', 'help', 'peer'], capture_output=True, text=True,
                                  check=True).stdout
        except OSError:
            raise unittest.SkipTest('tidegate is not installed')
        flags = {flag.replace('-', '_') for flag in re.findall(r'^ *--([a-z-]+)', text, re.M)}
        self.assertEqual(sorted(settings.PEER - flags), [])


class Register(unittest.TestCase):

    def load(self, **mq):
        buildbot_tidegate.register()
        buildbot_tidegate.register()
        loaded = master_config.MasterConfig()
        loaded.db = {'db_url': URL}
        errors = config.ConfigErrors()
        self.patch(config.errors, '_errors', errors)
        loaded.load_mq('master.cfg', {'mq': {'type': 'tidegate', 'program': 'true', **mq}})
        return errors.errors

    def test_a_type_that_is_registered_is_known(self):
        self.assertEqual(self.load(mesh='build'), [])

    def test_buildbot_tells_of_names_that_are_unknown(self):
        self.assertEqual(self.load(mush='a'), ["unrecognized keys in c['mq']: mush"])

    def test_and_of_values_that_are_wrong(self):
        self.assertEqual(len(self.load(buffer_bytes='many')), 1)
