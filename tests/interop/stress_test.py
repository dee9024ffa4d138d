#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Eight processes write the same owner as fast as they can; then every invariant is checked over the whole key space, by
doctor and, on Redis, by looking at the keys with a client that is not ours."""
import json
import os
import random
import subprocess
import time
import unittest

from redis_sandbox import RedisServer, Sandbox, broken_invariants

WRITER = os.environ["MCPSTATE_STRESS_WRITER"]
SEED = int(os.environ.get("MCPSTATE_SEED") or random.SystemRandom().randrange(2**32))
PROCESSES, SECONDS = 8, 10
KINDS = {"put", "get", "put on a basis", "list", "touch", "disconnect", "disconnect all", "claim", "clear",
         "put for a session"}


def ended(writer, until):
    """What a writer left: its exit code (None: it still ran, and was killed), its report, and what it complained about."""
    try:
        out, err = writer.communicate(timeout=max(0.1, until - time.monotonic()))
        return writer.returncode, out, err
    except subprocess.TimeoutExpired:
        writer.kill()
        out, err = writer.communicate(timeout=20)
        return None, out, err


def told(number, code, out, err):
    how = "still ran and was killed" if code is None else f"ended with {code}"
    return f"writer {number} {how}\n{out.decode(errors='replace')}{err.decode(errors='replace')}"


class Stress(unittest.TestCase):
    maxDiff = None

    def stress(self, url, log=lambda: ""):
        """Answers the sandbox and the highest revision that anybody saw of each server. Whatever goes wrong, everything that
        every writer said is in the message."""
        box = Sandbox(store=url)
        self.addCleanup(box.close)
        print(f"MCPSTATE_SEED={SEED}, load {os.getloadavg()}", flush=True)
        commands = [[WRITER, url, str(SECONDS), str(SEED + n)] for n in range(PROCESSES)]
        writers = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for c in commands]
        until = time.monotonic() + SECONDS * 6
        left = [ended(writer, until) for writer in writers]
        if any(code != 0 or err for code, _, err in left):
            everything = "\n".join(told(n, *one) for n, one in enumerate(left))
            self.fail(f"MCPSTATE_SEED={SEED}, load {os.getloadavg()}\n{everything}\n{log()}")
        done, slowest, highest = {}, {}, {}
        for said in (json.loads(out) for _, out, _ in left):
            for name, n in said["done"].items():
                done[name] = done.get(name, 0) + n
            for into, more in ((slowest, said["slowest"]), (highest, said["highest"])):
                for name, n in more.items():
                    into[name] = max(into.get(name, 0), n)
        print(sum(done.values()), "operations:", done, "\nslowest, in ms:", slowest, flush=True)
        self.assertLessEqual(KINDS, set(done), "every kind of operation has succeeded")
        self.assertGreater(done.get("put on a basis refused", 0), 0, "nobody was ever in another's way")
        found = box.run("doctor", "--json")
        self.assertEqual(found.code, 0, found)
        self.assertEqual([f for f in found.json["findings"] if f["level"] == "problem"], [])
        return box, highest

    def check_revisions(self, box, highest):
        """What is written now has a higher revision than anything that anybody saw."""
        for server, seen in highest.items():
            after = box.json("set", "user:stress", server, "DISCONNECTED")["revision"]
            self.assertGreater(after, seen, server)

    def test_eight_writers_of_one_owner_on_redis(self):
        with RedisServer() as server:
            box, highest = self.stress(server.url(), server.log)
            client = server.client()
            self.addCleanup(client.connection_pool.disconnect)
            self.assertEqual(broken_invariants(client), [])
            self.assertEqual([k for k in client.scan_iter() if b":staging:" in k], [])
            for key in client.scan_iter(match="mcp:user:stress:server:*:tools"):
                name = key.split(b":")[4].decode()
                self.assertEqual([tool["of"] for tool in json.loads(client.get(key))], [name])
            for key in client.scan_iter(match="mcp:*:info"):
                info, base = json.loads(client.get(key)), key[:-len("info")]
                at = client.get(base + b"connected_at")
                self.assertEqual(info.get("connected_at"), at and at.decode(), key)
                word = {"CONNECTING": "DISCONNECTED", "AUTH_REQUIRED": "FAILED"}.get(info["status"], info["status"])
                self.assertEqual(client.get(base + b"status").decode(), word, key)
                # What :info says of its expiry is when its keys expire.
                self.assertLess(abs(client.execute_command("PEXPIRETIME", key) - info["expires_at"]), 1000, key)
            self.check_revisions(box, highest)

    def test_eight_writers_of_one_owner_on_sqlite(self):
        with Sandbox() as home:
            box, highest = self.stress("sqlite:" + os.path.join(home.home, "state.db"))
            self.check_revisions(box, highest)


if __name__ == "__main__":
    unittest.main(verbosity=2)
