#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One datagram, cut up by hand, and whether its echo comes back; run it inside a namespace.

    fragments.py ADDRESS PORT [--order 0,2,1] [--bytes N] [--cut N] [--source A] [--sport N] [--wait S]

ORDER names the fragments to send, from 0, in that order; without it all of them as they are. Prints echo, silent or
refused, and how many fragments there were.
"""
import argparse
import ipaddress
import random
import socket
import struct
import sys

FRAGMENT_HEADER = 44


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    total += data[-1] << 8 if len(data) & 1 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff or 0xffff


def datagram(source, destination, sport, dport, data):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    pseudo = source.packed + destination.packed + struct.pack("!IBBBB", len(head + data), 0, 0, 0, socket.IPPROTO_UDP)
    if source.version == 4:
        pseudo = source.packed + destination.packed + struct.pack("!BBH", 0, socket.IPPROTO_UDP, len(head + data))
    return head[:6] + struct.pack("!H", checksum(pseudo + head + data)) + data


def header4(source, destination, ident, offset, more, length):
    words = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, ident & 0xffff, offset // 8 | more << 13, 64,
                        socket.IPPROTO_UDP, 0)
    return words + source.packed + destination.packed


def header6(source, destination, ident, offset, more, length):
    head = struct.pack("!IHBB", 6 << 28, 8 + length, FRAGMENT_HEADER, 64) + source.packed + destination.packed
    return head + struct.pack("!BBHI", socket.IPPROTO_UDP, 0, offset | more, ident)


def cut_up(whole, source, destination, cut):
    ident = random.getrandbits(32) | 1
    header = header4 if source.version == 4 else header6
    for offset in range(0, len(whole), cut):
        part = whole[offset: offset + cut]
        more = offset + cut < len(whole)
        yield header(source, destination, ident, offset, more, len(part)) + part


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("address", type=ipaddress.ip_address)
    parser.add_argument("port", type=int)
    parser.add_argument("--order", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--bytes", type=int, default=8192)
    parser.add_argument("--cut", type=int, default=1448)
    parser.add_argument("--source")
    parser.add_argument("--sport", type=int, default=0)
    parser.add_argument("--wait", type=float, default=0.5)
    return parser.parse_args()


def main():
    options = arguments()
    family = socket.AF_INET6 if options.address.version == 6 else socket.AF_INET
    data = bytes(random.getrandbits(8) for _ in range(options.bytes))
    with socket.socket(family, socket.SOCK_DGRAM) as answers, \
            socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        answers.bind((options.source or "", options.sport))
        answers.connect((str(options.address), options.port))
        answers.settimeout(options.wait)
        host, port = answers.getsockname()[:2]
        source = ipaddress.ip_address(host)
        whole = datagram(source, options.address, port, options.port, data)
        parts = list(cut_up(whole, source, options.address, options.cut))
        for index in options.order or range(len(parts)):
            raw.sendto(parts[index], (str(options.address), 0))
        try:
            answer = "echo" if answers.recv(65536) == data else "broken"
        except socket.timeout:
            answer = "silent"
        except ConnectionRefusedError:
            answer = "refused"
    print(answer, len(parts))


if __name__ == "__main__":
    sys.exit(main())
