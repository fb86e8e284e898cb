#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Real traffic for the end-to-end tests; run it inside a namespace.

    traffic.py serve READY [--tcp PORTS] [--udp PORTS] ADDRESS...   echo until killed; READY is made once all listen
    traffic.py tcp ADDRESS PORT [--bytes N]        open (the echo came back), refused, silent or broken
    traffic.py udp ADDRESS PORT [--bytes N]        echo, refused, silent or too-big
    traffic.py stream PROTOCOL ADDRESS PORT        numbered messages at a steady rate until SIGTERM; "sent N lost N"

The clients take --source, --sport, --wait SECONDS; the stream takes --rate and --ready FILE, too.
"""
import argparse
import errno
import pathlib
import selectors
import signal
import socket
import sys
import time

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
MESSAGE = 16  # bytes of one numbered message


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


def client(protocol, options):
    sock = socket.socket(family_of(options.address), KINDS[protocol])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(options.wait)
    if options.source or options.sport:
        sock.bind((options.source or "", options.sport))
    sock.connect((options.address, options.port))
    return sock


def receive_all(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(65536)
        if not part:
            break
        data += part
    return data


def send_and_compare(sock, count):
    """Sends in pieces and reads each one's echo, so that neither side's buffers fill up."""
    pattern = bytes(range(251)) * (65536 // 251)
    sent = 0
    while sent < count:
        piece = pattern[:min(len(pattern), count - sent)]
        sock.sendall(piece)
        if receive_all(sock, len(piece)) != piece:
            return False
        sent += len(piece)
    return True


def ask_tcp(options):
    try:
        with client("tcp", options) as sock:
            return "open" if send_and_compare(sock, options.bytes) else "broken"
    except ConnectionRefusedError:
        return "refused"
    except socket.timeout:
        return "silent"
    except ConnectionResetError:
        return "broken"


def ask_udp(options):
    data = bytes(i & 0xff for i in range(options.bytes))
    try:
        with client("udp", options) as sock:
            sock.send(data)
            return "echo" if sock.recv(65536) == data else "broken"
    except ConnectionRefusedError:
        return "refused"
    except socket.timeout:
        return "silent"
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        return "too-big"


class Stream:
    """Numbered messages out, the same numbers back."""

    def __init__(self, options):
        self.sock = client(options.protocol, options)
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
        while self.sent < due:
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
    for name in ("tcp", "udp", "stream"):
        asker = commands.add_parser(name)
        if name == "stream":
            asker.add_argument("protocol", choices=KINDS)
            asker.add_argument("--rate", type=int, default=2000)
            asker.add_argument("--ready")
        asker.add_argument("address")
        asker.add_argument("port", type=int)
        asker.add_argument("--source")
        asker.add_argument("--sport", type=int, default=0)
        asker.add_argument("--wait", type=float, default=5)
        asker.add_argument("--bytes", type=int, default=64)
    return parser.parse_args()


def main():
    options = arguments()
    if options.command == "serve":
        serve(options)
    elif options.command == "stream":
        print(Stream(options).run(options.ready))
    else:
        print(ask_tcp(options) if options.command == "tcp" else ask_udp(options))


if __name__ == "__main__":
    sys.exit(main())
