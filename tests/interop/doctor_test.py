#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`mcpstate doctor` and the commands over all owners on real Redis servers in which one thing is wrong: each finding is tested by
breaking that one thing, and what cannot be read in full is an error and never a short list."""
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

from redis_sandbox import RedisServer, Sandbox, eventually
from serving import Service

PASSWORD = "a-long-random-password"
CONTENTS = (("user:1", "a"), ("user:1", "b"), ("user:2", "a"), ("session:s", "c"))


class OneServer(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.admin = self.server.client()
        self.addCleanup(self.admin.close)
        self.box = Sandbox(store=self.server.url())
        self.addCleanup(self.box.close)

    def fill(self):
        tools = self.box.file("tools.json", '[{"name":"a"}]')
        for owner, server in CONTENTS:
            self.box.ok("set", owner, server, "CONNECTED", "--tools", tools)

    def box_as(self, *rules):
        """The program as a user with these rights."""
        self.admin.execute_command("ACL", "SETUSER", "few", "reset", "on", ">" + PASSWORD, *rules)
        box = Sandbox(store=f"redis://few:{PASSWORD}@127.0.0.1:{self.server.port}/0")
        self.addCleanup(box.close)
        return box

    def doctor(self, box=None, code=None):
        """The findings by their checks."""
        got = (box or self.box).run("doctor", "--json")
        if code is not None:
            self.assertEqual(got.code, code, got)
        return {f["check"]: f for f in got.json["findings"]}

    def level(self, check, **more):
        return self.doctor(**more).get(check, {}).get("level")


class Refusals(OneServer):
    """What the server refuses to tell is no error reply taken for a value."""

    def test_what_cannot_be_examined_is_said_and_never_advised_to_be_deleted(self):
        self.fill()
        before = {key: self.admin.dump(key) for key in self.admin.scan_iter()}
        for rules in (("~mcp:user:*", "&*", "+@all"), ("~*", "&*", "+@all", "-type"), ("~*", "&*", "+@all", "-pttl"),
                      ("~*", "&*", "+@all", "-sismember"), ("~*", "&*", "+@all", "-sscan"), ("~*", "&*", "+@all", "-multi"),
                      ("~*", "&*", "+@all", "-exec"), ("~*", "&*", "+@all", "-zrange"), ("~*", "&*", "+@all", "-get")):
            with self.subTest(rules=rules):
                box = self.box_as(*rules)
                found = self.doctor(box, code=1)
                self.assertIn("could not be examined", found["unexamined"]["text"])
                self.assertIn("Do not delete", found["unexamined"]["meaning"])
                self.assertEqual({c for c, f in found.items() if f["level"] == "problem"}, {"unexamined"})
                self.assertNotIn("every invariant holds", found["records"]["text"])
                box.run("doctor", "--fix")
        self.assertEqual({key: self.admin.dump(key) for key in self.admin.scan_iter()}, before)

    def test_a_list_that_cannot_be_whole_is_an_error(self):
        self.fill()
        for rules in (("~*", "&*", "+@all", "-scan"), ("~mcp:user:*", "&*", "+@all")):
            box = self.box_as(*rules)
            for words in (("list",), ("list", "--json"), ("stats",), ("stats", "--json"), ("clear", "--all", "--yes")):
                with self.subTest(rules=rules, words=words):
                    got = box.run(*words)
                    self.assertEqual((got.code, got.out), (3, b""), got)
                    self.assertIn(b"NOPERM", got.err)
        self.assertEqual(self.admin.exists("mcp:session:s:servers"), 1, "no right, no clear")

    def test_counts_are_refused_where_one_count_is(self):
        self.fill()
        self.admin.sadd("mcp:user:3:connections", "foreign")  # an owner of another program: listed by EXISTS
        for without in ("get", "strlen", "exists", "type"):
            with self.subTest(without=without):
                self.assertEqual(self.box_as("~*", "&*", "+@all", "-" + without).run("stats").code, 3)
        self.assertEqual(self.box_as("~*", "&*", "+@all", "-exists").run("list").code, 3)
        self.assertEqual(self.box_as("~*", "&*", "+@all", "-info").json("stats")["users"], 3)

    def test_the_service_refuses_too(self):
        self.fill()
        box = self.box_as("~*", "&*", "+@all", "-scan")
        service = Service(box.program, "--store", box.store, env=box.environment())
        try:
            answer = service.ask("GET", "/v1/owners")
            self.assertGreaterEqual(answer.status, 500, answer.body)
            self.assertNotIn(b'"owners"', answer.body)
        finally:
            service.end(signal.SIGTERM)


class Unreachable(OneServer):
    def test_refused_and_filtered_are_told_apart(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            refused = self.unreachable(port)
            self.assertIn(f"127.0.0.1:{port}: Connection refused", refused)
            self.assertIn("nothing listens on that port", refused)
        # A listener whose queue is full drops what arrives, as a firewall does.
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            callers = [socket.socket() for _ in range(8)]
            for caller in callers:
                caller.setblocking(False)
                caller.connect_ex(("127.0.0.1", port))
            filtered = self.unreachable(port)
            for caller in callers:
                caller.close()
        self.assertIn(f"127.0.0.1:{port}", filtered)
        self.assertIn("a firewall drops", filtered)
        self.assertNotIn("refused", filtered)

    def unreachable(self, port):
        got = self.box.run("doctor", "--json", "--timeout", "1s", "--url", f"redis://127.0.0.1:{port}/0")
        self.assertEqual(got.code, 3, got)
        return got.json["findings"][0]["text"]


class Connection(OneServer):
    def test_a_slow_network(self):
        self.assertEqual(self.level("latency"), "ok")
        slow = Delay(self.server.port, 0.06)
        self.addCleanup(slow.close)
        self.box.store = f"redis://127.0.0.1:{slow.port}/0"
        self.assertEqual(self.level("latency"), "warning")

    def test_tls_and_password(self):
        self.assertEqual(self.level("auth"), "note")
        self.assertNotIn("tls", self.doctor())
        server = RedisServer(tls=True)
        self.addCleanup(server.close)
        got = self.box.run("doctor", "--json", "--url", f"rediss://localhost:{server.port}", "--ca-file", server.ca_file)
        self.assertEqual({f["check"]: f["level"] for f in got.json["findings"]}["tls"], "ok")
        self.assertEqual(self.level("auth", box=self.box_as("~*", "&*", "+@all")), "ok")

    def test_each_right_that_is_missing_is_named(self):
        rules = self.box.ok("doctor", "--acl", "--json").json["rules"]
        box = self.box_as(*rules)
        box.store = box.store[:-1] + "3"
        found = self.doctor(box, code=0)
        self.assertNotIn("acl", found)
        self.assertNotIn("acl_managing", found)
        rights = [rule for rule in rules if rule.startswith("+")]
        self.assertGreater(len(rights), 30)
        for right in rights:
            if right == "+time":  # nothing opens without it
                continue
            with self.subTest(right=right):
                self.admin.execute_command("ACL", "SETUSER", "few", "-" + right[1:])
                found = self.doctor(box)
                named = found.get("acl", found.get("acl_managing"))
                self.assertIsNotNone(named, found)
                self.assertEqual(named["level"], "warning" if "acl" in found else "note")
                self.assertEqual([e.split(":")[0] for e in named["examples"]], [right])
                self.admin.execute_command("ACL", "SETUSER", "few", right)

    def test_acl_is_printed_for_each_kind_of_url(self):
        def printed(url, *more):
            return self.box.ok("doctor", "--acl", "--url", url, *more)

        self.assertIn("'~mcp:*'", printed("redis://nowhere:1/0").text)
        self.assertIn("~acme:mcp:*", printed("redis://nowhere:1/0", "--prefix", "acme:mcp", "--json").json["rules"])
        self.assertNotIn("+cluster|slots", printed("redis://nowhere:1/0", "--json").json["rules"])
        self.assertIn("+cluster|slots", printed("redis-cluster://nowhere:1", "--json").json["rules"])
        both = printed("redis-sentinel://nowhere:1/0#m", "--json").json
        self.assertIn("&+switch-master", both["sentinel_rules"])
        self.assertNotIn("~mcp:*", both["sentinel_rules"])
        self.assertEqual(self.box.run("doctor", "--acl", "--url", "memory:").code, 2)
        self.assertEqual(self.box.run("doctor", "--acl", "--fix").code, 2)

    def test_what_is_printed_can_be_pasted_into_a_shell(self):
        text = self.box.ok("doctor", "--acl").text.replace("redis-cli", f"redis-cli -p {self.server.port}")
        subprocess.run(["sh", "-ec", text], check=True, capture_output=True)
        rules = self.box.ok("doctor", "--acl", "--json").json["rules"]
        of_shell = self.admin.acl_getuser("mcpstate")
        self.assertEqual(set(of_shell["commands"]), {rule for rule in rules if rule.startswith("+")})
        self.assertEqual(of_shell["keys"], ["~mcp:*"])


class Delay:
    """A proxy that hands on what it gets after a while."""

    def __init__(self, port, seconds):
        self.to, self.seconds = port, seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                caller = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.hand_on, args=(caller, server, self.seconds), daemon=True).start()
            threading.Thread(target=self.hand_on, args=(server, caller, 0), daemon=True).start()

    @staticmethod
    def hand_on(from_, to, seconds):
        try:
            while data := from_.recv(65536):
                time.sleep(seconds)
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class Server(OneServer):
    def test_a_healthy_server_has_no_problem_and_every_finding_its_section(self):
        self.fill()
        self.admin.config_set("appendonly", "yes")
        found = self.doctor(code=0)
        for check, finding in found.items():
            with self.subTest(check=check):
                self.assertIn(finding["section"], ("connection", "server", "data", "host"))
                self.assertIn(finding["level"], ("ok", "note"))
                self.assertNotIn("fix", finding)
        self.assertLessEqual({"reachable", "latency", "auth", "version", "role", "persistence", "eviction", "memory",
                              "fragmentation", "clients", "replication", "clock", "sizes", "largest_owners", "largest_tools",
                              "shared_tools", "records", "open_files"}, set(found))
        text = self.box.ok("doctor").text
        places = [text.index("\n" + name + "\n") for name in ("server", "data", "host")]
        self.assertEqual(places, sorted(places))

    def test_persistence(self):
        self.assertEqual(self.level("persistence"), "warning")
        self.admin.config_set("save", "3600 1")
        self.assertEqual(self.level("persistence"), "note")
        self.admin.config_set("appendonly", "yes")
        self.assertEqual(self.level("persistence"), "ok")
        self.admin.config_set("appendonly", "no")
        os.mkdir(os.path.join(self.server.directory, "dump.rdb"))  # in the way of a snapshot
        self.admin.bgsave()
        eventually(lambda: self.admin.info("persistence")["rdb_last_bgsave_status"] == "err")
        found = self.doctor(code=1)["persistence"]
        self.assertEqual(found["level"], "problem")
        self.assertIn("redis-cli", found["fix"])

    def test_memory_eviction_and_what_was_evicted(self):
        found = self.doctor()
        self.assertEqual((found["eviction"]["level"], found["memory"]["level"]), ("ok", "ok"))
        self.admin.config_set("maxmemory-policy", "allkeys-random")
        self.assertEqual(self.level("eviction"), "note")
        self.admin.config_set("maxmemory", self.admin.info("memory")["used_memory"] + 200_000)
        found = self.doctor()
        self.assertEqual((found["eviction"]["level"], found["memory"]["level"]), ("warning", "warning"))
        self.assertIn("noeviction", found["eviction"]["fix"])
        self.assertNotIn("evicted", found)
        for i in range(100):
            self.admin.set(f"other:{i}", "x" * 10_000, ex=600)
        self.assertEqual(self.level("evicted"), "warning")

    def test_clients(self):
        self.assertEqual(self.level("clients"), "ok")
        self.admin.config_set("maxclients", 20)
        callers = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(16)]
        eventually(lambda: self.admin.info("clients")["connected_clients"] >= 17)
        self.assertEqual(self.level("clients"), "warning")
        for caller in callers:
            caller.close()

    def test_a_replica_that_is_behind(self):
        self.assertIn("no replica", self.doctor()["replication"]["text"])
        self.admin.config_set("repl-diskless-sync", "yes")
        self.admin.config_set("repl-diskless-sync-delay", 600)
        replica = RedisServer("--replicaof", f"127.0.0.1 {self.server.port}")
        self.addCleanup(replica.close)
        eventually(lambda: self.admin.info("replication")["connected_slaves"] == 1)
        found = self.doctor()["replication"]
        self.assertEqual((found["level"], found["count"]), ("warning", 1))
        self.admin.config_set("repl-diskless-sync-delay", 0)
        eventually(lambda: self.admin.info("replication")["slave0"]["state"] == "online")
        self.assertEqual(self.level("replication"), "ok")

    def test_few_open_files(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

        got = subprocess.run(self.box.words(["doctor"]), env=self.box.environment(), cwd=self.box.home, capture_output=True,
                             preexec_fn=few, check=True)
        self.assertRegex(got.stdout.decode(), r"! warning +open_files")
        self.assertEqual(self.level("open_files"), "ok")


class Data(OneServer):
    def test_sizes(self):
        self.fill()
        long = self.box.file("long.json", '[{"name":"' + "x" * 100_000 + '"}]')
        for owner in ("user:8", "user:9"):
            self.box.ok("set", owner, "big", "CONNECTED", "--tools", long)
        for i in range(7):
            self.box.ok("set", "user:7", f"s{i}", "CONNECTED")
        found = self.doctor(code=0)
        self.assertEqual(found["largest_owners"]["examples"][0], "user:7: 7")
        self.assertEqual(len(found["largest_owners"]["examples"]), 5)
        self.assertEqual({e.split(":")[1] for e in found["largest_tools"]["examples"][:2]}, {"8 big", "9 big"})
        self.assertRegex(found["shared_tools"]["text"], r"^97 KiB of ")
        self.assertEqual(found["sizes"]["count"], len(CONTENTS) + 9)

    def test_what_expires_soon(self):
        self.fill()
        self.assertNotIn("expiring_soon", self.doctor())
        self.box.ok("set", "user:5", "soon", "CONNECTED", "--ttl", "10m")
        found = self.doctor()["expiring_soon"]
        self.assertEqual((found["count"], found["examples"]), (1, ["user:5 soon"]))

    def test_torn_and_foreign_keys(self):
        self.fill()
        breaks = {
            "ghosts": ("SADD", "mcp:user:1:connections", "ghost"),
            "not_in_connections": ("SREM", "mcp:user:1:connections", "a"),
            "no_expiry": ("PERSIST", "mcp:user:1:server:a:status"),
            "set_expires_early": ("PEXPIRE", "mcp:user:1:servers", "1000000"),
            "not_in_servers": ("SREM", "mcp:user:1:servers", "a"),
            "wrong_type": ("RENAME", "mcp:user:2:servers", "mcp:user:2:server:a:tools"),
            "no_connected_at": ("DEL", "mcp:user:1:server:a:connected_at"),
            "junk_status": ("SET", "mcp:user:1:server:a:status", "UP", "KEEPTTL"),
            "junk_info": ("SET", "mcp:user:1:server:a:info", "{", "KEEPTTL"),
            "tools_not_a_list": ("SET", "mcp:user:1:server:a:tools", "{", "KEEPTTL"),
            "junk_lease": ("SET", "mcp:user:1:server:a:lease", "x", "PX", "100000"),
            "unknown_keys": ("SET", "mcp:user:1:what:ever", "x"),
            "misplaced_entries": ("ZADD", "mcp:managed:0", "0", "none"),
        }
        for check, words in breaks.items():
            with self.subTest(check=check):
                self.assertNotIn(check, self.doctor())
                self.admin.execute_command(*words)
                found = self.doctor()[check]
                self.assertEqual(found["section"], "data")
                self.assertGreater(found["count"], 0)
                self.assertTrue(found["meaning"])
                self.admin.flushall()
                self.fill()


if __name__ == "__main__":
    unittest.main(verbosity=2)
