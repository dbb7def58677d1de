# SPDX-License-Identifier: BSD-2-Clause
"""Watching a daemon repair: what it says, what its counters do, that copies flow again, and what was left alone."""

import re
import tempfile

import frames
import traffic
from lab import CLIENT_CONF, COLLECTOR4, tc_state
from netns import run, wait_until

DEADLINE = 2.0  # seconds from the break to the repair, its log line and the daemon's word that all is ok

INGRESS, EGRESS, TUNNEL = "mirror eth0 ingress to soc", "mirror eth0 egress to soc", "collector soc"
LANE = "express lane to soc"
ENDPOINT, DOOR = "endpoint vtap0", "door"

# A collector behind a network of its own, and the client's two mirrors of eth0.
UNDERLAY = "10.88.0.99"
UNDERLAY_ALLOW = 'allow = {"10.77.0.0/24", "10.88.0.0/24"}\n'
UNDERLAY_CLIENT = CLIENT_CONF.replace(COLLECTOR4, UNDERLAY)


class Watch:
    """The log and the counters of one daemon from now on."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.at = len(daemon.log())
        self.before = daemon.status()

    def lines(self):
        return [re.sub("^<.>", "", line) for line in self.daemon.log()[self.at :].splitlines()]

    def about(self, subject):
        """The lines about a subject that tell an operation, or that it is blocked."""
        return [x for x in self.lines() if x.startswith(subject + ": ") and not x.endswith(": no longer blocked")]

    def repaired(self, says, also=(), deadline=DEADLINE, most=1):
        """
        Waits for a line about each subject of `says`, and for state ok. Then there is exactly one of each (or up
        to `most`, for what comes in steps), with its cause, and no line about anything else but those that match `also`.
        """
        wait_until(lambda: all(self.about(s) for s in says), deadline, lambda: f"a repair of {list(says)}: {self.lines()}")
        self.daemon.wait(lambda s: s["state"] == "ok", "ok after the repair", deadline)
        for subject, cause in says.items():
            lines = self.about(subject)
            assert len(lines) <= most and all(re.search(rf"\(.*{cause}.*\)", x) for x in lines), (subject, cause, lines)
        others = [x for x in self.lines() if not any(x.startswith(s + ": ") for s in says)]
        others = [x for x in others if not any(re.search(p, x) for p in also)]
        assert not others, f"more than {list(says)} was touched: {others}"

    def blocked(self, reason, deadline=DEADLINE, state="degraded"):
        """Waits until the daemon says that something is blocked, and why."""

        def told(status):
            parts = [o for key in ("collectors", "mirrors", "endpoints") for o in status.get(key, ())]
            return status["state"] == state and any(
                o["state"] == "blocked" and re.search(reason, o["reason"] or "") for o in parts
            )

        return self.daemon.wait(told, f"blocked: {reason}", deadline)

    def repairs(self):
        """By direction: how many repairs more than at first."""
        was = {(m["interface"], m["direction"], m["collector"]): m["repairs"] for m in self.before["mirrors"]}
        now = {(m["interface"], m["direction"], m["collector"]): m["repairs"] for m in self.daemon.status()["mirrors"]}
        return {key[1]: now[key] - was[key] for key in was}

    def silent(self):
        assert not self.lines(), self.lines()


def assert_copied_once(lab, reader, interface="eth0", egress=True, ingress=True, deadline=5.0):
    """A frame that leaves client1 and one that arrives there are each copied exactly once."""
    sent = []
    if egress:
        sent.append(frames.send_marker(lab.client1, interface))
    if ingress:
        sent.append(frames.send_marker(lab.peer, interface))
    for frame in sent:
        reader.wait_for(lambda f, x=frame: f == x, deadline, "the copy of a frame sent after the repair")
    frames.quiet(reader, still=0.05)
    for frame in sent:
        count = sum(f.bytes == frame for f in reader.frames())
        assert count == 1, f"{count} copies"


def assert_full_size(lab, reader, address, size=1514):
    """An echo with full-size frames is copied, fragmented on the way or not."""
    at = len(reader.frames())
    traffic.ping(lab.client1, address, (size,))
    wait_until(lambda: sum(len(f.bytes) == size for f in reader.frames()[at:]) == 2, 5, "two full-size copies")


def shape(ns):
    """tc_state without what making an object anew changes, and what the kernel brings up to date later (operstate)."""
    text = tc_state(ns)
    text = re.sub(r"^\d+: ", "", text, flags=re.M)
    text = re.sub(r"link/ether \S+|@if\d+|index \d+|\bid \d{3,} name|used_hw_stats disabled| state [A-Z]+", "", text)
    return sorted(line for line in text.splitlines() if line.strip())


def warm(lab, address=COLLECTOR4):
    """The tunnel's neighbour is known: a repaired mirror does not wait for ARP."""
    traffic.ping(lab.client1, address, (98,))


def ip_batch(ns, lines):
    """Many ip commands in one process: as close together as they get."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
        f.flush()
        run("ip", "-n", ns.name, "-batch", f.name)
