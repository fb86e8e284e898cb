#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One frame through a gateway, and what becomes of it at both ends, as packet sockets see it.

    forward.py REQUESTS ANSWERS        two fifos; a request: NETNS DEVICE NETNS DEVICE MAC DESTINATION [OPTIONS]

For each request sends UDP from the first namespace's device to the gateway's MAC address, and prints line by line what
arrived at the other ("arrived no", or "arrived yes", its hop limit, addresses, and whether all else is as it was) and what
came back ("back nothing", or ICMP's type and code).
"""
import argparse
import ctypes
import ipaddress
import os
import select
import socket
import struct
import sys
import time

ALL = 3
OUTGOING = 4
CLONE_NEWNET = 0x40000000


def inside(namespace, device):
    """A packet socket there."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
        sock.bind((device, ALL))
        return sock
    finally:
        libc.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)


class Ends:
    """The sockets, kept: closing one takes the kernel as long as all the rest of a request."""

    def __init__(self):
        self.sockets = {}

    def get(self, namespace, device):
        """One that has nothing left of what was there before."""
        while True:
            sock = self.sockets.get((namespace, device)) or inside(namespace, device)
            self.sockets[namespace, device] = sock
            try:
                while True:
                    sock.recv(1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return sock
            except OSError:  # its device went away; there may be another by now
                sock.close()
                self.sockets[namespace, device] = None


def total(data):
    value = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value


def header4(options, length):
    more = b"\x94\x04\0\0" if options.options else b""
    start = struct.pack("!BBHHHBBH", 0x45 + len(more) // 4, options.tos, 20 + len(more) + length, 0, 0x4000,
                        options.ttl, socket.IPPROTO_UDP, 0)
    header = bytearray(start + options.source.packed + options.destination.packed + more)
    if options.checksum is not None:  # the id that makes it so
        header[4:6] = struct.pack("!H", (0xffff - options.checksum - total(header)) % 0xffff)
    # not always the same: 0 has two forms
    header[10:12] = struct.pack("!H", ~total(header) & 0xffff if options.checksum is None else options.checksum)
    if options.spoil:
        header[11] ^= 1
    return bytes(header)


def header6(options, length):
    more = struct.pack("!BBHI", socket.IPPROTO_UDP, 0, 0x0502, 0x01000000) if options.options else b""
    return struct.pack("!IHBB", 6 << 28 | options.tos << 20, len(more) + length, 0 if more else socket.IPPROTO_UDP,
                       options.ttl) + options.source.packed + options.destination.packed + more


def frame(options, marker):
    source, destination = options.source.packed, options.destination.packed
    payload = marker + bytes(options.size)
    length = 8 + len(payload)
    udp = bytearray(struct.pack("!HHHH", options.sport, options.port, length, 0) + payload)
    pseudo = source + destination + (struct.pack("!BBH", 0, 17, length) if len(source) == 4
                                     else struct.pack("!II", length, 17))
    udp[6:8] = struct.pack("!H", ~total(pseudo + udp) & 0xffff or 0xffff)
    ip = (header4 if len(source) == 4 else header6)(options, length) + udp
    tag = struct.pack("!HH", 0x8100, options.tag) if options.tag else b""
    kind = b"\x08\0" if len(source) == 4 else b"\x86\xdd"
    return options.mac + bytes.fromhex("020000000001") + tag + kind + ip + b"\xaa" * options.pad


def describe(sent, got):
    """What a router may change, and whether it changed nothing else."""
    old, new = bytearray(sent[14:]), bytearray(got[14:])
    four = new[0] >> 4 == 4
    right = not four or total(new[:4 * (new[0] & 15)]) == 0xffff
    seen = [f"source {got[6:12].hex(':')}", f"destination {got[:6].hex(':')}", f"ttl {new[8] if four else new[7]}",
            f"checksum {'right' if right else 'wrong'}"]
    for data in (old, new):
        if four:
            data[8] = 0
            data[10:12] = b"\0\0"
        else:
            data[7] = 0
    same = new[:len(old)] == old and got[12:14] == sent[12:14]
    return [*seen, f"same {'yes' if same else 'no'}", f"length {len(got)}"]


def describe_back(got):
    if got[12:14] == b"\x08\0" and got[23] == 1:
        return f"icmp {got[34]}/{got[35]}"
    if got[12:14] == b"\x86\xdd" and got[20] == 58:
        return f"icmp6 {got[54]}/{got[55]}"
    return "?"


def listen(sent, marker, near, far, wait):
    arrived, back = None, None
    deadline = time.monotonic() + wait
    while not arrived and not back and time.monotonic() < deadline:
        for sock in select.select([near, far], [], [], max(0, deadline - time.monotonic()))[0]:
            got, address = sock.recvfrom(65536)
            if address[2] == OUTGOING or marker not in got:
                continue
            if sock is far:
                arrived = describe(sent, got)
            else:
                back = describe_back(got)
    return [*(["arrived yes", *arrived] if arrived else ["arrived no"]), f"back {back or 'nothing'}"]


def arguments(words):
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("near", "near_device", "far", "far_device"):
        parser.add_argument(name)
    parser.add_argument("mac", type=lambda text: bytes.fromhex(text.replace(":", "")))
    parser.add_argument("destination", type=ipaddress.ip_address)
    parser.add_argument("--source", type=ipaddress.ip_address)
    parser.add_argument("--port", type=int, default=50000)
    parser.add_argument("--sport", type=int, default=40000)
    parser.add_argument("--ttl", type=int, default=64)
    parser.add_argument("--tos", type=int, default=0)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--pad", type=int, default=0)
    parser.add_argument("--tag", type=int, default=0)
    parser.add_argument("--checksum", type=lambda text: int(text, 0))
    parser.add_argument("--options", action="store_true")
    parser.add_argument("--spoil", action="store_true")
    parser.add_argument("--wait", type=float, default=2)
    options = parser.parse_args(words)
    if not options.source:
        options.source = ipaddress.ip_address("10.77.1.2" if options.destination.version == 4 else "fd77:1::2")
    return options


def answer(options, ends):
    marker = os.urandom(16)
    near, far = ends.get(options.near, options.near_device), ends.get(options.far, options.far_device)
    sent = frame(options, marker)
    near.send(sent)
    return listen(sent, marker, near, far, options.wait)


def main():
    requests, answers = sys.argv[1:3]
    ends = Ends()
    while True:
        with open(requests) as lines:
            for line in lines:
                with open(answers, "w") as out:
                    print(*answer(arguments(line.split()), ends), sep="\n", file=out)


if __name__ == "__main__":
    main()
