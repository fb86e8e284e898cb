# SPDX-License-Identifier: MIT
"""Bytes of packets for the judge: whole layers with every field open to lies. No checksum is
right, because nobody on the way checks them; UDP's is only zero where it is meant to be."""

import struct

VLAN_TYPES = (0x8100, 0x88A8, 0x9100)


def ethernet(payload, ethertype, tags=(), destination=b"\x02\0\0\0\0\x01"):
    head = destination + b"\x02\0\0\0\0\x02"
    for kind, tag in tags:
        head += struct.pack(">HH", kind, tag)
    return head + struct.pack(">H", ethertype) + payload


def ipv4(
    source, destination, protocol, payload, *, options=b"", length=None, version=4, ihl=None,
    id=0, word=0, ttl=64,
):  # fmt: skip
    header = 20 + len(options)
    if ihl is None:
        ihl = header // 4
    if length is None:
        length = header + len(payload)
    return (
        struct.pack(
            ">BBHHHBBH", version << 4 | ihl & 15, 0, length & 0xFFFF, id, word, ttl, protocol, 0
        )
        + source + destination + options + payload
    )  # fmt: skip


def ipv6(
    source, destination, protocol, payload, *, extensions=(), length=None, version=6, hops=64
):
    """EXTENSIONS: (kind, bytes from the third on) in order; a fragment header is 44."""
    chain = b""
    kinds = [kind for kind, _ in extensions] + [protocol]
    for (kind, body), following in zip(extensions, kinds[1:]):
        if kind == 44:
            chain += bytes((following,)) + body
        else:
            chain += bytes((following, (len(body) + 2) // 8 - 1 & 255)) + body
    payload = chain + payload
    if length is None:
        length = len(payload)
    return (
        struct.pack(">IHBB", version << 28, length & 0xFFFF, kinds[0], hops)
        + source + destination + payload
    )  # fmt: skip


def fragment_header(id, offset, more, reserved=0):
    """The body of kind 44: OFFSET in units of 8 bytes."""
    return struct.pack(">BHI", reserved, offset << 3 & 0xFFF8 | more, id)


def tcp(sport, dport, flags=2, data=b"", doff=None, options=b""):
    if doff is None:
        doff = 5 + len(options) // 4
    return (
        struct.pack(">HHIIBBHHH", sport, dport, 1, 1, (doff & 15) << 4, flags, 1024, 0x1234, 0)
        + options + data
    )  # fmt: skip


def udp(sport, dport, data=b"", length=None, checksum=0x1234):
    if length is None:
        length = 8 + len(data)
    return struct.pack(">HHHH", sport, dport, length & 0xFFFF, checksum) + data


def icmp(kind, code, rest=0, data=b""):
    return struct.pack(">BBHI", kind, code, 0x1234, rest) + data


def echo(kind, id, data=b""):
    return icmp(kind, 0, id << 16 | 1, data)


def arp(operation=1, hardware=1, protocol=0x0800, sizes=(6, 4)):
    return struct.pack(">HHBBH", hardware, protocol, *sizes, operation) + bytes(20)
