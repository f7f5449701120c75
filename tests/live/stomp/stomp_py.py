"""What a user of stomp.py does, at the doors of two peers: PORT_A PORT_B VERSION [DEPENDS].

Sends at the first door and receives at the second one. Prints "done", or dies with the reason.
"""

import queue
import sys
import uuid

import stomp

BOUND = 20  # seconds, of any single step


class Listener(stomp.ConnectionListener):
    def __init__(self):
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.errors = queue.Queue()

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers)

    def on_error(self, frame):
        self.errors.put(frame)


class Client:
    def __init__(self, port, version, heartbeats=(0, 0)):
        kind = {
            "1.0": stomp.Connection10,
            "1.1": stomp.Connection11,
            "1.2": stomp.Connection12,
        }[version]
        more = {} if version == "1.0" else {"heartbeats": heartbeats}
        self.version = version
        self.connection = kind([("127.0.0.1", port)], auto_decode=False, **more)
        self.heard = Listener()
        self.connection.set_listener("", self.heard)
        self.connection.connect("user", "pass:word", wait=True)

    def receipt_of(self, call, *arguments, **more):
        """Makes the call with a receipt, and waits for it."""
        name = str(uuid.uuid4())
        headers = dict(more.pop("headers", {}), receipt=name)
        call(*arguments, headers=headers, **more)
        got = self.heard.receipts.get(timeout=BOUND)
        assert got["receipt-id"] == name, got
        return got

    def subscribe(self, destination, name, ack="auto", **headers):
        self.receipt_of(
            self.connection.subscribe, destination, id=name, ack=ack, headers=headers
        )

    def message(self):
        return self.heard.messages.get(timeout=BOUND)

    def acknowledge(self, call, frame):
        if self.version == "1.0":
            call(frame.headers["message-id"])
        elif self.version == "1.1":
            call(frame.headers["message-id"], frame.headers["subscription"])
        else:
            call(frame.headers["ack"])

    def silent(self):
        assert self.heard.messages.empty(), self.heard.messages.get()
        assert self.heard.errors.empty(), self.heard.errors.get()


def bodies_travel(a, b, depends):
    b.subscribe("/topic/%s.>" % a.version, "all")
    bodies = [
        b"text",
        "Gr\u00fc\u00dfe \U0001f600".encode(),
        b"\x00\x01\xff\n\r\n\x00",
        b"",
        b"x" * 100000,
    ]
    # 1.0 has no escapes.
    mine = "a:b" if a.version == "1.0" else "a:b\\c\nd"
    sequences = []
    for number, body in enumerate(bodies):
        receipt = a.receipt_of(
            a.connection.send,
            "/topic/%s.bodies.%d" % (a.version, number),
            body,
            content_type="application/x-test",
            headers={"depends": depends, "mine": mine},
        )
        sequences.append(int(receipt["sequence"]))
        assert ("position" in receipt) == (depends == "commit"), receipt
        position = receipt.get("position")
    for number, body in enumerate(bodies):
        frame = b.message()
        got = frame.body if isinstance(frame.body, bytes) else (frame.body or "").encode()
        assert got == body, (number, got[:100])
        # The elements of a topic stand as they are: that of the version has a dot.
        assert frame.headers["destination"].endswith("bodies.%d" % number), frame.headers
        assert int(frame.headers["sequence"]) == sequences[number], frame.headers
        assert frame.headers["publisher"] == "a", frame.headers
        assert ("position" in frame.headers) == (depends == "commit"), frame.headers
        assert frame.headers["late"] == "false", frame.headers
        assert frame.headers["mine"] == mine, frame.headers
        assert frame.headers["content-type"] == "application/x-test", frame.headers
        assert "receipt" not in frame.headers, frame.headers
    assert sequences == list(range(sequences[0], sequences[0] + len(bodies)))
    if position is not None:
        a.receipt_of(
            a.connection.send,
            "/topic/%s.again" % a.version,
            "again",
            headers={"position": position},
        )
        assert b.message().headers["position"] == position
    b.receipt_of(b.connection.unsubscribe, id="all")


def transactions(a, b, depends):
    b.subscribe("transactions/#", "t")
    for name, end in (("gone", a.connection.abort), ("kept", a.connection.commit)):
        transaction = a.connection.begin()
        for number in range(3):
            a.connection.send(
                "transactions/%s" % name,
                "%s %d" % (name, number),
                headers={"transaction": transaction, "depends": depends},
            )
        a.receipt_of(end, transaction)
    for number in range(3):
        assert b.message().body == b"kept %d" % number
    b.receipt_of(b.connection.unsubscribe, id="t")


def acknowledgements(a, b, depends):
    for ack in ("client", "client-individual"):
        destination = "acks/%s" % ack
        b.subscribe(destination, ack, ack, **{"prefetch-count": "2"})
        for number in range(4):
            a.receipt_of(
                a.connection.send, destination, str(number), headers={"depends": depends}
            )
        first, second = b.message(), b.message()
        assert (first.body, second.body) == (b"0", b"1")
        b.silent()  # two are not acknowledged
        if ack == "client":
            b.acknowledge(b.connection.ack, second)
        else:
            b.acknowledge(b.connection.ack, second)
            b.acknowledge(
                b.connection.nack if b.version != "1.0" else b.connection.ack, first
            )
        assert [b.message().body for _ in range(2)] == [b"2", b"3"]
        b.receipt_of(b.connection.unsubscribe, id=ack)


def special_characters(a, b, depends):
    """A colon and a backslash may stand in a topic; 1.1 escapes them, 1.0 does not."""
    destination = "odd:topic/a\\/b"
    b.subscribe(destination, "odd")
    a.receipt_of(a.connection.send, destination, "odd", headers={"depends": depends})
    frame = b.message()
    assert frame.headers["destination"] == destination, frame.headers
    b.receipt_of(b.connection.unsubscribe, id="odd")


def refusal(port, version):
    """The reason of a refusal reaches the client, and then the connection ends."""
    client = Client(port, version)
    client.connection.send("/queue/work", "text")
    error = client.heard.errors.get(timeout=BOUND)
    assert b"write /topic/" in error.body, error.body


def main():
    port_a, port_b, version = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    depends = sys.argv[4] if len(sys.argv) > 4 else "none"
    a = Client(port_a, version, (1000, 1000))
    b = Client(port_b, version, (1000, 1000))
    for part in (bodies_travel, transactions, acknowledgements, special_characters):
        part(a, b, depends)
        a.silent()
        b.silent()
    refusal(port_a, version)
    for client in (a, b):
        client.connection.disconnect(receipt="bye")
        assert client.heard.receipts.get(timeout=BOUND)["receipt-id"] == "bye"
    print("done")


main()
