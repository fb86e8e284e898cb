#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""metrics.py: OpenMetrics on stdin, read by the Prometheus project's own parser, as JSON: {"SAMPLE{label=value,...}": N}.

It fails where the text is not OpenMetrics, where a family lacks help, and where the older text format reads it otherwise.
"""
import json
import re
import sys

from prometheus_client import openmetrics
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as plain_families


def key(sample):
    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def samples(families):
    return {key(sample): sample.value for family in families for sample in family.samples}


def check(family):
    assert family.documentation, f"{family.name}: no help"
    assert family.type in ("counter", "gauge"), f"{family.name}: {family.type}"
    assert re.fullmatch(r"rolewall_[a-z_]+", family.name), family.name
    if family.name.endswith(("_packets", "_bytes", "_seconds")):
        assert family.unit, f"{family.name}: no unit"


def main():
    text = sys.stdin.read()
    families = list(parser.text_string_to_metric_families(text))
    for family in families:
        check(family)
    found = samples(families)
    assert found, "no samples"
    assert found == samples(plain_families(text)), "the plain text format reads it otherwise"
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    assert openmetrics
    main()
