#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Scan a host with nmap and hold what it finds against the vendor's document.

    scan.py KIND ROLE ADDRESS [--listening PORTS] -- NMAP-OPTION...
    scan.py zombie INTERFACE ADDRESS        a host whose IP ids count up, for idle scans; until killed

Scanned are the ends of every stretch of ports that the document opens for ROLE (as expect.py reads it), their
neighbours, and the listening ones. KIND says what nmap must find at a port that is open and listened at, open only,
or shut. Run it inside the scanner's namespace.
"""
import argparse
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import expect  # noqa: E402

# listened at, open only, shut
FINDS = {
    "syn": ("open", "closed", "filtered"),
    "ack": ("unfiltered", "unfiltered", "filtered"),
    "maimon": ("closed", "closed", "open|filtered"),  # Linux answers where a BSD would not
    "udp": ("open", "closed", "open|filtered"),
    "idle": ("open", "closed|filtered", "closed|filtered"),
    "no-state": ("open|filtered",) * 3,
    "nothing": ("filtered",) * 3,
}
# One lost answer is asked for again, and a busy machine may answer late.
PACE = ["-T4", "--max-retries", "2", "--min-parallelism", "64", "--max-scan-delay", "0",
        "--initial-rtt-timeout", "300ms", "--min-rtt-timeout", "200ms"]


def ports_of_interest(opened, listening):
    edges = {port for port in opened if {port - 1, port + 1} - opened}
    around = {port + step for port in edges | listening for step in (-1, 0, 1)}
    return sorted(port for port in around if 1 <= port <= 65535)


def scan(options, ports):
    with tempfile.NamedTemporaryFile(suffix=".xml") as answer:
        # -d3: no port is summed up with others
        command = ["nmap", "-n", "-Pn", "-d3", *PACE, "-oX", answer.name, "-p", ",".join(map(str, ports)), *options.nmap]
        command += ["-6"] if ":" in options.address else []
        done = subprocess.run(command + [options.address], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}:\n{done.stdout.decode()[-2000:]}")
        host = xml.parse(answer.name).getroot().find("host")
        return {int(port.get("portid")): port.find("state").get("state") for port in host.iter("port")}


def check(options):
    protocol = "udp" if options.kind == "udp" else "tcp"
    opened = expect.open_ports(expect.test_seed.read_fixture(), options.role, "dns")[protocol]
    ports = ports_of_interest(opened, options.listening)
    found = scan(options, ports)
    listened, closed, shut = FINDS[options.kind]
    wrong = 0
    for port in ports:
        want = shut if port not in opened else listened if port in options.listening else closed
        if found.get(port) != want:
            print(f"{protocol}/{port}: {found.get(port)}, not {want}")
            wrong += 1
    print(f"{len(ports)} ports, {len(opened & set(ports))} open, {wrong} wrong")
    return 1 if wrong or not opened & set(ports) else 0


# --- the zombie

def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def reset(frame, ident):
    """The RST that answers a segment, as a frame."""
    ip, tcp = frame[14:34], frame[34:54]
    sport, dport, sequence, acknowledged = struct.unpack("!HHII", tcp[:12])
    has_ack = tcp[13] & 0x10
    head = struct.pack("!HHIIBBHHH", dport, sport, acknowledged if has_ack else 0, 0 if has_ack else sequence + 1,
                       5 << 4, 0x04 if has_ack else 0x14, 0, 0, 0)
    pseudo = ip[16:20] + ip[12:16] + struct.pack("!BBH", 0, 6, len(head))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    outer = struct.pack("!BBHHHBBH", 0x45, 0, 40, ident, 0, 64, 6, 0) + ip[16:20] + ip[12:16]
    outer = outer[:10] + struct.pack("!H", checksum(outer)) + outer[12:]
    return frame[6:12] + frame[0:6] + frame[12:14] + outer + head


def zombie(interface, address):
    wanted = socket.inet_aton(address)
    ident = 1000
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind((interface, 0))
        while True:
            frame = wire.recv(2048)
            if len(frame) < 54 or frame[14] != 0x45 or frame[23] != 6 or frame[30:34] != wanted or frame[47] & 0x04:
                continue
            ident = ident + 1 & 0xffff
            wire.send(reset(frame, ident))


def arguments():
    own, nmap = sys.argv[1:], []
    if "--" in own:
        nmap = own[own.index("--") + 1:]
        own = own[:own.index("--")]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("kind", choices=FINDS)
    parser.add_argument("role")
    parser.add_argument("address")
    parser.add_argument("--listening", type=lambda text: {int(word) for word in text.split(",")}, default=set())
    options = parser.parse_args(own)
    options.nmap = nmap
    return options


if __name__ == "__main__":
    if sys.argv[1:2] == ["zombie"]:
        zombie(*sys.argv[2:4])
    sys.exit(check(arguments()))
