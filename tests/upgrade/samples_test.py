#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the last release wrote (samples/) is read by the program just as the last release printed it, and can be written,
claimed, disconnected and managed. On Redis in both layouts, and on SQLite."""
import json
import pathlib
import shlex
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
import mcp_servers  # noqa: E402
from redis_sandbox import PROGRAM, Sandbox, eventually  # noqa: E402
from serving import Service  # noqa: E402

import sample_files  # noqa: E402

FAKE = str(pathlib.Path(mcp_servers.__file__).with_name("cli_fake_server.py"))
STATUSES = {"CONNECTED", "DISCONNECTED", "FAILED", "CONNECTING", "AUTH_REQUIRED"}
TOOLS = [{"name": "of the new program"}]


class Sample:
    """The tests of one store."""
    maxDiff = None
    name = ""

    def setUp(self):
        self.store = sample_files.opened(self.name)
        self.addCleanup(self.store.close)
        self.box = Sandbox(**self.store.options)
        self.addCleanup(self.box.close)

    def records(self, owner):
        return {record["server"]: record for record in self.box.json("list", owner, "--tools")}

    def all_records(self):
        return {(owner["owner"], server): record for owner in self.box.json("list")
                for server, record in self.records(owner["owner"]).items()}

    def invariants_hold(self):
        examined = self.box.run("doctor", "--json")
        self.assertEqual((examined.code, examined.json["problems"]), (0, 0), examined)
        self.assertEqual(self.store.broken_invariants(), [])

    def test_every_command_prints_what_the_last_release_printed(self):
        printed = list(sample_files.commands_and_outputs(sample_files.transcript_path(self.name).read_text(encoding="utf-8")))
        self.assertGreater(len(printed), 40)
        for words, output in printed:
            self.assertEqual(self.box.ok(*words).text, output, shlex.join(words))
        self.assertEqual({record["status"] for record in self.all_records().values()}, STATUSES)

    def test_every_invariant_holds_before_anything_is_written(self):
        self.invariants_hold()

    def test_every_record_can_be_written(self):
        tools = json.dumps(TOOLS).encode()
        before = self.all_records()
        for (owner, server), record in before.items():
            if not record.get("managed"):
                written = self.box.ok("set", "--json", owner, "--tools", "-", "--", server, "CONNECTED", stdin=tools).json
                self.assertGreater(written["revision"], record["revision"], (owner, server))
                self.assertEqual(self.records(owner)[server]["tools"], TOOLS)
        self.assertEqual(set(self.all_records()), set(before))
        self.invariants_hold()

    def test_a_write_on_the_basis_of_a_stored_revision(self):
        record = self.box.json("show", "user:42", "github")
        words = ("set", "--json", "user:42", "github", "FAILED", "--if-revision")
        self.assertEqual(self.box.run(*words, str(record["revision"] - 1)).code, 1)
        self.assertEqual(self.box.ok(*words, str(record["revision"])).json["status"], "FAILED")
        self.assertEqual(self.box.run(*words, str(record["revision"])).code, 1)
        self.assertEqual(self.records("user:42")["github"]["tools"][0]["name"], "search", "the last good tools")
        self.invariants_hold()

    def test_every_owner_can_be_touched(self):
        for owner in self.box.json("list"):
            before = self.records(owner["owner"])
            self.assertEqual(self.box.json("touch", owner["owner"], "--ttl", "3653d"), {"touched": len(before)})
            for server, record in self.records(owner["owner"]).items():
                self.assertGreater(record["expires_at"], before[server]["expires_at"])
        self.invariants_hold()

    def test_every_owner_can_be_disconnected_and_cleared(self):
        for owner in [owner["owner"] for owner in self.box.json("list")]:
            before = self.records(owner)
            self.box.ok("disconnect", owner)
            for server, record in self.records(owner).items():
                self.assertEqual(record["status"], "DISCONNECTED", (owner, server))
                self.assertNotIn("tools", record)
                self.assertGreaterEqual(record["revision"], before[server]["revision"])
        self.invariants_hold()
        self.box.ok("clear", "--all", "--yes")
        self.assertEqual(self.box.json("list"), [])
        self.invariants_hold()

    def test_a_session_can_be_claimed(self):
        session, user = self.records("session:9fK"), self.records("user:42")
        claimed = self.box.json("claim", "session:9fK", "user:42")
        self.assertEqual(claimed, {"moved": ["basket", "failed"], "kept": ["github", "web"]}, "the user's own where it is CONNECTED")
        self.assertEqual(self.records("session:9fK"), {})
        after = self.records("user:42")
        for server in claimed["moved"]:
            self.assertEqual((after[server]["status"], after[server].get("tools")),
                             (session[server]["status"], session[server].get("tools")))
        for server in claimed["kept"]:
            self.assertEqual(after[server], user[server])
        self.invariants_hold()

    def test_what_a_killed_instance_managed_is_managed_again(self):
        web = mcp_servers.diary(self, TOOLS)
        servers = {"web": {"url": web.url}, "program": {"command": "/usr/bin/python3", "args": [FAKE, "good", json.dumps(TOOLS)]},
                   "locked": {"url": mcp_servers.page(self, status=401, more=[("WWW-Authenticate", "Bearer")])},
                   "broken": {"command": "/nonexistent/program"}, "away": {"url": "http://127.0.0.1:9/mcp"}}
        file = self.box.file("servers.json", json.dumps({"mcpServers": servers}))
        flags = [word for name, value in self.store.options.items() for word in ("--" + name, value)]
        managed = {name: record for name, record in self.all_records().items() if record.get("managed")}
        self.assertEqual({server for _, server in managed}, set(servers))
        service = Service(PROGRAM, *flags, "--servers", file, "--name", "new", "--lease", "3s", cwd=self.box.home)
        self.addCleanup(service.end)
        name = service.ask("GET", "/v1/instances").json["self"]
        eventually(lambda: all(self.store.holders().get(each) == name for each in managed), 20, f"every lease with {name}")
        # Each is tried once, and what can be connected, is: with the tools that its server has now.
        for (owner, server), record in managed.items():
            status = "CONNECTED" if server in ("web", "program") else record["status"]

            def tried(of=owner, which=server, wanted=status, before=record["revision"]):
                now = service.connections(of)[which]
                return now["status"] == wanted and now["revision"] > before
            eventually(tried, 20, f"{owner} {server} {status} anew")
            if status == "CONNECTED":
                self.assertEqual(self.records(owner)[server]["tools"], TOOLS)
        self.invariants_hold()


class RedisSample(Sample):
    def test_the_sample_has_a_key_of_every_kind(self):
        sample = json.loads(sample_files.path_of_sample(self.name).read_text(encoding="utf-8"))
        self.assertEqual({sample_files.kind_of(entry["key"]) for entry in sample}, set(sample_files.KINDS))


class PlainLayout(RedisSample, unittest.TestCase):
    name = "redis"


class TaggedLayout(RedisSample, unittest.TestCase):
    name = "redis-tagged"


class SqliteFile(Sample, unittest.TestCase):
    name = "sqlite"


if __name__ == "__main__":
    unittest.main(verbosity=2)
