#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the parts of the benchmark and writes the report: scripts/bench --help."""

import argparse
import json
import pathlib
import signal
import sys
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cost
import latency
import machine
import report
import scale
import throughput
from place import ROOT, Failure, Place

PARTS = {"verdict": cost.measure, "throughput": throughput.measure, "latency": latency.measure,
         "scale": scale.measure}

# How much of everything: rounds of which the median counts, packets and seconds in each.
EFFORTS = {
    "full": types.SimpleNamespace(name="full", rounds=21, repeat=100000, floods=5, seconds=0.2, talks=5, talk=1.5),
    "quick": types.SimpleNamespace(name="quick", rounds=5, repeat=50000, floods=3, seconds=0.05, talks=1, talk=0.5),
    "smoke": types.SimpleNamespace(name="smoke", rounds=1, repeat=1000, floods=1, seconds=0.01, talks=1, talk=0.05),
}


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures rolewall beside its peers.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="effort", const="quick", help="in about two minutes")
    size.add_argument("--smoke", action="store_const", dest="effort", const="smoke",
                      help="every part once and briefly: shows that it works, its figures mean nothing")
    parser.add_argument("--only", metavar="PART,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, default=ROOT / "build/bench-report",
                        help="where report.txt, report.json and the plots go (build/bench-report)")
    parser.add_argument("--from", metavar="FILE", type=pathlib.Path, dest="saved",
                        help="measure nothing: tables and plots of an earlier run's report.json")
    parser.add_argument("--docs", action="store_true",
                        help="put tables and plots into docs/performance.md and docs/performance/, too")
    arguments = parser.parse_args()
    arguments.parts = arguments.only.split(",") if arguments.only else list(PARTS)
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"unknown part \"{part}\"; accepted: {', '.join(PARTS)}")
    return arguments


def interrupted(number, _):
    raise Failure(f"ended by signal {number}")


def measure(arguments):
    effort = EFFORTS[arguments.effort or "full"]
    started = time.monotonic()
    results = {"format": 1, "effort": effort.name, "machine": machine.describe()}
    for part in arguments.parts:
        with Place() as place:
            results[part] = PARTS[part](place, effort, say)
    results["machine"]["load after"] = machine.load()
    results["seconds"] = round(time.monotonic() - started)
    return results


def save(results, arguments):
    results["targets"] = report.targets(results)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "report.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.as_text(results)
    (arguments.out / "report.txt").write_text(text)
    report.plot(results, arguments.out)
    if arguments.docs:
        report.write_docs(results)
    print(text, end="")
    say(f"saved in {arguments.out}")


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, interrupted)
    try:
        results = json.loads(arguments.saved.read_text()) if arguments.saved else measure(arguments)
        save(results, arguments)
    except (Failure, KeyboardInterrupt, OSError, ValueError) as failure:
        print(f"scripts/bench: {failure or 'interrupted'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
