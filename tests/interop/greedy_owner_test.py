#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate serve, and an owner who asks for large answers again and again and reads none of them: how much memory that takes, and
how long others wait.

usage: greedy_owner_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import concurrent.futures
import json
import pathlib
import socket
import sys
import threading
import time

import cli_sandbox
import hostile_server
import redis_sandbox
import serving
from running_service import CheckedService, ServiceTest

TOKEN = "a-service-token-of-enough-bytes"
LIST = 8 << 20                  # bytes of one tool list
RESULT = 24 << 20               # bytes of one result of a tool
SHARE = 64 << 20                # of one owner, in answers that are under way
ROOM = 48 << 20                 # what else a large read may take for a while: the store's own copy
PATIENCE = 5                    # seconds that another owner waits at most, on a machine that others use as well


def report(size):
    return json.dumps({"status": "CONNECTED", "tools": [{"name": "t" * 4000}] * (size // 4014)}).encode()


class Greedy:
    """A client that asks, and takes what its small buffer takes."""

    def __init__(self, test, port, target, token):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        test.addCleanup(self.socket.close)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())

    def status(self):
        return int(self.socket.recv(12).split()[1])


class Watch(threading.Thread):
    """The most memory that a process has while this runs."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, 0, threading.Event()

    def resident(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024

    def run(self):
        while not self.over.wait(0.01):
            self.most = max(self.most, self.resident())

    def stop(self):
        self.over.set()
        self.join()
        return self.most


class GreedyOwner(ServiceTest):
    words = ("--owner-bytes", "0")  # no limit: the lists are to be larger than an answer may be

    def setUp(self):
        super().setUp()
        self.service = CheckedService(self, *self.words, env={"MCPSTATE_TOKEN": TOKEN})
        self.service.token = TOKEN
        self.ask = self.service.ask
        self.mallory = self.ask("POST", "/v1/tokens", {"owner": "user:mallory"}).json["token"]
        self.bob = self.ask("POST", "/v1/tokens", {"owner": "user:bob"}).json["token"]
        self.ask("DELETE", "/v1/users/mallory")  # of the test before, on a store that outlives it
        put = self.ask("PUT", "/v1/users/bob/connections/a/state", {"status": "CONNECTED", "tools": [{"name": "a"}]}, token=self.bob)
        self.assertEqual(put.status, 200)

    def store_lists(self, count):
        body = report(LIST)
        for number in range(count):
            put = self.ask("PUT", f"/v1/users/mallory/connections/s{number}/state", body)
            self.assertEqual(put.status, 200, put.body)

    def longest_wait(self, seconds):
        """Of another owner's list, asked for again and again."""
        longest, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.monotonic()
            answer = self.ask("GET", "/v1/users/bob/connections?tools=true")  # by a service: its rate has no limit
            self.assertEqual(answer.status, 200, answer.body)
            longest = max(longest, time.monotonic() - begun)
        return longest

    def attack(self):
        """The statuses that eight clients get, the memory that they take, and how long somebody else waits meanwhile."""
        watch = Watch(self.service.process.pid)
        before = watch.resident()
        watch.start()
        clients = [Greedy(self, self.service.port, "/v1/users/mallory/connections?tools=true", self.mallory) for _ in range(8)]
        longest = self.longest_wait(3)
        statuses = sorted(each.status() for each in clients)
        taken = watch.stop() - before
        print(f"{self.id()}: {statuses}, {taken >> 20} MiB, {longest * 1000:.0f} ms", file=sys.stderr)
        self.assertLess(longest, PATIENCE)
        for each in clients:
            each.socket.close()
        return statuses, taken

    def test_lists_that_nobody_reads_take_no_more_than_the_share(self):
        self.store_lists(6)  # 48 MiB: one fits
        statuses, taken = self.attack()
        self.assertIn(200, statuses)
        self.assertIn(503, statuses)
        self.assertLess(taken, SHARE + 2 * ROOM)

    def test_a_list_that_never_fits_is_not_read(self):
        self.store_lists(12)  # 96 MiB
        statuses, taken = self.attack()
        self.assertEqual(set(statuses), {422})
        self.assertLess(taken, ROOM)
        refused = self.ask("GET", "/v1/users/mallory/connections?tools=true", token=self.mallory)
        self.assertEqual(refused.slug, "answer-too-large")
        one = self.ask("GET", "/v1/users/mallory/connections/s3/tools", token=self.mallory)
        self.assertEqual((one.status, len(one.body) >> 20), (200, 7), "each list can be read alone")

    def test_bodies_that_never_come_stop_nobody(self):
        for number in range(8):
            client = socket.create_connection(("127.0.0.1", self.service.port))
            self.addCleanup(client.close)
            client.sendall(f"PUT /v1/users/mallory/connections/s{number}/state HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                           f"{self.mallory}\r\nContent-Type: application/json\r\nContent-Length: 17000000\r\n\r\n{{".encode())
        for _ in range(20):
            put = self.ask("PUT", "/v1/users/bob/connections/a/state", {"status": "CONNECTED"}, token=self.bob)
            self.assertEqual(put.status, 200, put.body)


class GreedyOwnerOnRedis(GreedyOwner):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.redis = redis_sandbox.RedisServer()
        cls.words = (*GreedyOwner.words, "--store", cls.redis.url())

    @classmethod
    def tearDownClass(cls):
        cls.redis.close()
        super().tearDownClass()


class LargeResults:
    """Answers calls with 24 MiB each, all at the same time once so many are there."""

    def __init__(self, expected):
        self.expected, self.arrived, self.lock, self.all = expected, 0, threading.Lock(), threading.Event()

    def behave(self, exchange):
        with self.lock:
            self.arrived += 1
            if self.arrived >= self.expected:
                self.all.set()
        self.all.wait(60)
        exchange.result('{"content":[],"text":"' + "x" * RESULT + '"}')


class ResultsAtOnce(ServiceTest):
    def test_large_results_at_once_take_no_more_than_their_room(self):
        results = LargeResults(8)
        server = hostile_server.HostileServer(hostile_server.polite_but(tools_call=results.behave))
        self.addCleanup(server.close)
        file = self.home / "servers.json"
        file.write_text(json.dumps({"mcpServers": {"big": {"url": server.url}}}), encoding="utf-8")
        service = CheckedService(self, "--servers", str(file), env={"MCPSTATE_TOKEN": TOKEN})
        service.token = TOKEN
        put = service.ask("PUT", "/v1/users/mallory/connections/big?wait=20s", {"server": "big"})
        self.assertEqual(put.json["status"], "CONNECTED", put.body)
        watch = Watch(service.process.pid)
        before = watch.resident()
        watch.start()
        with concurrent.futures.ThreadPoolExecutor(8) as callers:
            answers = list(callers.map(lambda _: self.call(service), range(8)))
        taken = watch.stop() - before
        statuses = sorted(each.status for each in answers)
        print(f"{self.id()}: {statuses}, {taken >> 20} MiB", file=sys.stderr)
        self.assertEqual(set(statuses), {200, 503})
        for refused in (each for each in answers if each.status == 503):
            self.assertEqual((refused.slug, refused.headers["Retry-After"]), ("busy", "1"))
            self.assertRegex(refused.json["detail"], "was carried out|was called|nothing was called")
        self.assertLess(taken, 3 * SHARE + ROOM)
        self.assertEqual(self.call(service).status, 200, "one by itself always finds room")

    @staticmethod
    def call(service):
        link = service.link(100)
        try:
            return serving.ask(link, "POST", "/v1/users/mallory/connections/big/tools/plain/call", {}, {"Authorization": f"Bearer {TOKEN}"})
        finally:
            link.close()


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
