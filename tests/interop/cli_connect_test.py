#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate connect against real MCP servers, and against those that do everything wrong.

usage: cli_connect_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import http.server
import json
import pathlib
import select
import socket
import subprocess
import sys
import threading

import cli_sandbox
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
    def everything(self, transport):
        return [f"{cli_sandbox.NODE_MODULES}/@modelcontextprotocol/server-everything/dist/index.js", transport]

    def test_stdio(self):
        record = self.connect("--", "node", *self.everything("stdio")).json
        self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "stdio"))
        self.assertGreater(record["tool_count"], 5)
        names = [t["name"] for t in json.loads(self.ok("tools", "user:1", "srv", "--json").out)]
        self.assertIn("echo", names)
        self.assertRegex(self.ok("tools", "user:1", "srv").text, r"srv +echo +\S")

    def test_streamable_http(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(["node", *self.everything("streamableHttp")], env={**self.env, "PORT": str(port)},
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        said = b""
        while b"listening" not in said.lower():
            ready, _, _ = select.select([server.stderr], [], [], 60)
            self.assertTrue(ready, said)
            part = server.stderr.read1()
            self.assertTrue(part, said)
            said += part
        record = self.connect(f"http://127.0.0.1:{port}/mcp?token=hunter2", "--header", "X-Key: hunter2").json
        self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "http"))
        self.assertEqual(record["url"], f"http://127.0.0.1:{port}/mcp")
        for path in (self.home / "state/mcpstate").iterdir():
            self.assertNotIn(b"hunter2", path.read_bytes())


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every request with what its class says."""
    status, kind, body = 200, "text/html", b"<!doctype html><title>Welcome</title>"

    def respond(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_DELETE = respond

    def log_message(self, *_):
        pass


class HttpServers(Connecting):
    def serve(self, **answers):
        handler = type("Handler", (Page,), answers)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}/mcp"

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
