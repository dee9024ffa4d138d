#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`mcpstate serve` and `mcpstate doctor` on a Redis where another program has replaced single keys: each costs itself only."""
import json
import pathlib
import re
import tempfile
import unittest

import openapi_check
from redis_sandbox import PROGRAM, RedisServer, Sandbox, eventually, free_port
from serving import EverythingServer, Service, path_of

DOCUMENT = openapi_check.Document((pathlib.Path(__file__).resolve().parents[2] / "src/service/routes/openapi.json").read_text("utf-8"))
OWNERS = [f"user:{n}" for n in range(4)]
BROKEN = "mcp:user:2:server:web:lease"


class WrongKeys(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.close)
        self.client = self.redis.client()
        self.addCleanup(self.client.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def serve(self, *words):
        service = Service(PROGRAM, "--store", f"redis://127.0.0.1:{self.redis.port}/0", *words, cwd=self.folder.name)
        self.addCleanup(service.end)
        return service

    def metric(self, service, name):
        found = re.search(rf"^{re.escape(name)} (\d+)", service.ask("GET", "/metrics").body.decode(), re.M)
        return int(found[1])

    def test_a_wrong_lease_key_costs_its_connection_only_and_is_logged_once(self):
        web = EverythingServer(free_port())
        self.addCleanup(web.end)
        servers = pathlib.Path(self.folder.name) / "servers.json"
        servers.write_text(json.dumps({"mcpServers": {"web": {"url": web.url}}}), encoding="utf-8")
        service = self.serve("--servers", str(servers), "--lease", "3s")
        for owner in OWNERS:
            answer = service.ask("PUT", f"{path_of(owner)}/connections/web?wait=20s", {})
            self.assertEqual(answer.json["status"], "CONNECTED", answer.body)
        lost = 'mcpstate_leases_total{event="lost"}'
        self.assertEqual(self.metric(service, lost), 0)
        pipe = self.client.pipeline()
        pipe.delete(BROKEN)
        pipe.sadd(BROKEN, "theirs")
        pipe.execute()
        told = lambda: [line for line in service.log if BROKEN in line]
        eventually(told, 20, "a line about the key in the log")
        # Its neighbours are renewed several times more, and stay.
        leases = [f"mcp:{owner}:server:web:lease" for owner in OWNERS if f"mcp:{owner}:server:web:lease" != BROKEN]
        held = [self.client.get(lease) for lease in leases]
        began = self.client.time()[0]
        eventually(lambda: self.client.time()[0] > began + 6, 20, "two lease times")
        self.assertEqual([self.client.get(lease) for lease in leases], held, "the same leases, by the same holder")
        self.assertEqual(self.metric(service, lost), 1)
        self.assertEqual(len(told()), 1)
        # And the connection comes back with its key.
        self.client.delete(BROKEN)
        eventually(lambda: self.client.get(BROKEN), 90, "a lease again")

    def test_an_unknown_status_is_neither_gone_nor_disconnected(self):
        with Sandbox(store=self.redis.url()) as box:
            box.ok("set", "user:42", "odd", "CONNECTED")
            box.ok("set", "user:42", "good", "CONNECTED")
            service = self.serve()
            key = "mcp:user:42:server:odd:status"
            for code, replace in [("junk_record", lambda: self.client.set(key, "up", px=600000)),
                                  ("wrong_type", lambda: (self.client.delete(key), self.client.rpush(key, "x"))),
                                  ("junk_record", lambda: (self.client.delete(key), self.client.setrange(key, 50_000_000, "x")))]:
                replace()
                target = "/v1/users/42/connections"
                for path in (target, target + "/odd"):
                    answer = service.ask("GET", path)
                    self.assertEqual(answer.status, 200)
                    DOCUMENT.check_answer("GET", path, answer.status, answer.headers.get("Content-Type", ""), answer.body)
                    records = answer.json if isinstance(answer.json, list) else [answer.json]
                    odd = next(one for one in records if one["server"] == "odd")
                    self.assertNotIn("status", odd)
                    self.assertEqual(odd["error"]["code"], code)
                self.assertEqual(service.connections("user:42")["good"]["status"], "CONNECTED")
                shown = json.loads(box.ok("show", "user:42", "odd", "--json").out)
                self.assertNotIn("status", shown)
                self.assertIn("unknown", box.ok("show", "user:42", "odd").text)
                self.assertIn("unknown", box.ok("list", "user:42").text)
            box.ok("set", "user:42", "odd", "FAILED")
            self.assertEqual(service.connections("user:42")["odd"]["status"], "FAILED")

    def test_doctor_examines_and_repairs_an_owner_with_very_many_servers(self):
        count = 30_000
        pipe = self.client.pipeline(transaction=False)
        for n in range(count):
            pipe.sadd("mcp:user:1:connections", f"s{n}")
            if n % 3:
                pipe.set(f"mcp:user:1:server:s{n}:status", "CONNECTED", px=600000)
            if n % 5000 == 4999:
                pipe.execute()
        with Sandbox(store=self.redis.url()) as box:
            found = box.run("doctor", "--json", timeout=200)
            self.assertEqual(found.code, 1, found)
            checks = {one["check"]: one for one in found.json["findings"]}
            self.assertEqual(checks["ghosts"]["count"], count // 3)
            self.assertEqual(checks["reachable"]["level"], "ok")
            fixed = box.run("doctor", "--fix", "--json", timeout=200)
            self.assertEqual(fixed.code, 0, fixed)
            checks = {one["check"]: one for one in fixed.json["findings"]}
            self.assertEqual(checks["ghosts"]["level"], "repaired")


if __name__ == "__main__":
    unittest.main(verbosity=2)
