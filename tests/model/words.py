# SPDX-License-Identifier: MIT
"""Packets and verdicts in words, for people."""

import ipaddress

from parse import Verdict, parse
from sites import DEVICES


def decode(frame, gso):
    """What the model reads in it."""
    try:
        packet = parse(frame, gso)
    except Verdict as verdict:
        return f"parse stops: {verdict.reason}"
    source, destination = map(ipaddress.ip_address, (packet.source, packet.destination))
    words = [f"{source} > {destination} protocol {packet.protocol}"]
    if packet.later_fragment:
        words.append(f"fragment {packet.fragment_id} offset {packet.offset}")
    else:
        words.append(f"ports {packet.sport} > {packet.dport} flags {packet.flags:#04x}")
    if packet.first_fragment:
        words.append(f"first fragment {packet.fragment_id}")
    if packet.icmp_type >= 0:
        words.append(f"type {packet.icmp_type} code {packet.icmp_code} quote {packet.quote}")
    words += [name for name in ("options", "routing", "group_frame") if getattr(packet, name)]
    return " ".join(words)


def describe(shot):
    """How it comes in, and its bytes."""
    words = [DEVICES[shot.device], "tc" if shot.tc else "xdp"]
    if shot.wait:
        words.insert(0, f"after {shot.wait} s")
    if shot.stage:
        words.insert(0, "the site has changed")
    if shot.linear:
        words.append(f"linear {shot.linear}")
    if shot.gso:
        words.append(f"gso {shot.gso}")
    return f"{' '.join(words)}, {len(shot.frame)} bytes: {shot.frame.hex()}"


def verdict_words(said):
    passed, reason, row = said
    return f"{'pass' if passed else 'drop'} {reason}" + (f" {row}" if row else "")
