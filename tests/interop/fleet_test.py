#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Three `mcpstate serve` on one real Redis, and what happens to them: killed, frozen, stopped, Redis gone for a while.

Afterwards every record is right, and every server has one keeper. Programs as servers show that best: who keeps one runs it.
"""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from redis_sandbox import PROGRAM, RedisServer, eventually, free_port
from serving import EVERYTHING, NODE, EverythingServer, Service, path_of

LEASE = 3.0  # seconds
OWNERS = [f"user:{n}" for n in range(6)]


class Fleet(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.http = EverythingServer(free_port())
        self.addCleanup(lambda: self.http.end())
        servers = {"web": {"url": self.http.url}, "program": {"command": NODE, "args": [EVERYTHING, "stdio"]}}
        self.servers = pathlib.Path(self.folder.name) / "servers.json"
        self.servers.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
        self.running = []

    def serve(self, *more, servers=None):
        service = Service(PROGRAM, "--store", f"redis://127.0.0.1:{self.redis.port}/0", "--servers", str(servers or self.servers),
                          "--lease", f"{LEASE:g}s", "--check", "1s", *more, cwd=self.folder.name)
        self.running.append(service)
        self.addCleanup(self.end, service)
        return service

    def end(self, service, number=signal.SIGKILL):
        if service in self.running:
            self.running.remove(service)
            return service.end(number)
        return None

    def connect_all(self, service):
        for owner in OWNERS:
            for server in ("web", "program"):
                answer = service.ask("PUT", f"{path_of(owner)}/connections/{server}", {})
                self.assertIn(answer.status, (200, 202), answer.body)
        self.everything_is_right()

    def all_connected(self):
        service = self.running[0]
        return all(service.connections(owner).get(server, {}).get("status") == "CONNECTED"
                   for owner in OWNERS for server in ("web", "program"))

    def keepers(self):
        """How many programs each process runs."""
        return [len(service.children()) for service in self.running]

    def everything_is_right(self, limit=60):
        eventually(self.all_connected, limit, "every connection CONNECTED")
        eventually(lambda: sum(self.keepers()) == len(OWNERS), limit, "one program per connection")
        fleet = eventually(lambda: self.fleet_of(len(self.running)), limit, "every instance in the fleet, every connection kept once")
        self.assertEqual(fleet["managed"], 2 * len(OWNERS))

    def fleet_of(self, instances):
        fleet = self.running[0].ask("GET", "/v1/instances").json
        kept = sum(one["kept"] for one in fleet["instances"])
        return fleet if len(fleet["instances"]) == instances and kept == fleet["managed"] else None

    def evenly_spread(self):
        fleet = self.fleet_of(len(self.running))
        if not fleet:
            return False
        kept = [one["kept"] for one in fleet["instances"]]
        return max(kept) - min(kept) <= 2

    def test_work_spreads_to_those_that_come(self):
        first = self.serve()
        self.connect_all(first)
        self.serve()
        self.serve()
        eventually(self.evenly_spread, 60, "an even spread over three")
        self.everything_is_right()

    def test_two_that_are_called_the_same_are_two(self):
        first, second = self.serve("--name", "same"), self.serve("--name", "same")
        self.connect_all(first)
        for owner in OWNERS:
            self.assertEqual(second.ask("POST", f"{path_of(owner)}/connections/program/retry").status, 202)
        self.everything_is_right()
        names = [one["name"] for one in first.ask("GET", "/v1/instances").json["instances"]]
        self.assertEqual(len(set(names)), 2, names)
        self.assertTrue(all(name.startswith("same-") for name in names), names)

    def test_one_that_does_not_know_a_server_leaves_it_to_those_that_do(self):
        first = self.serve()
        self.connect_all(first)
        fewer = pathlib.Path(self.folder.name) / "fewer.json"
        fewer.write_text(json.dumps({"mcpServers": {"web": {"url": self.http.url}}}), encoding="utf-8")
        second = self.serve(servers=fewer)
        eventually(lambda: self.fleet_of(2), 20, "both in the fleet")
        until = time.monotonic() + 2 * LEASE
        while time.monotonic() < until:
            self.assertTrue(self.all_connected(), "nothing fails meanwhile")
        self.assertEqual(self.keepers(), [len(OWNERS), 0])
        # Nobody is left who could keep them: they say so, and recover with whoever can.
        self.end(first, signal.SIGTERM)
        programs = lambda: [second.connections(owner)["program"] for owner in OWNERS]
        failed = eventually(lambda: all(one["status"] == "FAILED" for one in programs()) and programs(), 2 * LEASE, "FAILED")
        self.assertEqual({one["error"]["code"] for one in failed}, {"bad_argument"})
        self.assertEqual({second.connections(owner)["web"]["status"] for owner in OWNERS}, {"CONNECTED"})
        self.serve()
        self.everything_is_right()
        self.assertEqual(self.keepers(), [0, len(OWNERS)])

    def test_a_clean_stop_hands_over_within_a_second(self):
        first, second = self.serve(), self.serve()
        self.connect_all(first)
        eventually(self.evenly_spread, 60, "an even spread over two")
        begun = time.monotonic()
        self.assertIn(self.end(first, signal.SIGTERM), (0, 128 + signal.SIGTERM))
        self.assertLess(time.monotonic() - begun, 2.5)
        fleet = eventually(lambda: self.fleet_of(1), 20, "all of it with the other one")
        self.assertEqual(fleet["instances"][0]["kept"], 2 * len(OWNERS))
        self.assertLess(time.monotonic() - begun, LEASE, "nobody waited for a lease to run out")
        self.everything_is_right()
        self.assertEqual(len(second.children()), len(OWNERS))

    def test_one_that_is_killed_is_succeeded_within_the_lease_time(self):
        for _ in range(3):
            self.serve()
        self.connect_all(self.running[0])
        eventually(self.evenly_spread, 60, "an even spread over three")
        killed = self.running[-1]
        begun = time.monotonic()
        self.end(killed)
        eventually(lambda: self.fleet_of(2), LEASE + 10, "its connections with the two others")
        self.assertLess(time.monotonic() - begun, LEASE + 2, "the lease time, and a beat")
        self.everything_is_right()

    def test_one_that_was_frozen_does_not_write_over_its_successor(self):
        for _ in range(3):
            self.serve()
        self.connect_all(self.running[0])
        eventually(self.evenly_spread, 60, "an even spread over three")
        frozen = self.running.pop()
        frozen.send(signal.SIGSTOP)
        try:
            eventually(lambda: self.fleet_of(2), LEASE + 10, "its connections with the two others")
            before = {owner: self.running[0].connections(owner) for owner in OWNERS}
        finally:
            self.running.append(frozen)
            frozen.send(signal.SIGCONT)
        # It comes back, ends what is not its own any more, and gets a share again.
        self.everything_is_right()
        for owner in OWNERS:
            now = self.running[0].connections(owner)
            for server, record in before[owner].items():
                self.assertGreaterEqual(now[server]["revision"], record["revision"])

    def test_redis_may_go_away_for_a_while(self):
        for _ in range(3):
            self.serve()
        self.connect_all(self.running[0])
        self.redis.stop()
        eventually(lambda: self.running[0].ask("GET", "/readyz").status == 503, 20, "not ready without Redis")
        answer = self.running[0].ask("GET", path_of(OWNERS[0]) + "/connections")
        self.assertEqual(answer.status, 503, "unknown is an error, not an empty list")
        # It kept nothing (no persistence): what was connected is forgotten, and can be ordered again.
        self.assertTrue(self.redis.start())
        eventually(lambda: all(each.ask("GET", "/readyz").status == 200 for each in self.running), 30, "ready again")
        self.connect_all(self.running[1])

    def test_what_a_restart_of_redis_has_lost_is_written_again(self):
        for _ in range(2):
            self.serve("--lease", "20s")  # longer than the restart takes
        self.connect_all(self.running[0])
        before = {owner: self.running[0].connections(owner) for owner in OWNERS}
        programs = sorted(child for service in self.running for child in service.children())
        self.redis.stop()
        self.assertTrue(self.redis.start())
        eventually(lambda: self.running[0].ask("GET", path_of(OWNERS[0]) + "/connections").status == 200, 20, "the link is back")
        self.everything_is_right()
        for owner in OWNERS:
            now = self.running[0].connections(owner)
            for server, record in before[owner].items():
                self.assertGreater(now[server]["revision"], record["revision"])
                self.assertEqual(now[server]["tool_count"], record["tool_count"])
        after = sorted(child for service in self.running for child in service.children())
        self.assertEqual(after, programs, "the sessions went on")
        # Told by the next report of each.
        eventually(lambda: all('mcpstate_store_losses_total{cause="replaced"} 1\n' in service.ask("GET", "/metrics").body.decode()
                               for service in self.running), 10, "the loss is counted once by each")

    # As the guide says how to empty the store.
    def test_what_is_removed_by_scan_and_del_stays_away(self):
        for _ in range(2):
            self.serve()
        self.connect_all(self.running[0])
        redis_cli = f"redis-cli -p {self.redis.port}"
        subprocess.run(f'{redis_cli} --scan --pattern "mcp:*" | xargs {redis_cli} del', shell=True, check=True, stdout=subprocess.DEVNULL)
        eventually(lambda: sum(self.keepers()) == 0, 30, "every program ended")
        with self.redis.client() as client:

            def scripts():
                return client.info("commandstats")["cmdstat_evalsha"]["calls"]

            some = scripts() + 300  # of some seconds, in which both look at the store again and again
            eventually(lambda: scripts() > some, 60, "beats")
            left = [key for key in client.keys("mcp:*") if key != b"mcp:instances"]
            self.assertEqual(left, [], "but for who is there")
        for owner in OWNERS:
            self.assertEqual(self.running[0].connections(owner), {})

    def test_a_server_that_dies_fails_everywhere_and_recovers(self):
        for _ in range(2):
            self.serve()
        self.connect_all(self.running[0])
        port = self.http.port
        self.http.end()

        def web():
            return [self.running[1].connections(owner)["web"] for owner in OWNERS]

        failed = eventually(lambda: all(one["status"] == "FAILED" for one in web()) and web(), 60, "FAILED everywhere")
        for record in failed:
            self.assertIn(record["error"]["code"], ("connect_failed", "connection_lost"))
            self.assertGreater(record["tool_count"], 0, "the last good tools survive")
        self.http = EverythingServer(port)
        for owner in OWNERS:
            self.running[0].ask("POST", f"{path_of(owner)}/connections/web/retry")
        self.everything_is_right()

    def test_a_disconnect_by_anybody_ends_it_wherever_it_is_kept(self):
        for _ in range(3):
            self.serve()
        self.connect_all(self.running[0])
        client = self.redis.client()
        for n, owner in enumerate(OWNERS):
            server = self.running[n % 3].ask("DELETE", f"{path_of(owner)}/connections/program") if n % 2 else None
            if server is None:  # a program that knows the four keys only
                client.srem(f"mcp:{owner}:connections", "program")
                client.set(f"mcp:{owner}:server:program:status", "DISCONNECTED")
                client.delete(f"mcp:{owner}:server:program:connected_at")
        eventually(lambda: sum(self.keepers()) == 0, 30, "no program left running")
        for owner in OWNERS:
            self.assertEqual(self.running[0].connections(owner)["program"]["status"], "DISCONNECTED")
            self.assertEqual(self.running[0].connections(owner)["web"]["status"], "CONNECTED")


if __name__ == "__main__":
    os.environ.pop("REDIS_URL", None)
    unittest.main(verbosity=2)
