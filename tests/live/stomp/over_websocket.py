"""STOMP over WebSocket by the websocket module, with stomp.py at a TCP door: HTTP_PORT TCP_PORT.

Prints "done", or dies with the reason.
"""

import queue
import sys

import stomp
import websocket

BOUND = 20  # seconds, of any single step


class Listener(stomp.ConnectionListener):
    def __init__(self):
        self.messages = queue.Queue()

    def on_message(self, frame):
        self.messages.put(frame)


class WebSocket:
    def __init__(self, port):
        self.socket = websocket.create_connection(
            "ws://127.0.0.1:%s/stomp" % port,
            timeout=BOUND,
            subprotocols=["v11.stomp", "v12.stomp"],
        )
        assert self.socket.getsubprotocol() == "v12.stomp", self.socket.getsubprotocol()
        self.bytes = b""

    def frame(self):
        while b"\0" not in self.bytes.lstrip(b"\n"):
            opcode, data = self.socket.recv_data()
            assert opcode == websocket.ABNF.OPCODE_BINARY, (opcode, data)
            self.bytes += data
        frame, self.bytes = self.bytes.lstrip(b"\n").split(b"\0", 1)
        return frame


def main():
    http, tcp = sys.argv[1:]
    other = stomp.Connection12([("127.0.0.1", tcp)])
    heard = Listener()
    other.set_listener("", heard)
    other.connect(wait=True)
    other.subscribe("/topic/from.web", id="1")
    web = WebSocket(http)
    web.socket.send("CONNECT\naccept-version:1.2\nheart-beat:0,500\nhost:x\n\n\0")
    assert web.frame().startswith(b"CONNECTED\n")
    web.socket.send("SUBSCRIBE\nid:1\ndestination:/topic/from.tcp\nreceipt:s\n\n\0")
    assert b"receipt-id:s" in web.frame()
    web.socket.send_binary(
        "SEND\ndestination:/topic/from.web\ndepends:none\nreceipt:r\n\nGrüße\0".encode()
    )
    assert b"receipt-id:r" in web.frame()
    assert heard.messages.get(timeout=BOUND).body == "Grüße"
    other.send("/topic/from.tcp", "back", headers={"depends": "none"})
    assert web.frame().endswith(b"\n\nback")
    # A heart-beat is a message of one line end.
    opcode, data = web.socket.recv_data()
    assert data == b"\n", (opcode, data)
    web.socket.close()
    other.disconnect()
    print("done")


main()
