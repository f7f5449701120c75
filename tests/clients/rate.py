"""The messages per second that one client of stomp.py gets: PORT COUNT. Says "ready" first."""

import sys
import threading
import time

import stomp


class Counter(stomp.ConnectionListener):
    def __init__(self, count):
        self.left = self.count = count
        self.done = threading.Event()

    def on_message(self, _):
        if self.left == self.count:
            self.begin = time.monotonic()
        self.left -= 1
        if self.left == 0:
            self.end = time.monotonic()
            self.done.set()

    def on_receipt(self, _):
        print("ready", flush=True)

    def on_error(self, frame):
        sys.exit(frame.body)


def main(port, count):
    counter = Counter(int(count))
    connection = stomp.Connection12([("127.0.0.1", int(port))], auto_decode=False)
    connection.set_listener("", counter)
    connection.connect(wait=True)
    connection.subscribe("rates", id="rates", receipt="subscribed")
    assert counter.done.wait(120), "%d are missing" % counter.left
    print("%d messages/s" % ((counter.count - 1) / (counter.end - counter.begin)))
    print("done")


main(*sys.argv[1:])
