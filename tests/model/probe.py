# SPDX-License-Identifier: MIT
"""Which options of a site the program knows already."""

import os
import subprocess
import tempfile

import yaml

from programs import Programs
from sites import OPTIONS

# An option may be read before the program does what it says; then its reason is missing.
REASONS = {
    "outbound": "outbound_not_in_matrix", "failsafe": "failsafe", "ipsec": "ipsec_exempt",
    "asymmetric": "asymmetric",
}  # fmt: skip

SITE = {
    "version": 1,
    "interfaces": ["any0"],
    "pools": [{"name": "a", "roles": ["front-end"], "addresses": ["10.1.0.1"]}],
}


def accepts(rolewall, site):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(site, file)
        file.flush()
        return not subprocess.run(
            [rolewall, "check", "-c", file.name], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False,
        ).returncode  # fmt: skip


def known_options(rolewall, runner):
    programs = Programs(runner)
    programs.close()
    return [
        name
        for name, words in OPTIONS.items()
        if REASONS.get(name, "matrix") in programs.reasons
        and accepts(os.path.abspath(rolewall), {**SITE, **words})
    ]
