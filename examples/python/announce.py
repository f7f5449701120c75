"""Commits a build and announces it: announce.py PRIMARY PORT NAME.

PORT is the door of the peer beside this program:
tidegate peer --door tcp:127.0.0.1:PORT --primary PRIMARY ...
"""
import contextlib
import queue
import sys

import psycopg2
import stomp


def main(primary, port, name):
    # stomp.py reads in a thread of its own; this one waits for the answer.
    answers, listener = queue.Queue(), stomp.ConnectionListener()
    listener.on_receipt = listener.on_error = answers.put
    listener.on_disconnected = lambda: answers.put(None)
    # The door first: where no peer is, nothing is committed that nobody would hear of.
    door = stomp.Connection12([("127.0.0.1", int(port))])
    door.set_listener("", listener)
    door.connect(wait=True)
    with contextlib.closing(psycopg2.connect(primary)) as database:
        with database, database.cursor() as cursor:  # commits at its end
            cursor.execute("INSERT INTO builds (name) VALUES (%s) RETURNING id", (name,))
            build = cursor.fetchone()[0]
    # Behind the commit, since a SEND announces what was committed before it. The receipt means
    # that every peer that is there has the message, however this one ends.
    door.send(f"/topic/builds.{build}", name, headers={"receipt": "1", "receipt-when": "received"})
    answer = answers.get(timeout=60)
    if answer is None or answer.cmd == "ERROR":  # look whether the row is there, and send again
        sys.exit(f"build {build} is not announced: {answer.body if answer else 'the door is gone'}")
    print(f"announced build {build}")
    door.disconnect(receipt="end")


main(*sys.argv[1:])
