# SPDX-License-Identifier: MIT
"""The loaded programs, as tests/model/runner.c runs them."""

import os
import struct
import subprocess

ANSWER = struct.Struct("<bBBBBBHHHI")
NOT_RUN = 255
ROW_NAME = 24
CHUNK = 2000  # answers that fit a pipe while orders are still written


class Ended(Exception):
    """The runner gave up."""


class Answer:
    """What the programs said of one frame."""

    def __init__(self, programs, fields):
        (self.error, self.passed, reason, self.audited, xdp, tc, row_xdp, row_tc, self.events,
         self.bytes) = fields  # fmt: skip
        reasons = programs.reasons
        self.reason = reasons[reason] if reason < len(reasons) else "(not one counter)"
        self.probes = {
            name: (reasons[number], programs.row_name(row))
            for name, number, row in (("xdp", xdp, row_xdp), ("tc", tc, row_tc))
            if number != NOT_RUN
        }


class Programs:
    def __init__(self, path):
        self.path = path
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.reasons = self.process.stdout.readline().decode().split()
        self.pin_dir = self.process.stdout.readline().decode().strip()
        self.rows = []
        self.epoch = 0  # the programs' clock
        self.elapsed = 0  # seconds that it went on by itself while a site was applied
        os.set_blocking(self.process.stderr.fileno(), False)
        if not self.pin_dir:
            raise Ended(f"{path}: {self.said() or 'does not start'}")

    def said(self):
        return (self.process.stderr.read() or b"").decode(errors="replace")

    def read(self, size):
        answer = self.process.stdout.read(size)
        if len(answer) < size:
            self.process.wait()
            raise Ended(f"the runner ended: {self.said()}")
        return answer

    def ask(self, order, size):
        self.process.stdin.write(order)
        self.process.stdin.flush()
        return self.read(size)

    def row_name(self, id):
        return self.rows[id - 1] if 0 < id <= len(self.rows) else None

    def apply(self, path):
        """(errno, text): 0 where the site file is in force now."""
        word = path.encode()
        answer = self.ask(b"A" + struct.pack("<H", len(word)) + word, 4)
        error = -struct.unpack("<i", answer)[0]
        if not error:
            epoch, count = struct.unpack("<IH", self.read(6))
            self.elapsed, self.epoch = epoch - self.epoch, epoch
            names = self.read(count * ROW_NAME) if count else b""
            self.rows = [
                names[at : at + ROW_NAME].rstrip(b"\0").decode()
                for at in range(0, len(names), ROW_NAME)
            ]
        return error, self.said()

    def run(self, shots):
        """An Answer for each shot, in their order."""
        for at in range(0, len(shots), CHUNK):
            chunk = shots[at : at + CHUNK]
            self.epoch += sum(shot.wait for shot in chunk)
            orders = b"".join(map(order, chunk))
            answers = self.ask(orders, ANSWER.size * len(chunk))
            for fields in ANSWER.iter_unpack(answers):
                yield Answer(self, fields)

    def counters(self):
        """({reason: (packets, bytes, audited)}, {row: (packets, bytes)})"""
        said = self.ask(b"C", 24 * len(self.reasons))
        reasons = dict(zip(self.reasons, struct.iter_unpack("<QQQ", said)))
        said = self.read(16 * len(self.rows)) if self.rows else b""
        return reasons, dict(zip(self.rows, struct.iter_unpack("<QQ", said)))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def order(shot):
    wait = b"W" + struct.pack("<I", shot.wait) if shot.wait else b""
    head = struct.pack("<BBHHH", shot.device, shot.tc, shot.linear, shot.gso, len(shot.frame))
    return wait + b"F" + head + shot.frame
