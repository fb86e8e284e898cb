# SPDX-License-Identifier: MIT
"""One random site with its traffic: model and programs must say the same of every packet, and the
counters must hold just that in the end."""

import dataclasses
import itertools
import json
import random
import subprocess
from collections import Counter

import yaml

from model import PASSES, Model
from parse import packet_end
from policy import Policy
from programs import Ended, Programs
from sites import DEVICES, SiteMaker
from traffic import Traffic
from words import decode, describe, verdict_words

SHRINKS = 3  # times that a smaller disagreement is cut down to what it needs
REFUSALS = 20  # random sites in a row that may be none
CHANGES = 0.3  # part of the sites that change under way
LIFE = 500  # sites for one set of programs: their clock has 32 bits


# What a random site may get wrong; any other error for it is the program's.
OWN_FAULTS = ("one pool for an address", "one outer pool for all its addresses")

# --- one packet


def is_length(shot, count):
    """XDP need not ask for buffers behind the one that the packet ends in: they are padding."""
    whole = len(shot.frame)
    return count == whole or not shot.tc and packet_end(shot.frame) <= count < whole


def differences(shot, answer, said):
    """What the programs say that the model does not; None if they agree."""
    passed, reason, row = said
    if answer.error:
        return f"cannot be run: error {-answer.error}"
    wrong = []
    if (bool(answer.passed), answer.reason) != (passed, reason):
        wrong.append(f"live: {'pass' if answer.passed else 'drop'} {answer.reason}")
    if not is_length(shot, answer.bytes):
        wrong.append(f"live: counted {answer.bytes} of {len(shot.frame)} bytes")
    if bool(answer.audited) != (passed and reason not in PASSES) and answer.reason == reason:
        wrong.append("live: audited" if answer.audited else "live: not audited")
    if answer.events:
        wrong.append("a flow was pushed out or found no way, in a table that is nearly empty")
    for name, (probed, probed_row) in answer.probes.items():
        if probed != reason:
            wrong.append(f"probe {name}: {probed}")
        elif reason == "matrix" and probed_row != row:
            wrong.append(f"probe {name}: row {probed_row}")
    return "; ".join(wrong) or None


def is_own_fault(said):
    errors = [line for line in said.splitlines() if " error: " in line]
    return bool(errors) and all(any(word in line for word in OWN_FAULTS) for line in errors)


# --- one site


@dataclasses.dataclass
class Result:
    """What a worker says of one site."""

    number: int
    packets: int = 0
    wrong: int = 0
    lines: list = dataclasses.field(default_factory=list)  # for people, without the "# "
    reasons: Counter = dataclasses.field(default_factory=Counter)
    refused: int = 0  # random sites that said what a site may not
    smallest: int = None  # bytes of the smallest packet they disagree on
    record: dict = None  # it, with all it needs


@dataclasses.dataclass
class Stage:
    """A site in force; some trials change it under live flows."""

    site: dict
    policy: Policy
    path: str


class Trials:
    """Runs the sites of one seed, any of them, on programs of its own."""

    def __init__(self, options, matrix, paths):
        self.options = options
        self.matrix = matrix
        self.paths = paths
        self.smallest = None
        self.shrinks = 0
        self.start()

    def start(self):
        self.programs = Programs(self.options.runner)
        self.tried = 0
        self.lasting = 0  # seconds that entries of the site before may live
        self.in_force = None

    def trial(self, number):
        self.result = Result(number)
        self.tried += 1
        if self.tried > LIFE:
            self.close()
            self.start()
        try:
            self.try_site(random.Random(f"{self.options.seed}/{number}"))
        except Ended as ended:
            self.fail(str(ended))
            self.start()
        return self.result

    def fail(self, text):
        self.result.wrong += 1
        self.result.lines.append(text)

    def try_site(self, rng):
        result = self.result
        stages = self.stages(rng)
        if not stages:
            return
        shots = self.shots(rng, stages)
        before = self.programs.counters()
        found = []
        counted = Counter()
        sizes = 0
        for index, (shot, said, answer, wrong) in enumerate(self.verdicts(stages, shots)):
            passed, reason, row = said
            result.reasons[reason] += 1
            counted[reason if reason != "matrix" else f"row {row}"] += 1
            sizes += answer.bytes
            if wrong:
                found.append((len(shot.frame), index))
                self.show(index, shot, said, wrong)
        result.packets = len(shots)
        result.wrong += len(found)
        if found:
            self.keep(stages, shots, *min(found))
        else:
            self.compare_counters(before, counted, sizes)

    # --- sites

    def stages(self, rng):
        """A site, and now and then another one with the same addresses; [] after a refusal."""
        maker = SiteMaker(rng, self.matrix)
        for _ in range(REFUSALS):
            first = self.stage(0, maker.site())
            refused = self.apply(first)
            if not refused:
                break
            self.result.refused += 1
            if not is_own_fault(refused):
                self.refusal(first, refused)
                return []
        if rng.random() >= CHANGES:
            return [first]
        second = self.stage(1, maker.changed(first.site))
        refused = self.apply(second)
        if refused and not is_own_fault(refused):
            self.refusal(second, refused)
            return []
        return [first] if refused else [first, second]

    def stage(self, number, site):
        path = self.paths[number]
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(site, file)
        return Stage(site, Policy(site, self.matrix), path)

    def apply(self, stage):
        """Why not, or None."""
        error, said = self.programs.apply(stage.path)
        self.in_force = None if error else stage
        return f"error {error}\n{said}" if error else None

    def refusal(self, stage, said):
        self.fail("a good site is refused:")
        self.result.lines += [line for line in said.splitlines() if " warning: " not in line][:5]
        self.result.record = {"site": stage.site, "said": said}
        self.result.smallest = 0

    # --- packets

    def shots(self, rng, stages):
        """A number of packets for each stage; the last one's traffic knows that of the first."""
        left = self.options.packets_of(self.result.number)
        shots = []
        traffic = None
        for number, stage in enumerate(stages):
            count = left // (len(stages) - number)
            left -= count
            traffic = Traffic(rng, stage.site, stage.policy, traffic)
            for shot in traffic.packets(count):
                shot.stage = number
                shots.append(shot)
        return shots

    def verdicts(self, stages, shots):
        """Runs SHOTS over what nothing has happened to; gives (shot, said, answer, wrong)."""
        model = Model(stages[0].policy)
        longest = max(stages[0].policy.timeouts.values())
        forget = max(longest, self.lasting) + 1
        self.lasting = longest
        shots = [dataclasses.replace(shots[0], wait=shots[0].wait + forget), *shots[1:]]
        for number, group in itertools.groupby(shots, lambda shot: shot.stage):
            stage = stages[number]
            if stage is not self.in_force:
                refused = self.apply(stage)
                if refused:
                    raise Ended(f"a site that was in force is refused: {refused}")
                model.wait(self.programs.elapsed)
            model.policy = stage.policy
            yield from self.verdicts_of(model, list(group))

    def verdicts_of(self, model, shots):
        for shot, answer in zip(shots, self.programs.run(shots)):
            model.wait(shot.wait)
            side = model.policy.sides[DEVICES[shot.device]]
            passed, reason = model.judge(shot.frame, side, bool(shot.gso))
            said = passed, reason, model.row if reason == "matrix" else None
            yield shot, said, answer, differences(shot, answer, said)

    def show(self, index, shot, said, wrong):
        shown = sum(line.startswith("packet ") for line in self.result.lines)
        if shown < self.options.show:
            self.result.lines += [
                f"packet {index} of site {self.result.number}: model: {verdict_words(said)}; {wrong}",
                f"  {decode(shot.frame, bool(shot.gso))}",
                f"  {describe(shot)[:400]}",
            ]

    # --- counters

    def compare_counters(self, before, counted, sizes):
        """sent = passed + dropped, reason by reason and row by row, and in `rolewall drops`."""
        reasons, rows = self.programs.counters()
        grown = Counter()
        grown_bytes = 0
        for prefix, old, new in (("", before[0], reasons), ("row ", before[1], rows)):
            for name, numbers in new.items():
                earlier = old.get(name, (0, 0, 0))
                if numbers[0] != earlier[0]:
                    grown[prefix + name] = numbers[0] - earlier[0]
                grown_bytes += numbers[1] - earlier[1]
        for name in sorted(grown.keys() | counted.keys()):
            if grown[name] != counted[name]:
                self.fail(f"counter of {name}: {grown[name]}, packets: {counted[name]}")
        if grown_bytes != sizes:
            self.fail(f"counters: {grown_bytes} bytes, packets: {sizes}")
        self.compare_listing(reasons, rows)

    def compare_listing(self, reasons, rows):
        command = [self.options.rolewall, "drops", "--json", "--pin-dir", self.programs.pin_dir]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if said.returncode:
            self.fail(f"rolewall drops --json: exit status {said.returncode}")
            return
        listing = json.loads(said.stdout)
        listed = {
            name: (numbers["packets"], numbers["bytes"])
            for name, numbers in {**listing["reasons"], **listing["passes"]}.items()
        }
        counted = {name: numbers[:2] for name, numbers in reasons.items()}
        counted["matrix"] = tuple(map(sum, zip(counted["matrix"], *rows.values())))
        for name in sorted(counted.keys() | listed.keys()):
            if listed.get(name) != counted.get(name):
                self.fail(f"rolewall drops: {name} {listed.get(name)}, maps: {counted.get(name)}")

    # --- the smallest disagreement

    def keep(self, stages, shots, size, index):
        """With only those packets before it that it needs, if it is smaller than others."""
        if self.smallest is not None and size >= self.smallest or self.shrinks == SHRINKS:
            return
        self.smallest = self.result.smallest = size
        self.shrinks += 1
        needed = self.shrink(stages, shots[: index + 1])
        *_, (last, said, _, wrong) = self.verdicts(stages, needed)
        used = sorted({shot.stage for shot in needed})
        self.result.record = {
            "model": verdict_words(said),
            "programs": wrong,
            "decode": decode(last.frame, bool(last.gso)),
            "packets": list(map(describe, needed)),
            "sites": [stages[number].site for number in used],
        }

    def shrink(self, stages, shots):
        before, last = shots[:-1], shots[-1]
        step = len(before)
        while step:
            at = 0
            while at < len(before):
                fewer = before[:at] + before[at + step :]
                *_, (_, _, _, wrong) = self.verdicts(stages, [*fewer, last])
                if wrong:
                    before = fewer
                else:
                    at += step
            step //= 2
        return [*before, last]

    def close(self):
        self.programs.close()
