#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The alerts of packaging/prometheus-rules.yml and the metrics of docs/operations.md, on real failures.

Each expression must be true while what it is for has happened to a real service, and none may be while all is well. The scrapes before
and after are those of /metrics; "for:" is not waited for.
"""
import os
import pathlib
import re
import resource
import signal
import socket
import tempfile
import unittest

import prometheus
from redis_sandbox import PROGRAM, RedisServer, eventually, free_port
from serving import Service

SOURCE = pathlib.Path(os.environ["MCPSTATE_SOURCE"])
RULES = {rule.name: rule for rule in prometheus.rules_in((SOURCE / "packaging/prometheus-rules.yml").read_text("utf-8"))}
PAGE = (SOURCE / "docs/operations.md").read_text("utf-8")
SEEN = {}  # rule: the test that saw it fire


def fires(*names):
    """Marks the test that sees these alerts fire."""
    def mark(test):
        for name in names:
            SEEN[name] = test.__name__
        return test
    return mark


class AlertsTest(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def serve(self, *more):
        service = Service(PROGRAM, "--store", self.redis.url(), "--timeout", "1s", "--allow-egress", "127.0.0.1", "--allow-egress",
                          "http", *more, cwd=self.folder.name)
        self.addCleanup(service.end)
        service.before = self.scrape(service)
        return service

    def scrape(self, *services):
        out = {}
        for service in services:
            instance = {"job": "mcpstate", "instance": f"127.0.0.1:{service.port}"}
            up = 1.0
            try:
                out.update(prometheus.parse(service.ask("GET", "/metrics", timeout=10).body.decode(), **instance))
            except OSError:
                up = 0.0
            out["up", frozenset(instance.items())] = up
        return out

    def firing(self, *services):
        before = {}
        for service in services:
            before.update(service.before)
        after = self.scrape(*services)
        return {name for name, rule in RULES.items() if rule.fires(before, after)}

    def eventually_fires(self, name, *services, limit=40):
        eventually(lambda: name in self.firing(*services), limit, f"{name} fires")

    def freeze(self):
        self.redis.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.redis.process.send_signal, signal.SIGCONT)

    def connect(self, service, server="closed", url=None):
        """A managed connection whose server does not answer."""
        url = url or f"http://127.0.0.1:{free_port()}/mcp"
        answer = service.ask("PUT", f"/v1/users/42/connections/{server}", {"url": url})
        self.assertIn(answer.status, (200, 202), answer.body)
        eventually(lambda: service.connections("user:42")[server]["status"] == "FAILED", 20, "the attempt ends")


class Alerts(AlertsTest):
    def test_none_fires_while_all_is_well(self):
        service = self.serve()
        answer = service.ask("PUT", "/v1/users/42/connections/github/state", {"status": "CONNECTED", "tools": []})
        self.assertEqual(answer.status, 200, answer.body)
        for path in ("/readyz", "/v1/users/42/connections", "/v1/stats", "/v1/users/nobody/connections/x", "/nowhere"):
            service.ask("GET", path)
        self.assertEqual(self.firing(service), set())

    # An alarm that asks for "unavailable" alone sleeps through a server that hangs, and one for the operations of requests through
    # a night in which nobody asks for anything.
    @fires("McpstateStoreDoesNotAnswer", "McpstateStoreFails", "McpstateLeasesLost", "McpstateHasARemark")
    def test_a_store_that_hangs_is_noticed_while_nobody_asks(self):
        service = self.serve("--lease", "1s")
        self.connect(service)
        service.before = self.scrape(service)
        self.freeze()
        for name in ("McpstateStoreFails", "McpstateLeasesLost", "McpstateHasARemark", "McpstateStoreDoesNotAnswer"):
            self.eventually_fires(name, service)
        timeouts = {dict(labels)["operation"]: value for (name, labels), value in self.scrape(service).items()
                    if name == "mcpstate_store_operations_total" and dict(labels)["outcome"] == "timeout" and value > 0}
        self.assertIn("beat", timeouts)
        self.redis.process.send_signal(signal.SIGCONT)
        eventually(lambda: "McpstateStoreDoesNotAnswer" not in self.firing(service), 20, "the alarm ends")
        service.before = self.scrape(service)
        eventually(lambda: service.ask("GET", "/readyz").status == 200, 20, "ready again")

    @fires("McpstateRequestsFail")
    def test_a_store_that_is_gone_is_noticed_and_so_are_requests_that_fail(self):
        service = self.serve()
        self.redis.stop()
        answer = service.ask("GET", "/v1/users/42/connections")
        self.assertEqual(answer.status, 503, answer.body)
        self.eventually_fires("McpstateStoreFails", service)
        self.eventually_fires("McpstateRequestsFail", service)

    @fires("McpstateStoreIsFull")
    def test_a_full_store_is_noticed(self):
        service = self.serve()
        self.redis.client().config_set("maxmemory", 1)
        answer = service.ask("PUT", "/v1/users/42/connections/github/state", {"status": "CONNECTED", "tools": []})
        self.assertEqual(answer.status, 507, answer.body)
        self.assertIn("McpstateStoreIsFull", self.firing(service))

    @fires("McpstateStoreLostRecords")
    def test_a_store_that_was_flushed_is_noticed(self):
        service = self.serve()
        self.connect(service)
        self.redis.client().flushall()
        self.eventually_fires("McpstateStoreLostRecords", service)

    @fires("McpstateConnectionsUnmanaged", "McpstateDown")
    def test_connections_that_nobody_manages_are_noticed(self):
        first = self.serve("--lease", "5s")
        self.connect(first)
        second = self.serve("--lease", "5s")
        eventually(lambda: second.ask("GET", "/v1/instances").json["managed"] == 1, 20, "the second one knows of it")
        holder, other = (first, second) if first.ask("GET", "/v1/stats").json["kept_here"] else (second, first)
        holder.end(signal.SIGKILL)
        self.assertIn("McpstateDown", self.firing(holder, other))
        self.eventually_fires("McpstateConnectionsUnmanaged", other)
        eventually(lambda: "McpstateConnectionsUnmanaged" not in self.firing(other), 40, "the other takes it over")

    @fires("McpstateConnectsFail")
    def test_servers_that_cannot_be_reached_are_noticed(self):
        service = self.serve()
        self.connect(service)
        self.assertIn("McpstateConnectsFail", self.firing(service))

    @fires("McpstateDescriptorsRunOut")
    def test_descriptors_that_run_out_are_noticed(self):
        service = self.serve()

        # What it used to start is closed sooner or later. One is for the request, and one to look at itself.
        def fires_with_two_left():
            used = len(os.listdir(f"/proc/{service.process.pid}/fd"))
            resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (used + 2, used + 2))
            return "McpstateDescriptorsRunOut" in self.firing(service)

        eventually(fires_with_two_left, 20, "the alert fires")

    @fires("McpstateLogLinesDropped")
    def test_lines_of_the_log_that_nobody_reads_are_noticed(self):
        service = self.serve("--log-level", "debug")
        request = b"GET /v1/users/nobody/connections HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: " + b"x" * 60 + b"\r\n\r\n"
        with StandingReader(service), socket.create_connection(("127.0.0.1", service.port), timeout=30) as link:
            def more():
                link.sendall(request * 100)
                answered = b""
                while answered.count(b"HTTP/1.1 ") < 100:
                    answered += link.recv(1 << 20)
                return "McpstateLogLinesDropped" in self.firing(service)
            eventually(more, 60, "lines are dropped")

    def test_every_alert_is_seen_to_fire(self):
        self.assertEqual(set(SEEN), set(RULES))

    def test_every_alert_asks_for_metrics_that_exist(self):
        known = set(prometheus.names_of(self.serve().ask("GET", "/metrics").body.decode())) | {"up"}
        for rule in RULES.values():
            with self.subTest(rule.name):
                self.assertLessEqual(rule.metrics, known)
                self.assertIn(f"`{rule.name}`", PAGE)


class Evaluator(unittest.TestCase):
    """What stands in for Prometheus would notice a rule that is wrong."""

    @staticmethod
    def value(text, before, after):
        return prometheus.Expression(text, prometheus.parse(before, instance="a"), prometheus.parse(after, instance="a")).value()

    def test_reads_selectors_functions_and_comparisons(self):
        before, after = 'x_total{o="no"} 1\nx_total{o="yes"} 5\nfds 9\n', 'x_total{o="no"} 4\nx_total{o="yes"} 5\nfds 9\nmax_fds 10\n'
        self.assertEqual(list(self.value('increase(x_total{o="no"}[5m]) > 2', before, after).values()), [3.0])
        self.assertEqual(self.value('increase(x_total{o="yes"}[5m]) > 0', before, after), {})
        self.assertEqual(self.value('sum by (instance) (increase(x_total{o=~"no|yes"}[5m])) > 0', before, after),
                         {frozenset({("instance", "a")}): 3.0})
        self.assertEqual(self.value("sum(x_total) > max(x_total)", before, after), {frozenset(): 9.0})
        self.assertEqual(list(self.value("fds > 0.8 * max_fds", before, after).values()), [9.0])
        self.assertEqual(self.value("fds > 0.95 * max_fds", before, after), {})

    def test_a_series_that_was_not_there_has_no_increase(self):
        self.assertEqual(self.value('increase(x_total{o="no"}[5m]) > 0', "y 1\n", 'x_total{o="no"} 4\n'), {})

    def test_a_metric_that_is_not_there_fires_nothing(self):
        self.assertEqual(self.value("sum(nowhere) > 0", "", "x 1\n"), {})

    def test_what_is_not_understood_is_an_error(self):
        for text in ("rate(x[5m]) > 0", "x > 0 and y > 0", "x / 2 > 0", "x > 0 )", "absent(x)"):
            with self.subTest(text), self.assertRaises((AssertionError, IndexError)):
                self.value(text, "x 1\n", "x 1\n")
        with self.assertRaises(AssertionError):
            prometheus.rules_in("  - alert: A\n    for: 1m\n    expr: x > 0\n")


class StandingReader:
    """While it is open, nobody reads the log of the service."""

    def __init__(self, service):
        self.service = service

    def __enter__(self):
        self.service.hold.clear()

    def __exit__(self, *_):
        self.service.hold.set()


class Metrics(unittest.TestCase):
    """The table of the page is what a service has, from its first moment on."""

    def setUp(self):
        self.documented = {}
        for name, kind, labels in re.findall(r"^\| `(mcpstate_\w+)` \| (\w+) \| ([^|]*)\|", PAGE, re.M):
            self.documented[name] = (kind, set(re.findall(r"`(\w+)`", labels)))
        self.processes = set(re.findall(r"`(process_\w+)`", PAGE[PAGE.index("And what every Prometheus client has"):][:400]))
        self.service = Service(PROGRAM, "--store", "memory:")
        self.addCleanup(self.service.end)
        self.text = self.service.ask("GET", "/metrics").body.decode()

    def test_are_those_of_the_page(self):
        present = prometheus.names_of(self.text)
        self.assertEqual({name: kind for name, (kind, _) in self.documented.items()},
                         {name: kind for name, kind in present.items() if name.startswith("mcpstate_")})
        self.assertEqual(self.processes, {name for name in present if name.startswith("process_")})

    def test_are_there_from_the_start(self):
        samples = prometheus.parse(self.text)
        for name, (kind, labels) in self.documented.items():
            with self.subTest(name):
                series = {key: value for key, value in samples.items() if key[0] in (name, name + "_count")}
                self.assertTrue(series, "no sample before the first event: increase() would miss it")
                self.assertEqual({label for _, pairs in series for label, _ in pairs}, labels)
                # The store has been asked for beats already.
                if kind == "counter" and not name.startswith("mcpstate_store_"):
                    self.assertEqual(set(series.values()), {0.0})


if __name__ == "__main__":
    unittest.main(verbosity=2)
