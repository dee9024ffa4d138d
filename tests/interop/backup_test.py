#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""backup and restore of the program itself: between SQLite and Redis, read by python3-redis; files that are damaged; a reader of the
format that knows docs/backup.md and nothing of the program."""
import json
import os
import signal
import stat
import struct
import unittest
import zlib

from redis_sandbox import RedisServer, Sandbox, broken_invariants, eventually

SERVERS = 4


def sections_of(data):
    """(type, body) of each section, as docs/backup.md describes them."""
    assert data[:8] == bytes.fromhex("896d6370730d0a1a"), data[:8]
    version, check = struct.unpack(">II", data[8:16])
    assert (version, check) == (1, zlib.crc32(data[:12]))
    at, number = 16, 0
    while at < len(data):
        head = data[at:at + 28]
        kind, place, encoding, raw, stored, body_check, head_check = struct.unpack(">4sIIIIII", head)
        assert head_check == zlib.crc32(head[:24]) and place == number
        body = data[at + 28:at + 28 + stored]
        assert zlib.crc32(body) == body_check
        if encoding == 1:
            body = zlib.decompress(body)
        assert len(body) == raw
        yield kind.decode(), body
        at, number = at + 28 + stored, number + 1


def records_of(body):
    """One dictionary {tag: bytes} for each record of a records section."""
    while body:
        (length,) = struct.unpack(">I", body[:4])
        record, body = body[4:4 + length], body[4 + length:]
        fields = {}
        while record:
            tag, size = struct.unpack(">BI", record[:5])
            fields[tag], record = record[5:5 + size], record[5 + size:]
        yield fields


class BackupTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.sandbox = Sandbox()
        self.addCleanup(self.sandbox.close)
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.client.flushall()

    def tools(self, owner, server):
        return f' [ {{"name": "t of {owner} {server}", "text": "é\\u0000"}} ] '.encode()

    def fill(self, store, owners=3):
        for n in range(owners):
            owner = f"user:{n}" if n % 2 == 0 else f"session:k{n}"
            for s in range(SERVERS):
                status = ("CONNECTED", "FAILED", "DISCONNECTED", "AUTH_REQUIRED")[s % 4]
                words = ["set", owner, f"server{s}", status, "--store", store]
                if status != "DISCONNECTED":
                    words += ["--tools", self.sandbox.file("tools.json", self.tools(owner, f"server{s}"))]
                self.sandbox.ok(*words)

    def listed(self, store):
        out = []
        for one in self.sandbox.ok("list", "--store", store, "--json").json:
            out += self.sandbox.ok("list", one["owner"], "--tools", "--json", "--store", store).json
        return sorted(out, key=lambda record: (record["owner"], record["server"]))

    def test_goes_from_sqlite_to_redis_and_back(self):
        redis_url, first, second = self.server.url(), "sqlite:first.db", "sqlite:second.db"
        self.fill(first)
        self.sandbox.ok("backup", "a.backup", "--store", first)
        self.sandbox.ok("restore", "a.backup", "--expiry", "absolute", "--store", redis_url)
        self.assertEqual(self.listed(redis_url), self.listed(first))
        # Another program reads the four keys.
        for n, owner in enumerate(("user:0", "session:k1", "user:2")):
            base = f"mcp:{owner}"
            self.assertEqual(self.client.smembers(base + ":connections"), {b"server0"})
            for s, status in enumerate((b"CONNECTED", b"FAILED", b"DISCONNECTED", b"FAILED")):
                key = f"{base}:server:server{s}"
                self.assertEqual(self.client.get(key + ":status"), status)
                self.assertEqual(self.client.exists(key + ":connected_at"), 1 if s == 0 else 0)
                wanted = None if status == b"DISCONNECTED" else self.tools(owner, f"server{s}")
                self.assertEqual(self.client.get(key + ":tools"), wanted)
        self.assertEqual(broken_invariants(self.client), [])
        self.sandbox.ok("backup", "b.backup", "--store", redis_url)
        self.sandbox.ok("restore", "b.backup", "--expiry", "absolute", "--store", second)
        self.assertEqual(self.listed(second), self.listed(first))

    def test_the_file_is_what_the_page_says(self):
        self.fill("sqlite:first.db")
        said = self.sandbox.ok("backup", "a.backup", "--store", "sqlite:first.db", "--json").json
        path = os.path.join(self.sandbox.home, "a.backup")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual((said["owners"], said["records"], said["bytes"]), (3, 3 * SERVERS, len(data)))
        sections = list(sections_of(data))
        self.assertEqual([sections[0][0], sections[-1][0]], ["HEAD", "END."])
        self.assertEqual({kind for kind, _ in sections[1:-1]}, {"RECS"})
        self.assertEqual(json.loads(sections[0][1])["product"], "mcpstate")
        self.assertEqual(json.loads(sections[-1][1])["records"], 3 * SERVERS)
        found = {}
        for _, body in sections[1:-1]:
            for record in records_of(body):
                found[record[1].decode(), record[2].decode()] = record
        self.assertEqual(len(found), 3 * SERVERS)
        one = found["session:k1", "server0"]
        self.assertEqual(one[5], self.tools("session:k1", "server0"))
        self.assertEqual(json.loads(one[4])["status"], "CONNECTED")
        self.assertTrue(86_000_000 < struct.unpack(">Q", one[3])[0] <= 86_400_000)
        self.assertNotIn(5, found["user:0", "server2"])

    def test_goes_through_a_pipe(self):
        self.fill("sqlite:first.db")
        data = self.sandbox.ok("backup", "-", "--store", "sqlite:first.db").out
        self.sandbox.ok("restore", "-", "--expiry", "absolute", "--store", self.server.url(), stdin=data)
        self.assertEqual(self.listed(self.server.url()), self.listed("sqlite:first.db"))

    def test_a_damaged_file_is_refused_before_anything_is_written(self):
        self.fill("sqlite:first.db")
        data = self.sandbox.ok("backup", "-", "--store", "sqlite:first.db").out
        damaged = bytearray(data)
        damaged[len(data) // 2] ^= 1
        cases = {"cut": (data[:-1], "cut off at byte"), "damaged": (bytes(damaged), "damaged at byte"),
                 "longer": (data + b"x", "more bytes follow its end"), "empty": (b"", "it is empty"),
                 "rdb": (b"REDIS0011\xfa\t", "a dump of Redis"), "text": (b"hello", "this is no backup of mcpstate")}
        for name, (content, says) in cases.items():
            with self.subTest(name):
                path = self.sandbox.file(name, content)
                got = self.sandbox.run("restore", path, "--store", self.server.url())
                self.assertEqual(got.code, 2, got)
                self.assertIn(f"{name}: ", got.err.decode())
                self.assertIn(says, got.err.decode())
                self.assertEqual(self.client.dbsize(), 0)
        got = self.sandbox.run("restore", self.sandbox.file("cut", data[:-1]), "--store", self.server.url(), "--json")
        self.assertEqual((got.code, got.json["code"]), (2, "bad_backup"))

    def test_damage_in_a_pipe_stops_and_says_what_was_written(self):
        self.fill("sqlite:first.db")
        data = self.sandbox.ok("backup", "-", "--store", "sqlite:first.db").out
        got = self.sandbox.run("restore", "-", "--store", self.server.url(), stdin=data[:-1])
        self.assertEqual(got.code, 2, got)
        self.assertIn("standard input: cut off at byte", got.err.decode())
        self.assertRegex(got.err.decode(), r"after \d+ records were written")

    def test_merges_and_replaces(self):
        url = self.server.url()
        self.fill(url, owners=1)
        self.sandbox.ok("backup", "a.backup", "--store", url)
        self.sandbox.ok("set", "user:0", "server1", "CONNECTED", "--store", url)
        self.sandbox.ok("clear", "user:0", "--yes", "--store", "sqlite:other.db")
        again = self.sandbox.ok("restore", "a.backup", "--store", url, "--json").json
        self.assertEqual((again["written"], again["present"]), (0, SERVERS))
        dry = self.sandbox.ok("restore", "a.backup", "--store", url, "--json", "--dry-run", "--replace").json
        self.assertEqual((dry["written"], dry["dry_run"]), (SERVERS, True))
        self.assertEqual(self.client.get("mcp:user:0:server:server1:status"), b"CONNECTED")
        replaced = self.sandbox.ok("restore", "a.backup", "--store", url, "--json", "--replace").json
        self.assertEqual((replaced["written"], replaced["present"]), (SERVERS, 0))
        self.assertEqual(self.client.get("mcp:user:0:server:server1:status"), b"FAILED")
        self.assertEqual(broken_invariants(self.client), [])

    def test_junk_of_another_program_is_named_and_costs_nothing_else(self):
        url = self.server.url()
        self.fill(url, owners=1)
        self.client.set("mcp:user:0:server:server1:status", "up")
        self.client.sadd("mcp:user:9:connections", "theirs")
        self.client.set("mcp:user:9:server:theirs:status", "CONNECTED")
        self.client.set("mcp:user:9:server:theirs:tools", "{}")
        self.client.set("mcp:user:9:server:theirs:connected_at", "2026-11-22T14:30:59.553780+00:00")
        got = self.sandbox.run("backup", "a.backup", "--store", url, "--json")
        self.assertEqual(got.code, 1, got)
        self.assertEqual((got.json["records"], got.json["left_out"], got.json["faults"]), (SERVERS, 1, 1))
        self.assertIn("user:0 server1: status is 'up'", got.json["examples"][0])
        restored = self.sandbox.run("restore", "a.backup", "--store", "sqlite:copy.db", "--json")
        self.assertEqual((restored.code, restored.json["written"]), (1, SERVERS))
        self.assertIn("user:9 theirs: restored without its tools", restored.json["examples"][0])
        shown = self.sandbox.ok("show", "user:9", "theirs", "--store", "sqlite:copy.db", "--json").json
        self.assertEqual((shown["status"], shown["connected_at"]), ("CONNECTED", "2026-11-22T14:30:59.553780+00:00"))

    def test_ctrl_c_leaves_no_file(self):
        reader, writer = os.pipe()
        child = self.sandbox.start("restore", "-", "--store", self.server.url(), stdin=reader)
        os.close(reader)
        eventually(lambda: self.client.client_list() and len(self.client.client_list()) > 1, what="the store being open")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(20), 130)
        os.close(writer)
        self.assertEqual(self.client.dbsize(), 0)

    def test_wrong_words(self):
        for words, says in ((["backup"], "FILE"), (["restore"], "FILE"), (["restore", "none"], "cannot open none"),
                            (["backup", "/dev/null"], "cannot open /dev/null"), (["backup", "no/such/folder"], "cannot open"),
                            (["backup", "-", "--json"], "name a FILE"), (["restore", "x", "--replace", "--resume"], "say one of them"),
                            (["backup", "x", "--owner", "42"], "--owner"), (["restore", "x", "--expiry", "never"], "never")):
            with self.subTest(words):
                got = self.sandbox.run(*words)
                self.assertEqual(got.code, 2, got)
                self.assertIn(says, got.err.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
