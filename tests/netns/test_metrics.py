# SPDX-License-Identifier: BSD-2-Clause
"""/metrics of both daemons: what Prometheus reads, and that no reader is ever in the way."""

import http.client
import re
import socket

import prometheus
import traffic
from daemon import DEADLINE
from lab import ALLOW, CLIENT_CONF, COLLECTOR4, COLLECTOR6, COLLECTOR_CONF
from netns import wait_until

COLLECTOR_METRICS = 'metrics { listen = "127.0.0.1:9478" }\n'
CLIENT_METRICS = 'metrics { listen = "10.88.0.11:9479" }\n'


def listening(ns):
    """Local addresses of listening TCP sockets in the namespace."""
    return set(re.findall(r"^LISTEN\s+\d+\s+\d+\s+(\S+)", ns.run("ss", "-Hltn").stdout, re.M))


def test_a_prometheus_has_the_numbers_of_vtapstat(lab):
    lab.second_network(lab.client1, lab.coll)  # not mirrored, so that reading changes no counter
    collector, client = lab.pair(COLLECTOR_CONF + COLLECTOR_METRICS, CLIENT_CONF + CLIENT_METRICS)
    targets = ["127.0.0.1:9478", "10.88.0.11:9479"]
    with prometheus.Prometheus(lab.coll, lab.directory, targets) as server:
        wait_until(
            lambda: sorted(v for _, v in server.query('up{job="vtap"}')) == [1, 1], 60, lambda: f"up\n{server.log()}", 0.25
        )
        for _ in range(2):
            traffic.ping(lab.client1, lab.peer.address4, (100, 1514) * 20)
            collector.wait(lambda s: s["clients"] and s["clients"][0]["packets"] >= 80, "80 packets")
            for daemon, target in ((collector, targets[0]), (client, targets[1])):
                server.wait_for(target, lambda d=daemon: prometheus.expected(d.status()), f"{daemon.name}'s numbers")
        ((_, rate),) = server.query("sum(increase(vtap_client_mirror_packets_total[1m]))")
        assert rate > 0
        # what the status says in words is there too
        lab.client1.ip("route add blackhole 10.77.0.99/32")
        client.wait(lambda s: s["state"] == "degraded", "degraded")
        server.wait_for(targets[1], lambda: prometheus.expected(client.status()), "degraded")
        client.expect("blocked")


def test_promtool_finds_nothing(lab):
    config = f'''{ALLOW}vxlan {{ underlay = "dual" }}\n{COLLECTOR_METRICS}'''
    odd = 'so"c\\{}'
    quoted = odd.replace("\\", "\\\\").replace('"', '\\"')
    collector, client = lab.pair(
        config,
        f'collector "{quoted}" {{ address = "{COLLECTOR6}" device = "vtap-a" oversize = "drop" }}\n'
        f'collector "b" {{ address = "{COLLECTOR4}" vni = 43 }}\n'
        f'mirror "eth0" {{ collector = {{"{quoted}", "b"}} }}\n'
        'metrics { listen = "[::1]:9479" }\n',
    )
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    collector.wait(lambda s: s["clients"] and s["clients"][0]["packets"] >= 10, "10 packets")
    for daemon, ns, host, port in (
        (collector, lab.coll, "127.0.0.1", 9478),
        (client, lab.client1, "::1", 9479),
    ):
        text = prometheus.scrape(ns, host, port)
        values = prometheus.parse(text)
        values.pop(prometheus.key("process_start_time_seconds", {}))
        status = daemon.status()
        for name, value in prometheus.expected(status).items():
            assert name in values, name
            assert value >= values[name] or not name[0].endswith("_total"), name
        prometheus.promtool(text)
    assert any(("collector", odd) in labels for _, labels in values)
    assert any(c["address"] == lab.client1.address6 for c in collector.status()["clients"])


def test_client_series_can_be_left_out(lab):
    collector, _ = lab.pair(COLLECTOR_CONF + 'metrics { listen = "127.0.0.1:9478" clients = false }\n')
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    collector.wait(lambda s: s["clients"] and s["clients"][0]["packets"] >= 10, "10 packets")
    text = prometheus.scrape(lab.coll, "127.0.0.1", 9478)
    assert "vtap_collector_client_" not in text and "\nvtap_collector_clients 1\n" in text
    prometheus.promtool(text)


def test_off_by_default_and_changed_by_a_reload(lab):
    collector, client = lab.pair()
    assert listening(lab.coll) == listening(lab.client1) == set()
    before = prometheus.expected(client.status())
    client.reload(CLIENT_CONF + 'metrics { listen = "127.0.0.1:9479" }\n')
    assert listening(lab.client1) == {"127.0.0.1:9479"}
    reader = http.client.HTTPConnection("127.0.0.1", 9479, timeout=20)
    with lab.client1:
        reader.connect()  # and asks only after the address has changed
    collector.reload(COLLECTOR_CONF + 'metrics { listen = "[::1]:9478" }\n')
    assert listening(lab.coll) == {"[::1]:9478"}
    client.reload(CLIENT_CONF + 'metrics { listen = "0.0.0.0:9479" }\n')
    assert listening(lab.client1) == {"0.0.0.0:9479"}
    reader.request("GET", "/metrics")
    assert "vtap_client_mirror_up" in reader.getresponse().read().decode()
    values = prometheus.parse(prometheus.scrape(lab.client1, lab.client1.address4, 9479))
    assert values.keys() >= before.keys()
    assert all(values[k] >= v for k, v in before.items())
    # a bad value changes nothing
    client.expect(r"client-1\.conf:3: listen \"localhost:9479\" is not", "not reloaded")
    client.reload(CLIENT_CONF + 'metrics { listen = "localhost:9479" }\n')
    assert listening(lab.client1) == {"0.0.0.0:9479"}
    client.reload(CLIENT_CONF)
    collector.reload(COLLECTOR_CONF)
    assert listening(lab.coll) == listening(lab.client1) == set()
    assert client.status()["state"] == collector.status()["state"] == "ok"


def test_a_restart_has_its_port_again_at_once(lab):
    collector = lab.collector(COLLECTOR_CONF + COLLECTOR_METRICS)
    prometheus.scrape(lab.coll, "127.0.0.1", 9478)
    for end in (collector.leave, collector.stop, collector.kill):
        end()
        collector.start()
        prometheus.scrape(lab.coll, "127.0.0.1", 9478)
    assert "no metrics" not in collector.log()


def test_a_taken_port_is_waited_for(lab):
    with lab.client1:
        other = socket.create_server(("127.0.0.1", 9479))
    _, client = lab.pair(client=CLIENT_CONF + 'metrics { listen = "127.0.0.1:9479" }\n')
    client.expect("no metrics: cannot listen on 127.0.0.1:9479: Address already in use")
    # an address that is not there yet is the same
    client.reload(CLIENT_CONF + 'metrics { listen = "10.99.0.1:9479" }\n')
    client.expect("no metrics: cannot listen on 10.99.0.1:9479: Cannot assign requested address")
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    client.wait(lambda s: s["state"] == "ok" and sum(m["packets"] for m in s["mirrors"]) >= 10, "mirrors")
    lab.client1.ip("addr add 10.99.0.1/32 dev lo")
    wait_until(lambda: "10.99.0.1:9479" in listening(lab.client1), DEADLINE, client.log)
    client.reload(CLIENT_CONF + 'metrics { listen = "127.0.0.1:9479" }\n')
    other.close()
    wait_until(lambda: "127.0.0.1:9479" in listening(lab.client1), DEADLINE, client.log)
    prometheus.scrape(lab.client1, "127.0.0.1", 9479)
    assert client.log().count("10.99.0.1:9479: Cannot assign") == 1, "once is enough"


def test_readers_are_never_in_the_way(lab):
    collector, client = lab.pair(
        COLLECTOR_CONF + COLLECTOR_METRICS, CLIENT_CONF + 'metrics { listen = "127.0.0.1:9479" }\n'
    )
    crowd = []
    for number in range(100):
        with lab.client1:
            s = socket.create_connection(("127.0.0.1", 9479))
        s.settimeout(30)
        # silent ones, slow ones, some that ask and do not read
        s.sendall((b"", b"GET /me", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")[number % 3])
        crowd.append(s)
    # production and the control socket do not notice
    lab.client1.tc("filter del dev eth0 egress")
    client.wait(lambda s: any(m["repairs"] for m in s["mirrors"]) and s["state"] == "ok", "repair")
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    client.wait(lambda s: sum(m["packets"] for m in s["mirrors"]) >= 10, "mirrors")
    # who is honest gets the answer in spite of them, when the silent ones have lost their place at the latest
    assert "vtap_client_mirror_up" in prometheus.scrape(lab.client1, "127.0.0.1", 9479)
    for number, s in enumerate(crowd):
        answer = b""
        while part := s.recv(65536):
            answer += part
        assert (b"vtap_client_mirror_up" in answer) == (number % 3 == 2), number
        s.close()
    assert prometheus.get(lab.client1, "127.0.0.1", 9479, "/")[0] == 404
    assert prometheus.get(lab.client1, "127.0.0.1", 9479, method="POST")[0] == 405
    assert collector.status()["state"] == "ok"
