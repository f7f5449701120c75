"""Reads announced builds on a replica: react.py REPLICA PORT, until Ctrl-C or SIGTERM.

PORT is the door of a peer beside it: tidegate peer --door tcp:127.0.0.1:PORT --database REPLICA
"""
import queue
import signal
import sys

import psycopg2
import stomp


def main(replica, port):
    database = psycopg2.connect(replica)
    database.autocommit = True  # each SELECT sees a new snapshot; an older one would miss the row
    # stomp.py reads in a thread of its own; the work is done in this one.
    frames, listener = queue.Queue(), stomp.ConnectionListener()
    listener.on_message = listener.on_error = frames.put
    listener.on_receipt = lambda _: print("ready for builds", flush=True)
    listener.on_disconnected = lambda: frames.put(None)
    door = stomp.Connection12([("127.0.0.1", int(port))])
    door.set_listener("", listener)
    door.connect(wait=True)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: sys.exit())
    try:
        # Acknowledged when done: at most 1,000 messages lie in this program, the rest in the peer.
        door.subscribe("/topic/builds.*", id="1", ack="client-individual", receipt="subscribed")
        while (frame := frames.get()) and frame.cmd == "MESSAGE":
            build = frame.headers["destination"].rpartition(".")[2]
            with database.cursor() as cursor:
                cursor.execute("SELECT name FROM builds WHERE id = %s", (build,))
                print(f"build {build} is {cursor.fetchone()[0]}", flush=True)
            door.ack(frame.headers["ack"])
        sys.exit(frame.body if frame else "the door is gone")
    finally:
        door.disconnect(receipt="end")


main(*sys.argv[1:])
