# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces of one test run: made, used, and always removed. Knows nothing of vtap."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

PREFIX = "vtap-t"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def wait_until(predicate, deadline=10.0, what=None, interval=0.02):
    """Polls until predicate() is true and returns its value; fails the test after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {deadline} s: {text or predicate}")
        time.sleep(interval)


def run(*cmd, check=True, timeout=30, **kwargs):
    """Runs a command; its output is text. A failure shows what it said."""
    done = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **kwargs)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(cmd)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def backlog_drops():
    """Packets that the kernel lost between interfaces because a processor was too slow."""
    with open("/proc/net/softnet_stat", encoding="ascii") as f:
        return sum(int(line.split()[1], 16) for line in f)


def die_with_parent():
    """For preexec_fn: no child outlives a test process that was killed."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Ns:
    """A namespace. `with ns:` moves the calling thread into it."""

    def __init__(self, name):
        self.name = name
        self._back = threading.local()
        run("ip", "netns", "add", name)
        self.ip("link set lo up")

    def __enter__(self):
        if not hasattr(self._back, "stack"):
            self._back.stack = []
        self._back.stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        self._enter(f"/run/netns/{self.name}")
        return self

    def __exit__(self, *unused):
        fd = self._back.stack.pop()
        try:
            if libc.setns(fd, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(fd)

    @staticmethod
    def _enter(path):
        fd = os.open(path, os.O_RDONLY)
        try:
            if libc.setns(fd, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(fd)

    def command(self, *cmd):
        return ("ip", "netns", "exec", self.name, *map(str, cmd))

    def run(self, *cmd, **kwargs):
        return run(*self.command(*cmd), **kwargs)

    def popen(self, *cmd, **kwargs):
        """`ip netns exec` becomes the command, so the process id is the command's own."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.command(*cmd), preexec_fn=die_with_parent, **kwargs)

    def ip(self, args, **kwargs):
        return run("ip", "-n", self.name, *args.split(), **kwargs).stdout

    def tc(self, args, *more, **kwargs):
        return run("tc", "-n", self.name, *args.split(), *more, **kwargs).stdout

    def sysctl(self, key, value):
        with self, open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as f:
            f.write(str(value))

    def mac(self, interface="eth0"):
        return re.search(r"link/ether (\S+)", self.ip(f"link show dev {interface}")).group(1)

    def links(self):
        return set(re.findall(r"^\d+: ([^:@]+)", self.ip("-o link"), re.M))

    def remove(self):
        for pid in run("ip", "netns", "pids", self.name, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run("ip", "netns", "del", self.name, check=False)


class Net:
    """The namespaces of one test. `close` removes them all."""

    count = 0

    def __init__(self):
        self.all = []

    def ns(self, short):
        Net.count += 1
        ns = Ns(f"{PREFIX}{os.getpid()}-{Net.count}-{short}")
        self.all.append(ns)
        # A quiet network: nothing speaks unless a test makes it speak.
        for key, value in (
            ("net.ipv6.conf.default.accept_dad", 0),
            ("net.ipv6.conf.default.router_solicitations", 0),
            ("net.ipv6.conf.default.mldv2_unsolicited_report_interval", 1),
            ("net.ipv4.ping_group_range", "0 2147483647"),
        ):
            ns.sysctl(key, value)
        return ns

    def switch(self, short="sw", mtu=1500):
        ns = self.ns(short)
        ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        ns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        ns.ip("link add br0 type bridge forward_delay 0 mcast_snooping 0")
        ns.ip(f"link set br0 mtu {mtu} up")
        return ns

    @staticmethod
    def plug(switch, port, ns, interface="eth0", mtu=1500, addresses=(), bridge="br0"):
        """A cable from `interface` in ns to a port of the switch."""
        switch.ip(f"link add {port} mtu {mtu} type veth peer name {interface} mtu {mtu} netns {ns.name}")
        switch.ip(f"link set {port} master {bridge} up")
        for family in ("ipv4", "ipv6"):
            ns.sysctl(f"net.{family}.neigh.{interface}.base_reachable_time_ms", 3600000)
            ns.sysctl(f"net.{family}.neigh.{interface}.delay_first_probe_time", 600)
        for address in addresses:
            ns.ip(f"addr add {address} dev {interface}" + (" nodad" if ":" in address else ""))
        ns.ip(f"link set {interface} up")
        wait_until(lambda: "state UP" in ns.ip(f"-o link show dev {interface}"), 10, f"{ns.name} {interface} has its carrier")

    def close(self):
        while self.all:
            self.all.pop().remove()


def scratch(what):
    """A directory whose name says whose it is, for remove_leftovers."""
    return tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{what}-")


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def remove_leftovers():
    """Namespaces and directories of test processes that no longer live."""
    for place in ("/run/netns", tempfile.gettempdir()):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            owner = re.match(PREFIX + r"(\d+)-", name)
            if not owner or _lives(owner.group(1)):
                continue
            if place == "/run/netns":
                left = Ns.__new__(Ns)
                left.name = name
                left.remove()
            else:
                shutil.rmtree(os.path.join(place, name), ignore_errors=True)
