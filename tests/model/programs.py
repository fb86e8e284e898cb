# SPDX-License-Identifier: MIT
"""The loaded programs, as tests/model/runner.c runs them."""

import os
import struct
import subprocess
import sys

ANSWER = struct.Struct("<bBBBBBHI")
NOT_RUN = 255
CHUNK = 2000  # answers that fit a pipe while orders are still written


class Answer:
    """What the programs said of one frame."""

    def __init__(self, reasons, fields):
        self.error, self.passed, reason, self.audited, xdp, tc, self.events, self.bytes = fields
        self.reason = reasons[reason] if reason < len(reasons) else "(not one counter)"
        self.probes = {
            name: reasons[number]
            for name, number in (("xdp", xdp), ("tc", tc))
            if number != NOT_RUN
        }


class Programs:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.reasons = self.process.stdout.readline().decode().split()
        os.set_blocking(self.process.stderr.fileno(), False)
        if not self.reasons:
            sys.exit(f"judge: {path}: {self.said() or 'does not start'}")

    def said(self):
        return (self.process.stderr.read() or b"").decode(errors="replace")

    def ask(self, order, size):
        self.process.stdin.write(order)
        self.process.stdin.flush()
        answer = self.process.stdout.read(size)
        if len(answer) < size:
            sys.exit(f"judge: the runner ended: {self.said()}")
        return answer

    def apply(self, path):
        """(errno, text): 0 where the site file is in force now."""
        word = path.encode()
        answer = self.ask(b"A" + struct.pack("<H", len(word)) + word, 4)
        return -struct.unpack("<i", answer)[0], self.said()

    def run(self, shots):
        """An Answer for each shot, in their order."""
        for at in range(0, len(shots), CHUNK):
            chunk = shots[at : at + CHUNK]
            orders = b"".join(map(order, chunk))
            answers = self.ask(orders, ANSWER.size * len(chunk))
            for fields in ANSWER.iter_unpack(answers):
                yield Answer(self.reasons, fields)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def order(shot):
    wait = b"W" + struct.pack("<I", shot.wait) if shot.wait else b""
    head = struct.pack("<BBHHH", shot.device, shot.tc, shot.linear, shot.gso, len(shot.frame))
    return wait + b"F" + head + shot.frame
