# SPDX-License-Identifier: MIT
"""What the figures were measured on."""

import os
import pathlib
import platform
import re
import time

from place import run

PEERS = ("xdp-tools", "nftables", "iptables", "ipset", "clang")


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""


def load():
    return round(os.getloadavg()[0], 1)


def describe():
    cpuinfo = read("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    speed = re.search(r"cpu MHz\s*: (\d+)", cpuinfo)
    weaknesses = pathlib.Path("/sys/devices/system/cpu/vulnerabilities")
    memory = re.search(r"MemTotal:\s*(\d+)", read("/proc/meminfo"))
    return {
        "date": time.strftime("%Y-%m-%d"),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": model.group(1) if model else "unknown",
        "mhz": int(speed.group(1)) if speed else 0,
        "cpus": len(os.sched_getaffinity(0)),
        "memory MiB": int(memory.group(1)) // 1024 if memory else 0,
        "virtual": "hypervisor" in cpuinfo,
        "mitigations": {name: value for name in ("retbleed", "spectre_v2", "spec_rstack_overflow")
                        if (value := read(weaknesses / name))},
        "jit": read("/proc/sys/net/core/bpf_jit_enable"),
        "peers": {name: run("dpkg-query", "-W", "-f", "${Version}", name, check=False) for name in PEERS},
        "load before": load(),
    }
