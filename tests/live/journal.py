"""Runs a program whose standard error goes to a journal, and prints what the journal gets.

The journal is a socket in a namespace of its own: PROGRAM ARGUMENT...
"""

import ctypes
import os
import socket
import subprocess
import sys
import tempfile

NEW_MOUNTS = 0x00020000
NEW_USER = 0x10000000
PRIVATE_ALL = 0x4000 | 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def must(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "the namespace can't be made")


must(libc.unshare(NEW_MOUNTS if os.geteuid() == 0 else NEW_MOUNTS | NEW_USER))
must(libc.mount(None, b"/", None, PRIVATE_ALL, None))
must(libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None))
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")

with tempfile.TemporaryFile() as errors:
    place = os.fstat(errors.fileno())
    environment = dict(os.environ, JOURNAL_STREAM="%d:%d" % (place.st_dev, place.st_ino))
    subprocess.run(
        sys.argv[1:], stdin=subprocess.DEVNULL, stderr=errors, env=environment, check=False
    )
    errors.seek(0)
    print("standard error:", errors.read())

journal.setblocking(False)
while True:
    try:
        print(journal.recv(65536).decode().replace("\n", "|"))
    except BlockingIOError:
        break
