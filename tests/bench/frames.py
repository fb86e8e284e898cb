# SPDX-License-Identifier: MIT
"""Frames as bytes: Ethernet, tags, IPv4 or IPv6, TCP or UDP, fragments.

As a program: lines "LABEL SRC DST tcp|udp SPORT DPORT [flags=0xNN] [tags=N] [piece=first|later]" become what
build/bench/verdict reads.
"""

import ipaddress
import struct
import sys

MAC = bytes.fromhex("020000000001") + bytes.fromhex("020000000002")
TCP, UDP, FRAGMENT = 6, 17, 44
RTP = 12  # bytes of its header, RFC 3550
SYN, ACK, SYNACK = 0x02, 0x10, 0x12


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(source, destination, protocol, sport, dport, flags, payload):
    if protocol == TCP:
        header = struct.pack("!HHIIBBHHH", sport, dport, 1, 1 if flags & ACK else 0, 5 << 4, flags, 65535, 0, 0)
        at = 16
    else:
        header = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
        at = 6
    segment = header + payload
    pseudo = source.packed + destination.packed + struct.pack("!II", len(segment), protocol)
    value = checksum(pseudo + segment) or 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def ip4(source, destination, protocol, payload, number=1, fragment=0):
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, fragment, 64, protocol, 0)
    header += source.packed + destination.packed
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ip6(source, destination, protocol, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source.packed + destination.packed + payload


def frame(source, destination, protocol, sport, dport, *, flags=SYN, tags=0, piece=None, payload=b"", number=1,
          macs=MAC):
    """PIECE: "first" or "later", of a packet in fragments. A datagram has at least what RTP's header takes, as
    shorter ones are padded on an Ethernet."""
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    is4 = source.version == 4
    if piece == "first":
        payload = bytes(28)
    if protocol != TCP:
        payload = payload.ljust(RTP, b"\0")
    segment = bytes(32) if piece == "later" else transport(source, destination, protocol, sport, dport, flags, payload)
    offset = {None: 0, "first": 0, "later": 64}[piece] // 8
    more = piece == "first"
    if is4:
        packet = ip4(source, destination, protocol, segment, number, offset | (0x2000 if more else 0))
    elif piece:
        header = struct.pack("!BBHI", protocol, 0, offset << 3 | more, number)
        packet = ip6(source, destination, FRAGMENT, header + segment)
    else:
        packet = ip6(source, destination, protocol, segment)
    types = [0x88A8, 0x8100][2 - tags:] if tags else []
    link = macs + b"".join(struct.pack("!HH", kind, 7) for kind in types)
    return link + struct.pack("!H", 0x0800 if is4 else 0x86DD) + packet


def question(line):
    label, source, destination, protocol, sport, dport, *options = line.split()
    options = dict(option.split("=") for option in options)
    for key in ("flags", "tags"):
        if key in options:
            options[key] = int(options[key], 0)
    packet = frame(source, destination, {"tcp": TCP, "udp": UDP}[protocol], int(sport), int(dport), **options)
    return f"{label} frame {packet.hex()}"


if __name__ == "__main__":
    for text in sys.stdin:
        print(question(text))
