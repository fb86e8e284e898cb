# SPDX-License-Identifier: MIT
"""Compare the shipped overlays with the facts in tests/fixtures/overlays.tsv; output is TAP, exit status 1 on any failure.

    test_overlays.py BINARY

A fact is one line: who holds which ports towards whom, by which document, and which row says so; its first column is
the part of the collection it comes from ("-": no document, a reading of the vendor's server table). Rows and facts
must be the same set: a row that no fact stands behind is as wrong as a fact without a row.
"""
import json
import pathlib
import subprocess
import sys

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "overlays.tsv"

# The overlays that the design promises; the shipped matrix may have more.
PROMISED = ["edge", "reverse-proxy", "sql", "file-share", "sba", "persistent-chat-peer", "windows-fabric", "logging",
            "exchange-um", "active-directory", "management"]
# Nothing of these is open to more than the sources named here, whatever else a matrix file may say.
CLOSED = {"management": {"admin-host"}, "windows-fabric": {"front-end"}, "logging": {"all-servers", "admin-host"},
          "sql": {"front-end", "admin-host", "sql-server", "persistent-chat-front-end"},
          "file-share": {"front-end"}, "persistent-chat-peer": {"persistent-chat-front-end"}}


def ask(binary, *options):
    done = subprocess.run([binary, "matrix", "--json", *options], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def read_facts():
    with open(FIXTURE, encoding="utf-8") as lines:
        header, *facts = [line.rstrip("\n").split("\t") for line in lines]
    return [dict(zip(header, fact)) for fact in facts]


def port_set(text):
    low, _, high = text.partition("-")
    return set(range(int(low), int(high or low) + 1))


def differences(fact, row):
    """Yield what the row does not say although the fact does."""
    if row["role"] != fact["role"]:
        yield f"role: got {row['role']}, want {fact['role']}"
    if fact["direction"] not in row["direction"]:
        yield f"direction: got {row['direction']}, want {fact['direction']}"
    if row["overlay"] and sorted(row["protocols"]) != sorted(fact["protocols"].split("+")):
        yield f"protocols: got {row['protocols']}, want {fact['protocols']}"
    ports = set().union(*(range(low, high + 1) for low, high in row["ports"]))
    if not port_set(fact["ports"]) <= ports:
        yield f"ports: got {row['ports']}, want {fact['ports']}"
    peers = set(row["from" if fact["direction"] == "in" else "to"])
    if not set(fact["peers"].split()) <= peers:
        yield f"peers: got {sorted(peers)}, want {fact['peers']}"
    if row["overlay"] and fact["source"] not in row["source"]:
        yield f"source: got {row['source']!r}, want {fact['source']}"
    if row["overlay"] and (row["confidence"] == "guess") != (fact["guess"] == "yes"):
        yield f"confidence: got {row['confidence']}, want guess: {fact['guess']}"


def unexplained_ports(row, facts):
    """The ports of a row that no fact has."""
    ports = set().union(*(range(low, high + 1) for low, high in row["ports"]))
    return ports - set().union(*(port_set(fact["ports"]) for fact in facts if fact["row"] == row["id"]), set())


def row_problems(row, facts):
    if not (row["source"] or "").strip():
        yield "no source"
    if row["confidence"] not in ("documented", "guess"):
        yield f"confidence: {row['confidence']}"
    if not any(fact["row"] == row["id"] for fact in facts):
        yield "no fact stands behind it"
    elif unexplained_ports(row, facts):
        yield f"ports without a fact: {sorted(unexplained_ports(row, facts))[:5]}"
    if "in" in row["direction"] and not row["from"]:
        yield "opens ports without saying to whom"
    if row["table"] in CLOSED and "in" in row["direction"] and not set(row["from"]) <= CLOSED[row["table"]]:
        yield f"open to {row['from']}"


class Tap:
    def __init__(self, count):
        self.number = self.failed = 0
        print(f"1..{count}")

    def result(self, name, problems):
        self.number += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.number} - {name}")
        for problem in problems:
            print(f"# {problem}")


def main(arguments):
    if len(arguments) != 1:
        sys.exit("usage: test_overlays.py BINARY")
    facts = read_facts()
    overlays = ask(arguments[0], "--overlay", "all")["overlays"]
    rows = [{**row, "overlay": True} for overlay in overlays for row in overlay["rows"]]
    by_id = {row["id"]: {**row, "overlay": False} for row in ask(arguments[0])["rows"]}
    by_id.update((row["id"], row) for row in rows)
    tap = Tap(len(facts) + len(rows) + len(PROMISED) + 1)
    for fact in facts:
        row = by_id.get(fact["row"])
        name = f"{fact['table']} {fact['service']}: {fact['role']} {fact['direction']} {fact['ports']} by {fact['row']}"
        tap.result(name, ["no such row"] if row is None else list(differences(fact, row)))
    for row in rows:
        tap.result(f"{row['id']} has its source and its fact", list(row_problems(row, facts)))
    for name in PROMISED:
        tap.result(f"overlay {name} is there", [] if any(one["name"] == name for one in overlays) else ["missing"])
    parts = {fact["table"] for fact in facts if fact["row"] in {row["id"] for row in rows}}
    tap.result("every table of the collection is covered", sorted({"3a", "3b", "3c", "3d"} - parts))
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
