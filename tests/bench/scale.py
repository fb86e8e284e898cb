# SPDX-License-Identifier: MIT
"""Sites from 10 to 100,000 prefixes and from 1 to 500 pools: verdict, image, memory, compile and apply."""

import ipaddress
import json
import random
import re
import statistics
import time

from cost import HOST4, HOST6, OUT4, OUT6, Questions, fill_designs
from frames import TCP, frame
from place import ROLEWALL, TOOLS, Failure, rolewall_json, run

PORT = 50000  # TCP; all of these roles have it
ROLES = ("front-end", "mediation", "director", "persistent-chat-front-end")
COMBINATIONS = [[role] for role in ROLES] + [[ROLES[i], role] for i in range(4) for role in ROLES[i + 1:]]
LIST = 131072  # addresses that a stepper goes through
HOT = f"  - {{name: hot, roles: [front-end], addresses: [10.1.2.0/28, \"{HOST6}\"]}}"


class Case:
    """A site of N prefixes in so many pools. HOW: "clustered", side by side, or "random"."""

    def __init__(self, n, how, pools=None, family=4, overlays=False):
        self.n, self.how, self.family, self.overlays = n, how, family, overlays
        self.pools = pools or min(n, 500)
        words = [f"{n:,}", how]
        if pools:
            words += ["in", str(pools), "pools" if pools > 1 else "pool"]
        if overlays:
            words += ["all", "overlays"]
        self.name = ("IPv6 " if family == 6 else "") + " ".join(words)
        self.is_plain = not (pools or overlays)
        self.prefixes = self.make_prefixes()

    def make_prefixes(self):
        chance = random.Random(self.n)
        if self.family == 6:
            start = 0x20010DB8 << 96
            if self.how == "clustered":
                return [ipaddress.ip_network((start + (1 << 80) + (i << 64), 64)) for i in range(self.n)]
            return [ipaddress.ip_network((start + (1 << 95) + (number << 64), 64))
                    for number in chance.sample(range(1 << 31), self.n)]
        if self.how == "clustered":
            return [ipaddress.ip_network(((11 << 24) + i * 16, 28)) for i in range(self.n)]
        # one prefix, of any length from 25, in each /24: they must not overlap
        return [ipaddress.ip_network(((net << 8) + (chance.randrange(256) & -(1 << (32 - bits)) & 255), bits))
                for net in chance.sample(range(12 << 16, 126 << 16), self.n) for bits in (chance.choice((32, 32, 32, 28, 26)),)]

    def site(self, interface, overlays, variant=0):
        """VARIANT: another one differs in the roles of a pool."""
        options = [f"overlays: [{', '.join(overlays)}]"] if self.overlays else []
        pools = []
        for number in range(self.pools):
            roles = COMBINATIONS[(number + (variant if not number else 0)) % len(COMBINATIONS)]
            own = ", ".join(f'"{prefix}"' for prefix in self.prefixes[number::self.pools])
            pools.append(f"  - {{name: p{number}, roles: [{', '.join(roles)}], addresses: [{own}]}}")
        return "\n".join(["version: 1", f"interfaces: [{interface}]", *options, "pools:", HOT, *pools, ""])

    def destinations(self):
        chance = random.Random(7)
        return [chance.choice(self.prefixes).network_address.packed for _ in range(LIST)]

    def packet(self, cold):
        source, host = (OUT4, HOST4) if self.family == 4 else (OUT6, HOST6)
        return frame(source, self.prefixes[0].network_address if cold else host, TCP, 40000, PORT)


def cases(effort):
    if effort.name == "smoke":
        return [Case(10, "random"), Case(100, "random")]
    if effort.name == "quick":
        return [Case(10, "random"), Case(10000, "random"), Case(1000, "clustered", overlays=True)]
    found = [Case(10 ** power, how) for how in ("random", "clustered") for power in range(1, 6)]
    found += [Case(10000, "clustered", pools=pools) for pools in (1, 10, 100, 500)]
    found.append(Case(1000, "clustered", overlays=True))
    return found + [Case(10 ** power, "random", family=6) for power in (1, 3, 5)]


def apply_cases(effort):
    """Each, and how many applies of which the slowest one counts. N = 100 would say more, and take a minute each."""
    if effort.name == "smoke":
        return [(Case(100, "clustered", pools=10), 2)]
    found = [(Case(1000, "clustered", pools=10), 30), (Case(1000, "random", pools=100), 30)]
    return found + [(Case(100000, "random", pools=500), 8)] if effort.name == "full" else found


def timed(action):
    start = time.monotonic()
    action()
    return round(time.monotonic() - start, 4)


def map_bytes(pins):
    """Memory of all maps of an instance."""
    total = 0
    for pin in pins.rglob("*"):
        if pin.is_file() and (size := map_size(pin)):
            total += size
    return total


def map_size(pin):
    text = run("bpftool", "-j", "map", "show", "pinned", pin, check=False)
    try:
        return json.loads(text).get("bytes_memlock", 0)
    except ValueError:
        return 0


def measure_controller(case, instance, work, overlays):
    """What the controller takes for it. The instance has the site."""
    path = work / "check.yaml"
    path.write_text(case.site("lo", overlays))
    sizes = {}

    def check():
        sizes.update(rolewall_json("check", "-c", path)["sizes"])

    compile_time = timed(check)
    interface = instance.interface
    again = [timed(lambda text=case.site(interface, overlays, variant): instance.apply(text)) for variant in (1, 0)]
    verified = [int(line.split()[1]) for line in run(TOOLS / "verified", instance.pins).splitlines()]
    return {"image": sizes["image_bytes"], "compile": compile_time, "apply again": min(again),
            "memory": map_bytes(instance.pins), "verified": max(verified)}


def measure_applies(place, namespace, effort, say):
    """Over a running instance: sites in turns that differ in one pool's roles, as the clock on the wall has it."""
    rows = []
    for number, (case, times) in enumerate(apply_cases(effort)):
        say(f"scale: {times} applies of {case.name}")
        instance = place.instance(f"t{number}", case.site(f"t{number}", []), namespace)
        texts = [case.site(f"t{number}", [], variant) for variant in (1, 0)]
        found = [timed(lambda text=texts[turn % 2]: instance.apply(text)) for turn in range(times)]
        instance.detach()
        rows.append({"kind": "applies", "case": case.name, "prefixes": case.n, "pools": case.pools, "times": times,
                     "median": statistics.median(found), "slowest": max(found)})
    return rows


def load(place, namespace, case, number, overlays):
    name = f"s{number}"
    run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p", namespace=namespace)
    start = time.monotonic()
    instance = place.instance(name, case.site(name, overlays), namespace, interface=False)
    instance.interface = name
    first = round(time.monotonic() - start, 4)
    row = {"kind": "site", "case": case.name, "prefixes": case.n, "how": case.how, "pools": case.pools, "family": case.family,
           "overlays": case.overlays, "is plain": case.is_plain, "first apply": first}
    return instance, {**row, **measure_controller(case, instance, instance.work, overlays)}


def growths(questions, empty, programs, packet, rounds):
    """What a verdict costs to what it costs of the first site: one site at a time by turns with it alone, since what
    lies between two of many programs in a round is more than what the site's size makes."""
    (smallest, base), *others = programs.items()
    found = {smallest: 1.0}
    for name, program in others:
        rows = questions.run(rounds, empty, {name: program, smallest: base}, [("allow", packet)])
        found[name] = next(row["ratio"] for row in rows if row["program"] == smallest)
    return found


def ask(place, questions, chosen, programs, cold):
    """All sites of a family in one run, beside LPM_TRIE; the smallest is the first."""
    family = chosen[0].family
    empty = questions.empty
    if cold:
        empty = place.stepper("next_address", f"empty{family}", empty, chosen[0].destinations())
        programs = {name: place.stepper("next_address", f"{kind}{number}-{family}", pin, case.destinations())
                    for number, case in enumerate(chosen)
                    for kind, name in (("rolewall", case.name), ("lpm", f"lpm {case.name}"))
                    for pin in (programs[name],)}
    label = f"IPv{family} {'random destinations' if cold else 'one destination'}"
    rounds, repeat = questions.effort.rounds, questions.effort.repeat
    if cold:  # a packet takes longer here, and its cost differs less
        rounds, repeat = (rounds + 2) // 3, min(repeat * 2, LIST)
    rows = questions.run(f"{rounds}x{repeat}", empty, programs, [(label, chosen[0].packet(cold))])
    for row in rows:
        if row["does"] != "pass":
            raise Failure(f"scale: {row['program']}: {label}: {row['does']}, not pass")
    own = {case.name: programs[case.name] for case in chosen}
    rounds = f"{rounds if cold else min(4 * rounds, 101)}x{repeat}"
    growth = growths(questions, empty, own, chosen[0].packet(cold), rounds)
    return {row["program"]: {**row, "growth": growth.get(row["program"])} for row in rows}


def measure(place, effort, say):
    namespace = place.namespace("s")
    overlays = [table["name"] for table in rolewall_json("matrix", "--overlay", "all")["overlays"]]
    questions = Questions(place, effort)
    found, results, programs = cases(effort), [], {}
    applies = measure_applies(place, namespace, effort, say)
    for number, case in enumerate(found):
        say(f"scale: {case.name}")
        instance, row = load(place, namespace, case, number, overlays)
        designs = place.load("designs", f"designs{number}")
        fill_designs(designs, instance.site, exact=False)
        programs.update({case.name: instance.pin("programs/xdp"), f"lpm {case.name}": designs / "p/lpm"})
        results.append(row)
    for family in sorted({case.family for case in found}):
        chosen = [case for case in found if case.family == family]
        own = {name: programs[name] for case in chosen for name in (case.name, f"lpm {case.name}")}
        for cold in (False, True):
            say(f"scale: IPv{family}, {'random destinations' if cold else 'one destination'}")
            rows = ask(place, questions, chosen, own, cold)
            word = "cold" if cold else "hot"
            for row in results:
                if row["family"] == family:
                    mine, peer = rows[row["case"]], rows[f"lpm {row['case']}"]
                    row.update({f"{word} ns": mine["ns"], f"{word} spread": mine["spread"],
                                f"{word} growth": mine["growth"], f"{word} lpm ns": peer["ns"],
                                f"{word} to lpm": mine["ns"] / peer["ns"] if peer["ns"] else 0})
    return results + applies
