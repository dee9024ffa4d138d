#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Credentials of connect, probe, call and tools --refresh come from the environment, a file or standard input; with --json every
failure is one problem object.

usage: cli_credentials_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import http.server

import threading

import cli_sandbox
from cli_sandbox import CliTest

SECRET = "s3cret-of-the-owner"


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Server.seen.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class Credentials(CliTest):
    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/mcp"
        self.env["REDIS_URL"] = "sqlite:" + str(self.home / "state.db")
        self.env["TOKEN"] = SECRET
        Server.seen.clear()

    def expect_sent(self, ran):
        self.assertNotEqual(ran.code, 2, ran.err)
        self.assertTrue(Server.seen)
        self.assertEqual(set(Server.seen), {"Bearer " + SECRET})
        self.assertNotIn(SECRET.encode(), ran.out + ran.err)
        Server.seen.clear()

    def test_EachCommandTakesThemFromWhereNobodySeesThem(self):
        file = self.file("headers", f"Authorization: Bearer {SECRET}\n")
        ways = ((("--header", "Authorization: Bearer ${TOKEN}"), b""), (("--header-file", file), b""),
                (("--header-file", "-"), f"Authorization: Bearer {SECRET}\n".encode()))
        for words, stdin in ways:
            self.expect_sent(self.run_cli("probe", self.url, *words, stdin=stdin))
            self.expect_sent(self.run_cli("connect", "user:1", "web", self.url, *words, stdin=stdin))
            self.expect_sent(self.run_cli("call", "user:1", "web", "echo", *words, stdin=stdin))
            self.expect_sent(self.run_cli("tools", "user:1", "web", "--refresh", *words, stdin=stdin))

    def test_AProgramIsGivenItsVariables(self):
        script = self.file("server.sh", 'echo "it is $KEY" >&2; exit 1\n')
        for words, stdin in ((("--env", "KEY=${TOKEN}"), b""), (("--env-file", self.file("env", "KEY=" + SECRET)), b""),
                             (("--env-file", "-"), f"KEY='{SECRET}'\n".encode())):
            ran = self.run_cli("probe", *words, "--", "sh", script, stdin=stdin)
            self.assertIn("it is " + SECRET, ran.text + ran.errors)

    def test_WhatIsMissingIsSaid(self):
        self.refused(2, "probe", self.url, "--header", "Authorization: Bearer ${NOT_SET}", says="NOT_SET is not set")
        self.refused(2, "probe", self.url, "--header-file", "nowhere", says="nowhere")
        self.refused(2, "call", "user:1", "web", "echo", "-", "--header-file", "-", says="standard input")
        self.refused(2, "probe", "--header-file", "x", "--", "sh", says="--header")
        self.refused(2, "probe", self.url, "--env-file", "x", says="--env")
        self.assertEqual(Server.seen, [])


class ProblemObjects(CliTest):
    def setUp(self):
        super().setUp()
        self.env["REDIS_URL"] = "sqlite:" + str(self.home / "state.db")

    def test_EveryFailureIsOne(self):
        self.refused_json(1, "no_record", "show", "user:1", "none", says="none")
        self.refused_json(1, "no_record", "tools", "user:1", "none")
        self.refused_json(1, "no_record", "call", "user:1", "none", "echo")
        self.refused_json(2, "bad_owner", "list", "nobody")
        self.refused_json(2, "bad_argument", "list", "--ttl", "no")
        self.refused_json(2, "bad_argument", "servers", "--servers", "nowhere.json")
        self.refused_json(2, "bad_argument", "set", "user:1", "a", "CONNECTED", "--tools", "nowhere.json")
        self.refused_json(3, "connect_failed", "list", "--store", "unix:///nowhere/redis.sock")
        self.refused_json(3, "storage_failed", "list", "--store", "sqlite:/nowhere/state.db")

    def test_AWrongCommandLineIsOneToo(self):
        for words in (("lits",), ("list", "--nothing"), ("show",), ("set", "user:1", "a", "MAYBE")):
            problem = self.refused_json(2, None, *words)
            self.assertNotIn("code", problem)

    def test_TheWordsOfAProgramDoNotAskForOne(self):
        ran = self.run_cli("probe", "--nothing", "--", "sh", "--json")
        self.assertEqual((ran.code, ran.out), (2, b""))

    def test_WhatAnswersOtherwiseAnswersOnce(self):
        for words in (("connect", "user:1", "gone", "http://127.0.0.1:1/mcp"), ("probe", "http://127.0.0.1:1/mcp"),
                      ("doctor", "--store", "unix:///nowhere/redis.sock")):
            ran = self.run_cli(*words, "--json")
            self.assertNotEqual(ran.code, 0)
            self.assertNotIn("exit_code", ran.json, words)

    def test_WithoutJsonThereIsNone(self):
        self.refused(1, "show", "user:1", "none")

    def test_JunkIsNoList(self):
        import sqlite3
        self.ok("set", "user:1", "web", "CONNECTED", "--tools", self.file("t.json", "[]"))
        for junk in (b"[{'name': 'a'}]", b"{}", b"[1,", b"\xff"):
            with sqlite3.connect(self.home / "state.db") as file:
                file.execute("UPDATE tools SET bytes = ?", (junk,))
            file.close()
            self.refused_json(3, "junk_record", "tools", "user:1", "web", says="no list of tools")


if __name__ == "__main__":
    import sys
    cli_sandbox.main(sys.argv)
