"""STOMP over TLS by stomp.py: HOST PORT CERTIFICATE LOGIN PASSCODE.

Prints "done", or dies with the reason.
"""

import queue
import sys

import stomp

BOUND = 20  # seconds, of any single step


class Listener(stomp.ConnectionListener):
    def __init__(self):
        self.messages = queue.Queue()

    def on_message(self, frame):
        self.messages.put(frame)


def main():
    host, port, certificate, login, passcode = sys.argv[1:]
    place = (host, int(port))
    client = stomp.Connection12([place])
    client.set_ssl(for_hosts=[place], ca_certs=certificate)
    heard = Listener()
    client.set_listener("", heard)
    client.connect(login, passcode, wait=True)
    client.subscribe("/topic/secret.*", id="1")
    body = "x" * 200000
    client.send("/topic/secret.1", body, headers={"depends": "none"})
    assert heard.messages.get(timeout=BOUND).body == body
    client.disconnect()
    print("done")


main()
