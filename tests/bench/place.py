# SPDX-License-Identifier: MIT
"""Where a benchmark runs: namespaces, instances of rolewall, pins. All of it goes at the end."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLEWALL = os.environ.get("ROLEWALL", str(ROOT / "build/rolewall"))
TOOLS = ROOT / "build/bench"


class Failure(Exception):
    pass


def run(*words, text=None, check=True, namespace=None, env=None):
    """Its standard output."""
    words = [str(word) for word in words]
    if namespace:
        words = ["nsenter", f"--net=/run/netns/{namespace}", *words]
    done = subprocess.run(words, input=text, capture_output=True, text=True, env=env)
    if check and done.returncode:
        raise Failure(f"{' '.join(words)[:200]}: exit status {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


class Place:
    """A name that nobody else has, and what is made under it."""

    count = 0

    def __init__(self):
        Place.count += 1
        self.name = f"rwb{os.getpid()}x{Place.count}"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="rolewall-bench-"))
        self.pins = pathlib.Path("/sys/fs/bpf") / self.name
        self.namespaces = []
        self.instances = []
        self.undo = []
        self.processes = []
        self.holder = None

    def __enter__(self):
        self.pins.mkdir()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.stop(process)
        for undo in reversed(self.undo):
            undo()
        for instance in self.instances:
            instance.detach()
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.pins, ignore_errors=True)
        shutil.rmtree(self.work, ignore_errors=True)

    def namespace(self, word):
        name = f"{self.name}{word}"
        run("ip", "netns", "add", name)
        self.namespaces.append(name)
        # nothing but what the benchmark sends: no duplicate address detection, no routers' words
        for key in ("net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0",
                    "net.ipv6.conf.default.router_solicitations=0"):
            run("sysctl", "-qw", key, namespace=name, check=False)
        run("ip", "link", "set", "lo", "up", namespace=name)
        return name

    def start(self, *words, namespace=None, **options):
        words = [str(word) for word in words]
        if namespace:
            words = ["nsenter", f"--net=/run/netns/{namespace}", *words]
        process = subprocess.Popen(words, **options)
        self.processes.append(process)
        return process

    def own_bpffs(self, *words, namespace=None):
        """As run(), where /sys/fs/bpf is another one: xdp-filter's pins have one name for the whole host."""
        if not self.holder:
            self.holder = self.start("unshare", "-m", "sh", "-c",
                                     "mount -t bpf none /sys/fs/bpf && echo ready && exec sleep 86400",
                                     stdout=subprocess.PIPE)
            self.holder.stdout.readline()
        return run("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--wd=/", *words, namespace=namespace)

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def load(self, name, directory):
        """All programs of build/bench/NAME.bpf.o, with maps of their own, pinned in a new directory."""
        pins = self.pins / directory
        pins.mkdir(parents=True)
        run("bpftool", "prog", "loadall", TOOLS / f"{name}.bpf.o", pins / "p", "pinmaps", pins / "m")
        return pins

    def stepper(self, kind, name, target, addresses=()):
        """A program of stepper.bpf.c in front of the pinned program TARGET."""
        pins = self.load("stepper", f"{kind}-{name}")
        run("bpftool", "map", "update", "pinned", pins / "m/target", "key", 0, 0, 0, 0,
            "value", "pinned", target)
        fill(pins / "m/addresses", ((word(i), address.hex()) for i, address in enumerate(addresses)))
        return pins / "p" / kind

    def instance(self, name, site, namespace, interface=True):
        instance = Instance(self, name, site, namespace, interface)
        self.instances.append(instance)
        return instance


class Instance:
    """A loaded rolewall with pins of its own."""

    def __init__(self, place, name, site, namespace, interface):
        self.pins = pathlib.Path("/sys/fs/bpf") / f"{place.name}-{name}"
        self.namespace = namespace
        self.work = place.work / name
        self.work.mkdir()
        self.env = dict(os.environ, ROLEWALL_STATE_DIR=str(self.work / "state"))
        self.place = place
        self.site = self.work / "site.yaml"
        if interface:
            run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p", namespace=namespace)
        self.apply(site)

    def command(self, *words, **options):
        return run(ROLEWALL, *words, "--pin-dir", self.pins, namespace=self.namespace, env=self.env, **options)

    def start(self, *words):
        return self.place.start(ROLEWALL, *words, "--pin-dir", self.pins, namespace=self.namespace, env=self.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def control(self, member):
        cell = json.loads(run("bpftool", "-j", "map", "lookup", "pinned", self.pin("control"), "key", 0, 0, 0, 0))
        return cell["formatted"]["value"][".data.control"][0]["control"][member]

    def apply(self, site, *words):
        self.site.write_text(site)
        self.command("apply", "-c", self.site, *words)

    def pin(self, name):
        return self.pins / name

    def attached(self, device):
        """The id of the program that DEVICE has at XDP."""
        link = json.loads(run("ip", "-json", "-details", "link", "show", device, namespace=self.namespace))[0]
        return link["xdp"]["prog"]["id"]

    def detach(self):
        self.command("detach", check=False)


def fill(pin, lines):
    """A pinned map, with pairs of KEY and VALUE in hex."""
    run(TOOLS / "fill", pin, text="".join(f"{key} {value}\n" for key, value in lines))


def word(number):
    """A 32-bit number in hex, as it lies in a map of this machine."""
    return number.to_bytes(4, "little").hex()


def knows(command, option):
    """Whether this build's COMMAND has OPTION."""
    return option in run(ROLEWALL, command, "--help")


def rolewall_json(*words):
    return json.loads(run(ROLEWALL, *words, "--json"))
