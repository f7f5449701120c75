"""Starts a program as systemd does that has sockets for it: SOCKETS PROGRAM ARGUMENT...

SOCKETS are separated by commas: the path of a Unix socket, http:PORT of loopback, or
http:HOST:PORT.
"""

import os
import socket
import sys

FIRST = 3

listeners = []
names = []
for place in sys.argv[1].split(","):
    if place.startswith("http:"):
        host, _, port = place[5:].rpartition(":")
        listeners.append(socket.create_server((host or "127.0.0.1", int(port))))
        names.append("http")
    else:
        listeners.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listeners[-1].bind(place)
        names.append("stomp")
    listeners[-1].listen()

# Out of the way first, as each number may be taken by another one.
high = [os.dup2(one.fileno(), 100 + index) for index, one in enumerate(listeners)]
for index, descriptor in enumerate(high):
    os.dup2(descriptor, FIRST + index)
    os.set_inheritable(FIRST + index, True)
    os.close(descriptor)
os.environ.update(
    LISTEN_FDS=str(len(listeners)), LISTEN_FDNAMES=":".join(names), LISTEN_PID=str(os.getpid())
)
os.execv(sys.argv[2], sys.argv[2:])
