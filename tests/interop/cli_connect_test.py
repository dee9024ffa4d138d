#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate connect against real MCP servers, and against those that do everything wrong.

usage: cli_connect_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import contextlib
import json
import pathlib
import select
import socket
import sqlite3
import sys
import threading

import cli_sandbox
import mcp_servers
from cli_sandbox import CliTest

GOOD = '[{"name":"one","x":1.0e0},  {"name":"two"}]'


class Connecting(CliTest):
    def connect(self, *rest, code=0, name="srv", **options):
        ran = self.run_cli("connect", "user:1", name, "--json", "--timeout", "20s", *rest, **options)
        self.assertEqual(ran.code, code, (ran.out, ran.err))
        return ran

    def shown(self, name="srv"):
        return self.ok("show", "user:1", name, "--json").json

    def fails(self, *rest, code=None):
        """Exit code 1, one error line, and a FAILED record that holds the same reason."""
        ran = self.connect(*rest, code=1)
        self.one_error_line(ran)
        record = self.shown()
        self.assertEqual(record["status"], "FAILED")
        if code:
            self.assertEqual(record["error"]["code"], code)
        self.assertEqual(ran.json["error"], record["error"])
        return record, ran.errors


class StdioServers(Connecting):
    def test_a_good_server_is_recorded_with_its_tools_byte_for_byte(self):
        record = self.connect(*self.fake_server("good", GOOD)).json
        self.assertEqual(record["status"], "CONNECTED")
        self.assertEqual(record["transport"], "stdio")
        self.assertEqual(record["server_info"], {"name": "fake", "version": "1.2.3"})
        self.assertEqual(record["tool_count"], 2)
        self.assertIn("protocol_version", record)
        stored = self.ok("tools", "user:1", "srv", "--json").text
        self.assertEqual(json.loads(stored), json.loads(GOOD))
        self.assertIn('"x":1.0e0', stored)

    def test_commands_are_never_stored(self):
        self.connect("--env", "TOKEN=hunter2", *self.fake_server("good", GOOD))
        for path in (self.home / "state/mcpstate").iterdir():
            content = path.read_bytes()
            self.assertNotIn(b"cli_fake_server", content)
            self.assertNotIn(b"hunter2", content)

    def test_servers_that_fail_in_every_way(self):
        for mode in ("dies", "dies-asked", "refuses", "list-fails", "list-wrong", "html"):
            with self.subTest(mode):
                self.ok("clear", "user:1", "--yes")
                rest = ("--timeout", "3s") if mode == "html" else ()
                record, line = self.fails(*rest, *self.fake_server(mode))
                self.assertEqual(record["error"]["attempt"], 1)
                self.assertNotIn("\x1b", record["error"]["message"])
                said = {"dies": "cannot find my configuration", "refuses": "entry", "list-fails": "on fire"}
                self.assertIn(said.get(mode, "srv"), line)

    def test_a_command_that_does_not_exist(self):
        record, line = self.fails("--", "/nowhere/at-all", "x", code="spawn_failed")
        self.assertIn("/nowhere/at-all", line)

    def test_attempts_are_counted_and_the_last_good_tools_kept(self):
        self.connect(*self.fake_server("good", GOOD))
        good = self.ok("tools", "user:1", "srv", "--json").out
        for attempt in (1, 2, 3):
            record, _ = self.fails(*self.fake_server("dies"))
            self.assertEqual(record["error"]["attempt"], attempt)
            self.assertIn("last_connected_at", record)
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, good)
        self.assertNotIn("error", self.connect(*self.fake_server("good", GOOD)).json)

    def test_an_empty_list_over_a_good_one(self):
        self.connect(*self.fake_server("good", GOOD))
        good = self.ok("tools", "user:1", "srv", "--json").out
        ran = self.ok("connect", "user:1", "srv", *self.fake_server("good", "[]"))
        self.assertIn("kept", ran.errors)
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, good)
        self.connect("--allow-empty", *self.fake_server("good", "[]"))
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, b"[]")

    def test_an_empty_list_of_a_new_server_is_stored(self):
        self.assertEqual(self.connect(*self.fake_server("good", "[]")).json["tool_count"], 0)
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, b"[]")

    def test_a_silent_server_is_given_up_after_the_timeout_and_no_process_is_left(self):
        self.fails("--timeout", "1s", *self.fake_server("silent", str(self.home / "pid")), code="deadline")
        self.assert_gone(self.pid())

    def pid(self):
        return int((self.home / "pid").read_text(encoding="ascii"))

    def assert_gone(self, pid):
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists(), f"process {pid} is left")

    def wait_for_child(self, child):
        """The child says that it runs by writing a complete line into its file."""
        path = self.home / "pid"
        for _ in range(300):
            if path.exists() and path.read_text(encoding="ascii").endswith("\n"):
                return self.pid()
            self.assertIsNone(child.poll())
            select.select([], [], [], 0.1)
        raise AssertionError("the server was not started")

    def test_ctrl_c_leaves_no_process_and_no_record(self):
        child = self.start_cli("connect", "user:1", "srv", *self.fake_server("silent", str(self.home / "pid")))
        pid = self.wait_for_child(child)
        child.send_signal(2)
        self.assertEqual(child.wait(timeout=30), 130)
        self.assertEqual(child.stderr.read(), b"")
        self.assert_gone(pid)
        self.assertEqual(self.ok("list", "--json").json, [])

    def test_who_was_faster_wins(self):
        silent = self.fake_server("silent", str(self.home / "pid"))
        child = self.start_cli("connect", "user:1", "srv", "--timeout", "5s", *silent)
        self.wait_for_child(child)
        self.ok("set", "user:1", "srv", "CONNECTED")
        self.assertEqual(child.wait(timeout=60), 1)
        self.assertEqual(self.shown()["status"], "CONNECTED")
        self.assertIn(b"could not be recorded", child.stderr.read())


class RealServers(Connecting):
    def test_stdio(self):
        record = self.connect("--", *mcp_servers.everything()).json
        self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "stdio"))
        self.assertGreater(record["tool_count"], 5)
        names = [t["name"] for t in json.loads(self.ok("tools", "user:1", "srv", "--json").out)]
        self.assertIn("echo", names)
        self.assertRegex(self.ok("tools", "user:1", "srv").text, r"srv +echo +\S")

    def test_streamable_http(self):
        url = mcp_servers.streamable_http(self)
        record = self.connect(f"{url}?token=hunter2", "--header", "X-Key: hunter2").json
        self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "http"))
        self.assertEqual(record["protocol_version"], "2025-11-25")
        self.assertEqual(record["url"], url)
        for path in (self.home / "state/mcpstate").iterdir():
            self.assertNotIn(b"hunter2", path.read_bytes())

    def test_the_old_transport(self):
        record = self.connect(mcp_servers.http_sse(self)).json
        self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "sse"))
        self.assertGreater(record["tool_count"], 5)

    def test_the_newest_protocol(self):
        for name, where in (("http", [mcp_servers.modern_http(self)]), ("stdio", ["--", *mcp_servers.modern("stdio")])):
            record = self.connect(*where, name=name).json
            self.assertEqual((record["transport"], record["protocol_version"]), (name, "2026-07-28"))
            self.assertEqual(record["server_info"], {"name": "modern", "version": "1.2.3"})

    def test_the_protocol_may_be_said(self):
        url = mcp_servers.modern_http(self)
        self.assertEqual(self.connect("--protocol", "legacy", url).json["protocol_version"], "2025-11-25")
        self.assertEqual(self.connect("--protocol", "modern", url).json["protocol_version"], "2026-07-28")
        self.fails("--protocol", "sse", url)
        self.fails("--protocol", "modern", "--", *mcp_servers.everything())
        self.refused(2, "connect", "user:1", "srv", url, "--protocol", "old", says="none of auto, modern, legacy, sse")


class WhatIsRemembered(Connecting):
    def test_a_protocol_found_out_lately_is_where_the_next_connection_begins(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        self.assertEqual(server.methods().count("server/discover"), 1)
        self.connect(server.url)
        self.connect(server.url, name="another")
        self.assertEqual(server.methods().count("server/discover"), 2)

    def test_a_server_that_has_changed_is_looked_at_again(self):
        url = mcp_servers.modern_http(self, "http-modern")
        self.pretend(url, "2025-11-25", "http")
        self.assertEqual(self.connect(url).json["protocol_version"], "2026-07-28")
        self.pretend(url, "2025-11-25", "sse")
        self.assertEqual(self.connect(url).json["transport"], "http")

    def pretend(self, url, version, transport):
        """A record that says that the server spoke this when it was last asked, which was a moment ago."""
        self.connect(url)
        path = self.home / "state/mcpstate/state.db"
        with contextlib.closing(sqlite3.connect(path)) as store:
            info = store.execute("SELECT info FROM records").fetchone()[0]
            old = info.replace('"protocol_version":"2026-07-28"', f'"protocol_version":"{version}"')
            old = old.replace('"transport":"http"', f'"transport":"{transport}"')
            self.assertNotEqual(old, info)
            store.execute("UPDATE records SET info = ?", (old,))
            store.commit()

    def test_what_another_server_spoke_is_forgotten(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        self.fails("http://127.0.0.1:1/mcp")
        self.assertNotIn("protocol_version", self.shown())
        self.connect(server.url)


class LeftOut(Connecting):
    def test_tools_that_cannot_be_offered_are_told(self):
        ran = self.ok("connect", "user:1", "srv", *self.fake_server("good", '[{"name":"a"},{"name":"a"},{"x":1}]'))
        self.assertIn("2 tools left out: a: a second tool of this name; (unnamed): it has no name", ran.errors)
        self.assertEqual(self.shown()["tool_count"], 1)


class HttpServers(Connecting):
    def serve(self, **answers):
        return mcp_servers.page(self, **answers)

    def test_a_url_that_answers_a_web_page(self):
        self.fails(self.serve())

    def test_refusals(self):
        _, line = self.fails(self.serve(status=401, kind="text/plain", body=b"who are you?"), code="auth_failed")
        self.assertIn("--header", line)
        self.ok("clear", "user:1", "--yes")
        self.fails(self.serve(status=500, kind="text/plain", body=b"\x1b[31mbroken"))

    def test_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            _, line = self.fails(f"http://127.0.0.1:{taken.getsockname()[1]}/", code="connect_failed")
            self.assertIn("is the server running", line)

    def test_tls_on_a_port_that_speaks_none(self):
        self.fails(self.serve().replace("http://", "https://"))

    def test_a_server_that_hangs_up_in_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def hang_up():
            try:
                while True:
                    listener.accept()[0].close()
            except OSError:
                return

        thread = threading.Thread(target=hang_up)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        self.fails(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
