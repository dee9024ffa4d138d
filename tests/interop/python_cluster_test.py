#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that know the four documented keys, on a Redis Cluster: by redis-py's RedisCluster, and the example of docs/redis.md."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
from datetime import datetime, timezone

import redis
import redis.cluster
import redis.utils

from redis_cluster import ClusterServers
from redis_sandbox import Sandbox

PAGE = pathlib.Path(os.environ["MCPSTATE_SOURCE"]) / "docs" / "redis.md"
TOOLS = [{"name": "search", "description": "Suche nach Größe"}]
OWNERS = [f"u{n}" for n in range(12)]


class ForeignHost:
    """Another program: plain commands one after the other, names with literal braces so that an owner's keys share a slot."""

    def __init__(self, client):
        self.redis = client

    def connect(self, user, server, tools):
        base = f"mcp:user:{{{user}}}"
        now = datetime.now(timezone.utc).isoformat()
        for field, value in (("status", "CONNECTED"), ("tools", json.dumps(tools)), ("connected_at", now)):
            self.redis.set(f"{base}:server:{server}:{field}", value, ex=3600)
        self.redis.sadd(f"{base}:connections", server)
        self.redis.expire(f"{base}:connections", 3600)

    def disconnect(self, user, server):
        base = f"mcp:user:{{{user}}}"
        self.redis.srem(f"{base}:connections", server)
        self.redis.delete(*(f"{base}:server:{server}:{field}" for field in ("status", "tools", "connected_at")))


class OnACluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = ClusterServers()
        cls.addClassCleanup(cls.cluster.close)
        cls.url = f"redis://127.0.0.1:{cls.cluster.port}"
        cls.redis = redis.cluster.RedisCluster.from_url(cls.url)
        cls.addClassCleanup(cls.redis.close)
        cls.host = ForeignHost(cls.redis)

    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)

    def example(self, user):
        found = re.search(r"<!-- file: connections_cluster.py -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        program = self.box.file("connections_cluster.py", found.group(1))
        done = subprocess.run([sys.executable, program, f"user:{user}"], env=self.box.environment(REDIS_URL=self.url), capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_example_reads_owners_of_all_nodes(self):
        for user in OWNERS:
            self.host.connect(user, "github", TOOLS)
        nodes = {self.redis.keyslot(f"mcp:user:{{{user}}}:connections") * 3 // 16384 for user in OWNERS}
        self.assertEqual(nodes, {0, 1, 2}, "owners on each of the primaries")
        for user in OWNERS:
            self.assertRegex(self.example(user), r"^github since 20\d\d-.*\+00:00 \['search'\]\n$")
        self.host.disconnect("u0", "github")
        self.assertEqual(self.example("u0"), "")

    def test_mcpstate_and_they_read_each_other(self):
        box = Sandbox(store=f"redis-cluster://127.0.0.1:{self.cluster.port}")
        self.addCleanup(box.close)
        tools = box.file("tools.json", json.dumps(TOOLS))
        users = [f"both{n}" for n in range(6)]
        for user in users:
            box.ok("set", f"user:{user}", "ours", "CONNECTED", "--tools", tools)
            self.host.connect(user, "theirs", TOOLS)
            self.assertEqual({one["server"]: one["status"] for one in box.json("list", f"user:{user}")},
                             {"ours": "CONNECTED", "theirs": "CONNECTED"})
            self.assertRegex(self.example(user), r"^ours since .* \['search'\]\ntheirs since .* \['search'\]\n$")
        self.assertLessEqual({f"user:{user}" for user in users}, {one["owner"] for one in box.json("list")})
        box.ok("disconnect", f"user:{users[0]}", "ours")
        self.host.disconnect(users[1], "theirs")
        self.assertNotIn("ours", self.example(users[0]))
        self.assertEqual([one["server"] for one in box.json("list", f"user:{users[1]}") if one["status"] == "CONNECTED"], ["ours"])

    def test_the_client_is_the_one_that_is_meant(self):
        """Of PyPI, with hiredis, where MCPSTATE_REDIS_PY says its version."""
        wanted = os.environ.get("MCPSTATE_REDIS_PY")
        if wanted:
            self.assertTrue(redis.__version__.startswith(wanted + ".") and redis.utils.HIREDIS_AVAILABLE, redis.__version__)

    def test_a_plain_client_is_sent_elsewhere(self):
        refused = 0
        for server in self.cluster.servers[:3]:
            with server.client() as plain:
                try:
                    plain.smembers("mcp:user:{u1}:connections")
                except redis.ResponseError as error:
                    refused += isinstance(error, redis.exceptions.MovedError) or str(error).startswith("MOVED ")
        self.assertEqual(refused, 2)


if __name__ == "__main__":
    unittest.main()
