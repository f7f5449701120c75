"""What c['mq'] may say, and what it means for the peer.

Every setting of `tidegate peer` has its name here with '_' for '-', as retain_bytes for
retain-bytes; `tidegate help peer` explains them. What is wrong is told all at once, and
`buildbot checkconfig` tells it without starting anything but `tidegate peer --check`.
"""
import os
import re
import shutil
import subprocess

import sqlalchemy as sa

# Of the peer that the connector starts. It sets `state-file` and `door` itself.
PEER = frozenset([
    'mesh', 'name', 'key_file', 'insecure', 'interfaces', 'beacon_port', 'seeds', 'first_port',
    'last_port', 'local_transport', 'datagrams', 'database', 'primary', 'held_bytes',
    'inbox_bytes', 'unsent_bytes', 'payload_bytes', 'retain_bytes', 'retain_for', 'overdue',
    'overdue_after', 'heartbeat', 'suspect_after', 'gone_after', 'log_level', 'socket',
    'socket_group', 'socket_mode', 'leave_timeout',
])

OWN = frozenset(['program', 'running_door', 'login', 'buffer_bytes', 'read_router', 'debug'])

# A set, as Buildbot wants it.
KEYS = set(PEER | OWN)

_LISTS = ('interfaces', 'seeds')

BUFFER_BYTES = 64 * 1024 * 1024


def connection_string(url):
    """A libpq connection string from either kind of URL, or from such a string."""
    if '://' not in url:
        return url
    parsed = sa.engine.url.make_url(url)
    _, words = sa.create_engine(parsed).dialect.create_connect_args(parsed)
    words = {('dbname' if name == 'database' else name): value for name, value in words.items()}
    return ' '.join(f'{name}={_quoted(value)}' for name, value in sorted(words.items()))


def _quoted(value):
    escaped = str(value).replace('\\', '\\\\').replace("'", "\\'")
    return f"'{escaped}'"


def database_name(url):
    return sa.engine.url.make_url(url).database or '' if url else ''


def engine_url(text):
    """What SQLAlchemy takes, from a URL or a libpq connection string."""
    if '://' in text:
        return text
    import psycopg2.extensions
    words = psycopg2.extensions.parse_dsn(text)
    return sa.engine.url.URL.create('postgresql', query=words)


def peer_environment(mq, db_url, door, state_file):
    """The settings of the peer, as variables; secrets may be among them."""
    settings = {name: mq[name] for name in PEER if name in mq}
    settings.setdefault('primary', db_url)
    settings.setdefault('database', db_url)
    for name in ('primary', 'database'):
        settings[name] = connection_string(settings[name])
    # Messages of this master reach its own consumers without the mesh.
    settings.update(door=f'unix:{door}', state_file=state_file, own_messages='none')
    return {f'TIDEGATE_{name.upper()}': _text(value) for name, value in settings.items()}


def _text(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (list, tuple)):
        return ','.join(str(each) for each in value)
    return str(value)


def problems(mq, db_url):
    """All that is wrong, as sentences. Buildbot itself tells of names that are not in KEYS."""
    found = list(_wrong_values(mq))
    if not str(db_url).startswith('postgresql'):
        found.append("c['db']['db_url'] has to name a PostgreSQL server: "
                     'tidegate waits for its replicas')
    if 'running_door' in mq:
        for name in sorted(PEER & set(mq) - {'database'}):
            found.append(f"c['mq']['{name}'] is a setting of a peer that the connector starts; "
                         'with running_door give it to that peer')
    elif not any('database' in each or 'primary' in each or 'program' in each for each in found):
        found.extend(_of_the_peer(mq, db_url))
    return found


def _wrong_values(mq):
    for name, value in sorted(mq.items()):
        if name in _LISTS and isinstance(value, (list, tuple)):
            if not all(isinstance(each, str) for each in value):
                yield f"c['mq']['{name}'] has to be a list of strings"
        elif name in PEER and not isinstance(value, (str, int, float, bool)):
            yield f"c['mq']['{name}'] has to be a string or a number"
    for name in ('database', 'primary'):
        if name in mq and not _is_database(mq[name]):
            yield f"c['mq']['{name}'] is neither a URL of PostgreSQL nor a libpq connection string"
    if not isinstance(program(mq), str):
        yield "c['mq']['program'] has to be a path"
    if mq.get('read_router') not in (None, True, False):
        yield "c['mq']['read_router'] has to be True or False"
    if mq.get('read_router') and 'database' not in mq:
        yield "c['mq']['read_router'] needs c['mq']['database'], the replica to read"
    buffer = mq.get('buffer_bytes', BUFFER_BYTES)
    if isinstance(buffer, bool) or not isinstance(buffer, int) or buffer < 1:
        yield "c['mq']['buffer_bytes'] has to be a whole number from 1"
    login = mq.get('login')
    if login is not None and (not isinstance(login, (list, tuple)) or len(login) != 2):
        yield "c['mq']['login'] has to be a pair, the name and the passcode of the door"
    door = mq.get('running_door')
    if door is not None and not is_door(door):
        yield ("c['mq']['running_door'] has to be 'unix:/path' or 'tcp:127.0.0.1:61613', "
               'as the running peer has it in --door')
    if login is not None and door is None:
        yield "c['mq']['login'] is for a running_door"


def _is_database(text):
    try:
        connection_string(text)
        sa.create_engine(engine_url(text))
    except Exception:  # each parser has its own, and some quote a password
        return False
    return True


def is_door(text):
    if not isinstance(text, str):
        return False
    kind, _, where = text.partition(':')
    if kind == 'unix':
        return where.startswith('/')
    host, _, port = where.rpartition(':')
    return kind == 'tcp' and bool(host) and port.isdigit() and 0 < int(port) < 65536


def program(mq):
    return mq.get('program', 'tidegate')


def _of_the_peer(mq, db_url):
    """What the peer itself says of its settings. It starts nothing."""
    path = shutil.which(program(mq))
    if path is None:
        yield (f"the program {program(mq)!r} is not found; install tidegate, or give its path as "
               "c['mq']['program']")
        return
    variables = peer_environment(mq, db_url, '/tmp/door', '/tmp/state')
    try:
        answer = subprocess.run([path, 'peer', '--check'], env={**os.environ, **variables},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=30, text=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f'{path} can not check its settings: {error}'
        return
    if answer.returncode != 0:
        for line in answer.stdout.strip().splitlines():
            variable = re.fullmatch('tidegate: TIDEGATE_([A-Z_]+): (.*)', line)
            if variable and variable[1].lower() in PEER:
                yield f"c['mq']['{variable[1].lower()}']: {variable[2]}"
            elif not line.endswith('nothing was done'):
                yield line
