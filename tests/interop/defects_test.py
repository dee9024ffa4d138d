#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What must not happen: one test for each defect that hand-written keepers of these keys have. On a real redis-server, with
the program itself, looked at with a client that is not ours."""
import json
import os
import random
import signal
import socket
import threading
import time
import unittest

from redis_sandbox import RedisServer, Sandbox, broken_invariants, eventually

SEED = int(os.environ.get("MCPSTATE_SEED") or random.SystemRandom().randrange(2**32))
TOOLS = [{"name": "search", "description": "x" * 200}]


class Defects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"MCPSTATE_SEED={SEED}", flush=True)

    def setUp(self):
        self.random = random.Random(SEED)
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.redis = self.server.client(decode_responses=True)
        self.addCleanup(self.redis.connection_pool.disconnect)
        self.box = Sandbox(store=self.server.url())
        self.addCleanup(self.box.close)
        self.tools = self.box.file("tools.json", json.dumps(TOOLS))

    def connect(self, owner, server, box=None):
        return (box or self.box).json("set", owner, "--tools", self.tools, "--", server, "CONNECTED")

    def servers(self, owner, box=None):
        return {one["server"]: one["status"] for one in (box or self.box).json("list", owner)}

    def snapshot(self, pattern="*"):
        return {k: self.value(k) for k in sorted(self.redis.scan_iter(match=pattern))}

    def value(self, key):
        return sorted(self.redis.smembers(key)) if self.redis.type(key) == "set" else self.redis.get(key)

    def commands_of(self, *words):
        """The commands that clients, not scripts, sent while mcpstate ran with these words."""
        with self.redis.monitor() as monitor:
            self.box.ok(*words)
            self.redis.echo("done")
            out = []
            for command in monitor.listen():
                if command["command"].startswith("ECHO"):
                    return out
                if command["client_type"] != "lua":
                    out.append(command["command"].split(" ")[0].upper())
        return out

    # H1
    def test_a_killed_writer_never_leaves_a_torn_record(self):
        start = time.monotonic()
        self.connect("user:whole", "s")
        usual = time.monotonic() - start
        for n in range(150):
            owner = f"user:k{n}"  # nothing repairs it later
            child = self.box.start("set", owner, "s", "CONNECTED", "--tools", self.tools)
            until = time.monotonic() + self.random.uniform(0, 1.5 * usual)
            while time.monotonic() < until:
                pass
            child.send_signal(signal.SIGKILL)
            child.wait(20)
        self.assertEqual(broken_invariants(self.server.client()), [])
        written = sum(self.redis.get(f"mcp:user:k{n}:server:s:status") == "CONNECTED" for n in range(150))
        self.assertTrue(0 < written < 150, f"{written} of 150 were written: the kills do not meet the writes")
        self.assertEqual(self.box.run("doctor").code, 0)

    # H2
    def test_a_set_never_stays_without_an_expiry(self):
        for words in (["set", "user:1", "a", "CONNECTED"], ["set", "session:s", "b", "FAILED"], ["touch", "user:1"],
                      ["disconnect", "user:1", "a"], ["set", "user:1", "c", "CONNECTED"], ["claim", "session:s", "user:1"]):
            self.box.ok(*words)
            for key in self.redis.scan_iter():
                self.assertGreater(self.redis.ttl(key), 0, f"{key} after {words}")
        self.assertEqual(broken_invariants(self.server.client()), [])

    def test_a_set_is_renewed_however_often_its_records_are(self):
        for _ in range(3):
            self.box.ok("set", "user:1", "a", "CONNECTED")
            for which in ("connections", "servers"):  # as if most of its time had passed in many such writes
                self.redis.pexpire("mcp:user:1:" + which, 60_000)
        self.box.ok("set", "user:1", "a", "CONNECTED")
        self.assertEqual(broken_invariants(self.server.client()), [])

    def test_a_set_that_another_program_made_anew_expires_too(self):
        self.box.ok("set", "user:1", "a", "CONNECTED")
        self.redis.srem("mcp:user:1:connections", "a")
        self.redis.sadd("mcp:user:1:connections", "a")
        self.assertEqual(self.redis.ttl("mcp:user:1:connections"), -1)
        self.box.ok("set", "user:1", "a", "CONNECTED")
        self.assertEqual(broken_invariants(self.server.client()), [])

    def test_a_claim_leaves_no_half_of_what_another_program_wrote(self):
        base = "mcp:session:s:server:a:"
        for status, at in (("FAILED", "2026-11-22T14:30:59.553780+00:00"), ("CONNECTED", "2026-11-22T14:30:59"), ("up", None)):
            self.redis.set(base + "status", status, ex=86400)
            if at:
                self.redis.set(base + "connected_at", at, ex=86400)
            self.redis.sadd("mcp:session:s:connections", "a")
            self.box.ok("claim", "session:s", "user:1")
            self.assertEqual(broken_invariants(self.server.client()), [], status)
            self.box.ok("clear", "user:1", "--yes")

    def test_a_name_never_outlives_its_record_as_a_ghost(self):
        short = Sandbox(store=self.server.url(), ttl="1s")
        self.addCleanup(short.close)
        self.connect("user:1", "a", short)
        eventually(lambda: self.redis.get("mcp:user:1:server:a:status") is None, what="the record's end")
        self.assertEqual(self.servers("user:1"), {})
        eventually(lambda: self.redis.dbsize() == 0, what="the end of the sets")

    # H3
    def test_a_connection_in_use_never_expires_under_its_user(self):
        short = Sandbox(store=self.server.url(), ttl="3s")
        self.addCleanup(short.close)
        self.connect("user:1", "used", short)
        self.connect("user:1", "idle", short)
        until = time.monotonic() + 7
        while time.monotonic() < until:
            short.ok("touch", "user:1", "used")
            self.assertEqual(self.servers("user:1").get("used"), "CONNECTED")
        self.assertEqual(self.servers("user:1"), {"used": "CONNECTED"})
        self.assertEqual(self.redis.get("mcp:user:1:server:used:tools"), json.dumps(TOOLS))

    # H4
    def test_clearing_an_owner_called_like_a_pattern_reaches_no_one_else(self):
        others = ["user:1", "user:ab", "user:a", "user:b", "session:1", "user:\\", "user:user:1", "user:%2A"]
        for odd in ("*", "?", "[a]", "[^x]*", "a*", "*:*", "\\", "{1}", "%2A", "1:server"):
            with self.subTest(odd):
                self.redis.flushall()
                for other in others:
                    self.connect(other, "s")
                mine = "user:" + odd
                was_there = mine in others
                before = self.snapshot()
                if not was_there:
                    self.connect(mine, "s")
                self.assertEqual(self.box.json("clear", mine, "--yes"), {"owners": 1, "records": 1})
                self.assertEqual(self.servers(mine), {})
                if was_there:
                    others_now = [o for o in others if o != mine]
                    self.assertTrue(all(self.servers(o) == {"s": "CONNECTED"} for o in others_now))
                else:
                    self.assertEqual(self.snapshot(), before)

    # H5
    def test_two_names_never_meet_in_one_key(self):
        pairs = [("a", "b:server:c"), ("a:server:b", "c"), ("a", "b%3Aserver%3Ac"), ("a%3Aserver%3Ab", "c"), ("a", "b"),
                 ("a:", "b"), ("a", ":b"), ("{a}", "b"), ("a", "connections"), ("a:connections", "b"), ("a", "c:status"),
                 ("a", "c:staging:x"), ("a", "c:info")]
        for kind in ("session", "user"):
            for n, (owner, server) in enumerate(pairs):
                tools = self.box.file("t", json.dumps([{"name": f"{kind} {n}"}]))
                self.box.ok("set", f"{kind}:{owner}", "--tools", tools, "--", server, "CONNECTED")
        for kind in ("session", "user"):
            for n, (owner, server) in enumerate(pairs):
                held = self.box.json("tools", f"{kind}:{owner}", server)
                self.assertEqual(held, [{"name": f"{kind} {n}"}], (kind, owner, server))
                expected = {s for o, s in pairs if o == owner}
                self.assertEqual(set(self.servers(f"{kind}:{owner}")), expected)
        self.assertEqual(len(self.box.json("list")), 2 * len({o for o, _ in pairs}))

    # H6
    def test_disconnecting_all_never_takes_more_commands_for_more_servers(self):
        seen = {}
        for count in (1, 5, 50):
            for n in range(count):
                self.box.ok("set", f"user:{count}", f"s{n}", "CONNECTED")
            seen[count] = self.commands_of("disconnect", f"user:{count}")
            self.assertEqual(set(self.servers(f"user:{count}").values()), {"DISCONNECTED"})
            self.assertEqual(self.redis.exists(f"mcp:user:{count}:connections"), 0)
        self.assertEqual(seen[1], seen[5])
        self.assertEqual(seen[1], seen[50])
        self.assertEqual(seen[1].count("EVALSHA"), 1)

    # H7
    def test_listing_never_takes_more_commands_for_more_servers(self):
        seen = {}
        for count in (1, 5, 50):
            for n in range(count):
                self.connect(f"user:{count}", f"s{n}")
            seen[count] = self.commands_of("list", f"user:{count}", "--tools", "--json")
        self.assertEqual(seen[1], seen[5])
        self.assertEqual(seen[1], seen[50])
        # One pipeline: what foreign programs added, and all records.
        self.assertEqual([c for c in seen[50] if c in ("SDIFF", "SORT_RO", "MGET", "GET", "SMEMBERS")], ["SDIFF", "SORT_RO"])

    def test_listing_with_other_programs_records_takes_a_constant_number_too(self):
        seen = {}
        for count in (1, 5, 50):
            for n in range(count):
                self.redis.set(f"mcp:user:{count}:server:s{n}:status", "CONNECTED", ex=100)
                self.redis.sadd(f"mcp:user:{count}:connections", f"s{n}")
            commands = self.commands_of("list", f"user:{count}", "--json")
            seen[count] = [c for c in commands if c not in ("TYPE", "PEXPIRETIME")]  # these in one pipeline, see below
        self.assertEqual(seen[1], seen[50])
        self.assertEqual(seen[1].count("MGET"), 1)

    # H8
    def test_a_dead_server_is_never_shown_as_a_disconnected_user(self):
        self.connect("user:1", "s")
        self.server.stop()
        for words in (["list", "user:1"], ["show", "user:1", "s"], ["list"], ["stats"], ["tools", "user:1", "s"]):
            for more in ([], ["--json"]):
                got = self.box.run(*words, *more)
                self.assertEqual(got.code, 3, words)
                answered = json.loads(got.out) if more else {"detail": got.err.decode(), "exit_code": got.code}
                self.assertEqual(answered["exit_code"], 3)
                self.assertIn("cannot connect", answered["detail"])
                self.assertNotIn(b"DISCONNECTED", got.out + got.err)
        self.assertEqual(self.box.run("set", "user:1", "s", "FAILED").code, 3)
        self.assertEqual(self.box.run("doctor").code, 3)

    def test_a_server_that_does_not_answer_is_never_shown_as_a_disconnected_user(self):
        self.connect("user:1", "s")
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            got = self.box.run("list", "user:1", "--json", "--timeout", "300ms")
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        self.assertEqual((got.code, json.loads(got.out)["code"]), (3, "deadline"))
        self.assertEqual(self.servers("user:1"), {"s": "CONNECTED"})

    # H9
    def test_a_session_is_never_another_one_in_another_process(self):
        key = "session:9fK-" + "x" * 40
        self.connect(key, "s")
        for seed in ("0", "1", "random"):
            other = Sandbox(store=self.server.url())
            self.addCleanup(other.close)
            self.assertEqual({one["server"] for one in other.ok("list", key, "--json", PYTHONHASHSEED=seed).json}, {"s"})
        self.assertEqual(self.redis.smembers("mcp:" + key + ":connections"), {"s"})

    # H10
    def test_the_same_server_name_of_two_owners_is_never_one_record(self):
        owners = ["user:1", "user:2", "session:1"]
        for owner in owners:
            self.connect(owner, "github")
        self.box.ok("set", "user:2", "github", "FAILED", "--reason", "the token has expired")
        self.assertEqual([self.servers(o)["github"] for o in owners], ["CONNECTED", "FAILED", "CONNECTED"])
        self.box.ok("clear", "session:1", "--yes")
        self.assertEqual([self.servers(o).get("github") for o in owners], ["CONNECTED", "FAILED", None])

    # H11
    def test_what_is_removed_never_leaves_anything_behind(self):
        self.connect("user:other", "s")
        before = self.snapshot()
        for n in range(20):
            self.box.ok("set", "user:1", "--tools", self.tools, "--", f"s {n}", "CONNECTED")
        self.box.ok("disconnect", "user:1")
        self.assertEqual(set(self.servers("user:1").values()), {"DISCONNECTED"})
        kept = {k.rsplit(":", 1)[1] for k in self.redis.scan_iter(match="mcp:user:1:server:*")}
        self.assertEqual(kept, {"status", "info"})
        self.box.ok("clear", "user:1", "--yes")
        self.assertEqual(self.snapshot(), before)
        self.box.ok("clear", "--all", "--yes")
        self.assertEqual(self.redis.dbsize(), 0)

    # H13
    def test_a_failure_never_loses_the_tools_or_its_reason(self):
        self.connect("user:1", "s")
        since = self.redis.get("mcp:user:1:server:s:connected_at")
        self.box.ok("set", "user:1", "s", "FAILED", "--reason", "the token has expired")
        one = self.box.json("list", "user:1", "--tools")[0]
        self.assertEqual((one["status"], one["tools"]), ("FAILED", TOOLS))
        self.assertEqual(one["error"]["message"], "the token has expired")
        self.assertRegex(one["error"]["at"], r"^20\d\d-.*\+00:00$")
        info = json.loads(self.redis.get("mcp:user:1:server:s:info"))
        self.assertEqual(info["last_connected_at"], since)
        self.assertEqual(self.redis.get("mcp:user:1:server:s:tools"), json.dumps(TOOLS))
        # An empty list does not replace a good one by accident either.
        empty = self.box.file("empty.json", "[]")
        self.assertEqual(self.box.run("set", "user:1", "s", "CONNECTED", "--tools", empty).code, 2)
        self.assertEqual(self.redis.get("mcp:user:1:server:s:tools"), json.dumps(TOOLS))

    # H14
    def test_an_object_is_never_stored_as_tools_and_an_empty_list_stays_one(self):
        for bad in ("{}", '{"tools":[]}', "null", '"[]"', "", "[", "[]]", "[1,]", b"[\xff]"):
            with self.subTest(bad):
                got = self.box.run("set", "user:1", "s", "CONNECTED", "--tools", self.box.file("bad.json", bad))
                self.assertEqual(got.code, 2)
                self.assertEqual(self.redis.dbsize(), 0)
        self.box.ok("set", "user:1", "s", "CONNECTED", "--tools", self.box.file("empty.json", "[]"))
        self.assertEqual(self.redis.get("mcp:user:1:server:s:tools"), "[]")
        self.box.ok("touch", "user:1")
        self.box.ok("set", "user:1", "s", "CONNECTED")
        self.assertEqual(self.redis.get("mcp:user:1:server:s:tools"), "[]")
        odd = '[ {"b":1,"a":1.0,"n":1e400,"u":"\\u00e4","empty":{},"list":[]} ]\n'
        self.box.ok("set", "user:1", "s", "CONNECTED", "--tools", self.box.file("odd.json", odd))
        self.assertEqual(self.redis.get("mcp:user:1:server:s:tools"), odd)


class TheUrl(unittest.TestCase):
    # H15
    def test_the_database_and_the_user_of_a_url_are_never_dropped(self):
        with RedisServer() as server, Sandbox() as box:
            admin = server.client()
            admin.execute_command("ACL", "SETUSER", "some@user", "on", ">pa:ss/w@rd%", "~mcp:*", "+@all")
            url = f"redis://some%40user:pa%3Ass%2Fw%40rd%25@127.0.0.1:{server.port}/3"
            with_query = f"redis://some%40user:pa%3Ass%2Fw%40rd%25@127.0.0.1:{server.port}?db=3"
            by_socket = f"unix://some%40user:pa%3Ass%2Fw%40rd%25@{server.socket_path}?db=3"
            for n, store in enumerate((url, with_query, by_socket)):
                with self.subTest(store):
                    got = box.run("set", "user:1", f"s{n}", "CONNECTED", "--store", store)
                    self.assertEqual(got.code, 0, got)
                    self.assertNotIn("ss/w", got.text + got.err.decode())
                    self.assertNotIn("some@user", got.text + got.err.decode())
            self.assertEqual(server.client(3).smembers("mcp:user:1:connections"), {b"s0", b"s1", b"s2"})
            self.assertEqual([server.client(n).dbsize() for n in (0, 1, 2)], [0, 0, 0])
            admin.execute_command("ACL", "SETUSER", "some@user", "off")
            refused = box.run("list", "user:1", "--store", url)
            self.assertEqual(refused.code, 3)
            self.assertNotIn(b"rd%", refused.err)

    def test_the_url_comes_from_the_flag_then_the_environment_then_the_file(self):
        with RedisServer() as server, Sandbox() as box:
            box.file(".env", f"REDIS_URL={server.url(1)}\n")
            box.ok("set", "user:1", "file", "CONNECTED")
            box.ok("set", "user:1", "env", "CONNECTED", REDIS_URL=server.url(2))
            box.ok("set", "user:1", "flag", "CONNECTED", "--store", server.url(3), REDIS_URL=server.url(2))
            found = [server.client(n).smembers("mcp:user:1:connections") for n in range(4)]
            self.assertEqual(found, [set(), {b"file"}, {b"env"}, {b"flag"}])

    def test_tls_is_never_dropped(self):
        with RedisServer() as plain, Sandbox() as box:
            heard = []
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                listener.listen()

                def record():
                    peer, _ = listener.accept()
                    heard.append(peer.recv(4096))
                    peer.close()

                ear = threading.Thread(target=record)
                ear.start()
                got = box.run("list", "user:1", "--store", f"rediss://me:secret@127.0.0.1:{listener.getsockname()[1]}/0")
                ear.join(20)
            self.assertEqual(got.code, 3)
            self.assertEqual(heard[0][0], 0x16, "the first byte is not a TLS handshake")
            self.assertNotIn(b"secret", heard[0])
            url = f"rediss://127.0.0.1:{plain.port}/0"
            got = box.run("set", "user:1", "s", "CONNECTED", "--store", url, "--timeout", "1s")
            self.assertEqual(got.code, 3)
            self.assertEqual(plain.client().dbsize(), 0)

    def test_tls_is_checked(self):
        with RedisServer(tls=True) as server, Sandbox() as box:
            url = f"rediss://localhost:{server.port}/0"
            self.assertEqual(box.run("list", "user:1", "--store", url).code, 3)  # nobody vouches for it
            self.assertEqual(box.run("list", "user:1", "--store", url, "--ca-file", server.ca_file).code, 0)
            self.assertEqual(box.run("list", "user:1", "--store", url, "--insecure-tls").code, 0)
            self.assertEqual(box.run("list", "user:1", "--store", url.replace("rediss", "redis"), "--timeout", "1s").code, 3)


class Files(unittest.TestCase):
    # H17
    def test_a_name_never_reaches_a_file(self):
        with Sandbox() as box:
            state = os.path.join(box.home, "somewhere", "state.db")
            os.mkdir(os.path.dirname(state))
            box.store = "sqlite:" + state
            outside = box.file("precious", "x")
            names = ["../../etc", "../../../../tmp/mcpstate-escaped", "/etc/passwd", "..", ".", "a/b/c", "~root",
                     "$(touch x)", "precious", "|touch x", "%2e%2e%2f", "a\\..\\b", "-rf", "file:x"]
            tools = box.file("tools.json", json.dumps(TOOLS))

            def everything():
                out = {}
                for folder, _, files in os.walk(box.home):
                    for name in files:
                        path = os.path.join(folder, name)
                        if not path.startswith(state):
                            with open(path, "rb") as f:
                                out[path] = f.read()
                return out

            box.ok("list")
            before, folders = everything(), sorted(x[0] for x in os.walk(box.home))
            for name in names:
                for kind in ("user", "session"):
                    box.ok("set", f"{kind}:{name}", "--tools", tools, "--", name, "CONNECTED")
            self.assertEqual(len(box.json("list")), 2 * len(names))
            for name in names:
                self.assertEqual([c["server"] for c in box.json("list", f"user:{name}")], [name])
                box.ok("clear", f"user:{name}", "--yes")
                box.ok("clear", f"session:{name}", "--yes")
            self.assertEqual(everything(), before)
            self.assertEqual(sorted(x[0] for x in os.walk(box.home)), folders)
            self.assertTrue(os.path.exists(outside))
            self.assertFalse(os.path.exists("/tmp/mcpstate-escaped"))
            self.assertLessEqual(set(os.listdir(os.path.dirname(state))), {"state.db", "state.db-wal", "state.db-shm", "state.db-reserve"})

    def test_what_is_no_name_is_refused(self):
        with Sandbox(store="sqlite:") as box:
            for owner in ("user:", "session:", "42", "", "admin:1", "user:" + "x" * 513, b"user:\xff"):
                self.assertEqual(box.run("list", owner).code, 2, owner)
            for server in ("", "x" * 513, b"\xc3\x28"):
                self.assertEqual(box.run("set", "user:1", server, "CONNECTED").code, 2, server)


if __name__ == "__main__":
    unittest.main(verbosity=2)
