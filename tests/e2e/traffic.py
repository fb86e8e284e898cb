#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Real traffic for the end-to-end tests; run it inside a namespace.

    traffic.py serve READY [--tcp PORTS] [--udp PORTS] ADDRESS...   echo until killed; READY is made once all listen
    traffic.py stream PROTOCOL ADDRESS PORT        numbered messages at a steady rate until SIGTERM; "sent N lost N"

The stream takes --source, --sport, --rate and --ready FILE. Single questions are tests/tools/ask.c.
"""
import argparse
import pathlib
import selectors
import signal
import socket
import sys
import time

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
MESSAGE = 16  # bytes of one numbered message
BURST = 32  # messages that may be under way at once, on a machine that was held up


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(protocol, address, port):
    sock = socket.socket(family_of(address), KINDS[protocol])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    if protocol == "tcp":
        sock.listen(128)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return sock


def serve(options):
    selector = selectors.DefaultSelector()
    for protocol, ports in (("tcp", options.tcp), ("udp", options.udp)):
        for address in options.addresses:
            for port in ports:
                selector.register(listener(protocol, address, port), selectors.EVENT_READ, protocol)
    pathlib.Path(options.ready).touch()
    while True:
        for key, _ in selector.select():
            if key.data == "tcp":
                selector.register(key.fileobj.accept()[0], selectors.EVENT_READ, "connection")
            elif key.data == "udp":
                echo_datagram(key.fileobj)
            elif not echo_bytes(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()


def echo_datagram(sock):
    try:
        data, peer = sock.recvfrom(65536)
        sock.sendto(data, peer)
    except OSError:
        pass  # an ICMP error about an earlier answer


def echo_bytes(sock):
    try:
        data = sock.recv(65536)
        sock.sendall(data)
        return bool(data)
    except OSError:
        return False


def client(options):
    sock = socket.socket(family_of(options.address), KINDS[options.protocol])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(5)
    if options.source or options.sport:
        sock.bind((options.source or "", options.sport))
    sock.connect((options.address, options.port))
    return sock


class Stream:
    """Numbered messages out, the same numbers back."""

    def __init__(self, options):
        self.sock = client(options)
        self.sock.setblocking(False)
        self.datagrams = options.protocol == "udp"
        self.rate = options.rate
        self.sent = 0
        self.received = 0
        self.rest = b""
        self.stopped = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopped = True

    def send_due(self, started):
        due = int((time.monotonic() - started) * self.rate)
        # What a stop of the machine left over goes out bit by bit: its answers have to fit in the socket.
        while self.sent < min(due, self.received + BURST):
            self.sock.send(self.sent.to_bytes(MESSAGE, "big"))
            self.sent += 1

    def receive(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            if self.datagrams:
                self.received += 1
            elif not data:
                raise ConnectionResetError("the far end closed the connection")
            else:
                self.rest += data
                self.received += len(self.rest) // MESSAGE
                self.rest = self.rest[len(self.rest) // MESSAGE * MESSAGE:]

    def run(self, ready):
        started = time.monotonic()
        while not self.stopped:
            self.send_due(started)
            time.sleep(0.001)
            self.receive()
            if ready and self.received:
                pathlib.Path(ready).touch()
                ready = None
        deadline = time.monotonic() + 3
        while self.received < self.sent and time.monotonic() < deadline:
            time.sleep(0.01)
            self.receive()
        return f"sent {self.sent} lost {self.sent - self.received}"


def numbers(text):
    return [int(word) for word in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve")
    server.add_argument("ready")
    server.add_argument("addresses", nargs="+")
    server.add_argument("--tcp", type=numbers, default=[])
    server.add_argument("--udp", type=numbers, default=[])
    stream = commands.add_parser("stream")
    stream.add_argument("protocol", choices=KINDS)
    stream.add_argument("--rate", type=int, default=2000)
    stream.add_argument("--ready")
    stream.add_argument("address")
    stream.add_argument("port", type=int)
    stream.add_argument("--source")
    stream.add_argument("--sport", type=int, default=0)
    return parser.parse_args()


def main():
    options = arguments()
    if options.command == "serve":
        serve(options)
    else:
        print(Stream(options).run(options.ready))


if __name__ == "__main__":
    sys.exit(main())
