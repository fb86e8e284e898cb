# SPDX-License-Identifier: MIT
"""Compare the shipped matrix with the vendor's document, row by row; output is TAP, exit status 1 on any failure.

    test_seed.py BINARY       what `BINARY matrix --json` prints
    test_seed.py --yaml FILE  the matrix file itself (needs python3-yaml)

What is expected comes from tests/fixtures/seed.tsv, the cells of the French document, through the glossary and the
readings below. They were written from the document and not from the matrix file, and must stay apart from it.
"""
import json
import pathlib
import re
import subprocess
import sys

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "seed.tsv"
ANY = "N’importe lequel"

ROLES = {
    "Tous les serveurs": "all-servers",
    "Tous les serveurs internes": "all-internal-servers",
    "Serveurs frontaux": "front-end",
    "Front-End serveurs": "front-end",
    "Serveurs frontaux qui exécutent également un serveur de médiation colocalisé.": "front-end-collocated-mediation",
    "Serveurs frontaux où réside le magasin central de gestion": "front-end-cms",
    "Office Serveurs Web Apps": "office-web-apps",
    "Directeurs": "director",
    "Serveurs de médiation": "mediation",
    "Serveur frontal de conversation permanente": "persistent-chat-front-end",
    "Programme d’équilibrage de charge du serveur frontal": "front-end-hlb",
    "Équilibreur de charge du serveur frontal (si le pool exécute également le serveur de médiation)":
        "front-end-hlb-collocated-mediation",
    "Équilibreur de charge du serveur de médiation": "mediation-hlb",
    "Programme d’équilibrage de charge du directeur": "director-hlb",
    "Clients": "client",
    # the addresses of the IPsec table
    "Serveur Edge A/V - interne": "av-edge-internal",
    "Serveur Edge A/V - externe": "av-edge-external",
    "Médiation / Serveur(s)": "mediation",
    "Serveur frontal exécutant l’Intendant Conférence": "front-end-conferencing-attendant",
    "Messagerie unifiée Exchange": "exchange-um",
    "Serveurs de partage d’application": "application-sharing",
}
PHONES = ("Aastra", "HP 4110", "Polycom CX")  # the cell that lists eight models

# Rows whose notes (not in the fixture) speak of outgoing connections, and of SIP requests where the cell says only TCP.
OUTGOING = {f"servers/{row}" for row in (25, 26, 32, 36, 38)}
SIP_REQUESTS = {f"servers/{row:02}" for row in (6, 9, 20, 21, 24, 25, 27, 29, 30, 31, 33, 49)}
CLIENT_OUTBOUND_PORTS = {443, 3478, 5061}

# First match wins: PSOM and STUN cells name TLS or MSTURN too.
APPLICATIONS = [("STUN", "stun"), ("PSOM", "psom"), ("HTTPS", "https"), ("HTTP", "http"), ("SMB", "smb"),
                ("DCOM", "dcom-rpc"), ("DHCP", "dhcp"), ("MTLS", "mtls"), ("TLS", "tls")]


def read_ports(cell):
    if cell == ANY:
        return [[0, 65535]]
    cell = cell.replace("\\*", "").strip()  # the asterisk points to a footnote
    if "/" in cell:  # 67/68 is a pair
        return [[int(port), int(port)] for port in cell.split("/")]
    low, _, high = cell.partition("-")
    return [[int(low), int(high or low)]]


def read_protocols(cell):
    words = set(re.findall(r"\w+", cell))
    if {"TCP", "UDP"} <= words:
        return ["tcp", "udp"]
    return ["udp"] if words & {"UDP", "DHCP"} else ["tcp"]


def read_applications(row_id, cell, ports, protocols):
    """The applications a row may have; more than one where the cell alone does not tell."""
    words = set(re.findall(r"\w+", cell))
    if not cell:
        return ["https"]  # Office Web Apps
    if {"TLS", "MTLS"} <= words:
        return ["tls+mtls"]
    for word, application in APPLICATIONS:
        if word in words:
            return [application]
    if row_id in SIP_REQUESTS:
        return ["sip"]
    single_tcp_port = protocols == ["tcp"] and ports[0][0] == ports[0][1]
    return [None, "sip"] if single_tcp_port else [None]


def read_role_and_direction(row, table, ports):
    if table == "ipsec":
        if row["source"] == ANY and row["destination"] == ANY:  # the rule named Clients
            return ROLES[row["role"]], ["out"]
        if row["source"] == ANY:
            return ROLES[row["destination"]], ["in"]
        return ROLES[row["source"]], ["out"]
    phones = all(name in row["role"] for name in PHONES)
    role = "ip-phone" if phones else ROLES[row["role"]]
    if table == "clients":
        return role, ["out"] if ports[0][0] in CLIENT_OUTBOUND_PORTS else ["in", "out"]
    return role, ["in", "out"] if row["id"] in OUTGOING else ["in"]


def expected_row(row):
    table, number = row["id"].split("/")
    ports = read_ports(row["port"])
    protocols = read_protocols(row["protocol"])
    role, direction = read_role_and_direction(row, table, ports)
    return {"id": row["id"], "table": table, "row": int(number), "role": role, "ports": ports,
            "protocols": protocols, "direction": direction,
            "application": read_applications(row["id"], row["protocol"], ports, protocols)}


def read_fixture():
    with open(FIXTURE, encoding="utf-8") as lines:
        header, *rows = [line.rstrip("\n").split("\t") for line in lines]
    return [expected_row(dict(zip(header, row))) for row in rows]


def rows_of_binary(binary):
    done = subprocess.run([binary, "matrix", "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["rows"]


def yaml_ports(ports):
    pairs = [str(port).partition("-") for port in ports]
    return [[int(low), int(high or low)] for low, _, high in pairs]


def rows_of_yaml(path):
    import yaml
    with open(path, encoding="utf-8") as text:
        tables = yaml.safe_load(text)["tables"]
    return [{"application": None, **row, "table": name, "row": number, "ports": yaml_ports(row["ports"])}
            for name, table in tables.items() for number, row in enumerate(table["rows"], 1)]


def differences(want, got):
    """Yield one line for each field of a row that is not as the vendor's document has it."""
    for field in ("table", "row", "role"):
        if got.get(field) != want[field]:
            yield f"{field}: got {got.get(field)!r}, want {want[field]!r}"
    for field in ("ports", "protocols", "direction"):  # sets, so order is free
        if sorted(got.get(field) or []) != sorted(want[field]):
            yield f"{field}: got {got.get(field)!r}, want {want[field]!r}"
    if "application" not in got or got["application"] not in want["application"]:
        yield f"application: got {got.get('application', 'no such key')!r}, want one of {want['application']!r}"
    for field in ("service", "note"):
        if not isinstance(got.get(field), str) or not got[field].strip():
            yield f"{field}: got {got.get(field)!r}, want some text"


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


def compare(expected, rows):
    by_id = {}
    for row in rows:
        by_id.setdefault(row.get("id"), row)
    tap = Tap(len(expected) + 2)
    for want in expected:
        got = by_id.get(want["id"])
        tap.result(want["id"], ["no such row"] if got is None else list(differences(want, got)))
    ids = [row.get("id") for row in rows]
    extra = sorted({str(row_id) for row_id in ids} - {want["id"] for want in expected})
    tap.result("no row that the document does not have", [f"extra row {row_id}" for row_id in extra])
    twice = sorted({str(row_id) for row_id in ids if ids.count(row_id) > 1})
    tap.result("every id once", [f"{row_id} is there {ids.count(row_id)} times" for row_id in twice])
    return tap.failed


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--yaml":
        source, read = arguments[1], rows_of_yaml
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        source, read = arguments[0], rows_of_binary
    else:
        sys.exit("usage: test_seed.py BINARY | test_seed.py --yaml FILE")
    try:
        rows = read(source)
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError, TypeError) as error:
        print(f"Bail out! cannot read the matrix from {source}: {error}")
        return 1
    return 1 if compare(read_fixture(), rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
