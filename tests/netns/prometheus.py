# SPDX-License-Identifier: BSD-2-Clause
"""Reading /metrics: plainly, with promtool, and with a Prometheus server in a namespace."""

import http.client
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest

from daemon import REPOSITORY
from netns import wait_until

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\d+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def program(name):
    """check unpacks them there; installing the package would start a server."""
    unpacked = os.path.join(REPOSITORY, "build/prometheus/usr/bin")
    path = shutil.which(name, path=f"{os.environ['PATH']}:{unpacked}")
    if path is None:
        pytest.skip(f"{name} is not here: apt-get download prometheus, dpkg-deb -x it to build/prometheus")
    return path


def get(ns, host, port, path="/metrics", method="GET", timeout=20):
    """Status, headers and body."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        with ns:
            connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def key(name, labels):
    return (name, tuple(sorted((k, v) for k, v in labels.items() if v)))


def parse(text):
    """Values by name and labels."""
    values = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, line
        labels = {k: re.sub(r"\\(.)", lambda m: m[1].replace("n", "\n"), v) for k, v in LABEL.findall(match[2] or "")}
        assert key(match[1], labels) not in values, line
        values[key(match[1], labels)] = int(match[3])
    return values


def scrape(ns, host, port):
    status, headers, text = get(ns, host, port)
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return text


def promtool(text):
    """What `promtool check metrics` has to say about it, which should be nothing."""
    done = subprocess.run(
        (program("promtool"), "check", "metrics"), input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and not done.stdout and not done.stderr, done.stdout + done.stderr


def expected(status):
    """What the metrics must be if this is the status: every number in it."""
    daemon = status["daemon"]
    values = {
        key("vtap_build_info", {"daemon": daemon, "version": status["version"]}): 1,
        key("vtap_healthy", {"daemon": daemon}): int(status["state"] == "ok"),
    }
    add = expected_client if daemon == "client" else expected_collector
    add(status, lambda name, labels, value: values.__setitem__(key(f"vtap_{daemon}_{name}", labels), int(value)))
    return values


def expected_client(status, add):
    for c in status["collectors"]:
        labels = {"collector": c["name"]}
        info = {k: str("" if c[k] is None else c[k]) for k in ("address", "local", "encap", "vni", "port", "device")}
        add("collector_info", labels | info, 1)
        add("collector_up", labels, c["state"] == "up")
        add("collector_path_mtu_bytes", labels, c["path_mtu"])
        add("collector_needed_mtu_bytes", labels, c["needed_mtu"])
        for handling in ("none", "fragment", "drop"):
            add("collector_oversize", labels | {"handling": handling}, c["oversize"] == handling)
        add("collector_tx_packets_total", labels, c["tx_packets"])
        add("collector_tx_bytes_total", labels, c["tx_bytes"])
        add("collector_tx_dropped_packets_total", labels, c["tx_dropped"])
        add("collector_tx_errors_total", labels, c["tx_errors"])
    for m in status["mirrors"]:
        labels = {k: m[k] for k in ("interface", "direction", "method", "collector")}
        add("mirror_up", labels, m["state"] == "mirroring")
        add("mirror_packets_total", labels, m["packets"])
        add("mirror_bytes_total", labels, m["bytes"])
        add("mirror_dropped_packets_total", labels, m["dropped"])
        add("mirror_repairs_total", labels, m["repairs"])


def expected_collector(status, add):
    for e in status["endpoints"]:
        labels = {"device": e["device"]}
        add("endpoint_info", labels | {k: str(e[k]) for k in ("encap", "vni", "port")}, 1)
        add("endpoint_up", labels, e["state"] == "up")
        add("endpoint_rx_packets_total", labels, e["rx_packets"])
        add("endpoint_rx_bytes_total", labels, e["rx_bytes"])
        add("endpoint_rx_dropped_packets_total", labels, e["rx_dropped"])
    for total in ("accepted", "rejected", "overflow", "malformed", "undelivered"):
        for unit, value in status.get(total, {}).items():
            add(f"{total}_{unit}_total", {}, value)
    add("clients", {}, len(status["clients"]))
    for c in status["clients"]:
        labels = {k: str(c[k]) for k in ("address", "encap", "vni", "name") if c.get(k) is not None}
        add("client_packets_total", labels, c["packets"])
        add("client_bytes_total", labels, c["bytes"])


class Prometheus:
    """A server of its own in a namespace, that scrapes these targets: "HOST:PORT"."""

    def __init__(self, ns, directory, targets):
        self.ns, self.targets = ns, targets
        path = os.path.join(directory, "prometheus.yml")
        with open(path, "w", encoding="ascii") as f:
            json.dump(
                {
                    "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                    "scrape_configs": [{"job_name": "vtap", "static_configs": [{"targets": targets}]}],
                },
                f,
            )
        self.log_path = os.path.join(directory, "prometheus.log")
        with open(self.log_path, "wb") as log:
            self.process = ns.popen(
                program("prometheus"),
                f"--config.file={path}",
                f"--storage.tsdb.path={os.path.join(directory, 'prometheus')}",
                "--web.listen-address=127.0.0.1:9090",
                stdout=log,
                stderr=log,
            )

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def query(self, expression):
        """Pairs of labels and value; none while the server is not up yet."""
        assert self.process.poll() is None, self.log()
        try:
            status, _, text = get(
                self.ns, "127.0.0.1", 9090, "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            )
        except ConnectionError:
            return []
        if status != 200:
            return []
        answer = json.loads(text)
        assert answer["status"] == "success", answer
        return [(r["metric"], float(r["value"][1])) for r in answer["data"]["result"]]

    def values(self, target):
        """All it knows of one target, in the form of parse()."""
        found = {}
        for labels, value in self.query(f'{{instance="{target}"}}'):
            name = labels.pop("__name__")
            del labels["instance"], labels["job"]
            found[key(name, labels)] = value
        return found

    def wait_for(self, target, values, what):
        """Until it has these values."""
        last = {}

        def look():
            last["found"] = self.values(target)
            return all(last["found"].get(k) == v for k, v in values().items())

        def difference():
            return "\n".join(
                f"{k}: {last['found'].get(k)}, not {v}" for k, v in values().items() if last["found"].get(k) != v
            )

        wait_until(look, 60, lambda: f"{what}\n{difference()}\n{self.log()}", 0.25)
