#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate probe against real MCP servers, and against what people have in place of one; and the probe of README.md.

usage: cli_probe_test.py PROGRAM NODE_MODULES README [unittest arguments]
"""
import json
import os
import pathlib
import pty
import re
import select
import socket
import subprocess
import sys

import cli_sandbox
import mcp_servers
import tour_test
from cli_sandbox import CliTest

README = DOCUMENTED = None


class Probing(CliTest):
    def probe(self, *words, code=0, **options):
        """The JSON report; the text report ends with the same exit code."""
        ran = self.run_cli("probe", "--json", *words, **options)
        self.assertEqual(ran.code, code, (ran.out, ran.err))
        report = ran.json
        self.assertEqual(report["works"], code == 0)
        words = set(report) | {key for step in report["steps"] for key in step} | {a["about"] for a in report["advice"]}
        self.assertEqual(words - DOCUMENTED, set(), "docs/mcp.md does not name them")
        if code == 0:
            self.assertEqual(ran.err, b"")
            self.assertEqual(report["tool_count"], len(report["tools"]))
        else:
            self.one_error_line(ran)
            self.assertIn("error", report)
        self.assertFalse((self.home / "state").exists(), "probe opened a store")
        return report

    def about(self, report):
        return {a["about"]: a["level"] for a in report["advice"]}

    def steps(self, report):
        return [(s["step"], s["ok"]) for s in report["steps"]]


class RealServers(Probing):
    def test_streamable_http(self):
        report = self.probe(mcp_servers.streamable_http(self))
        self.assertEqual((report["transport"], report["era"], report["protocol_version"]), ("http", "legacy", "2025-11-25"))
        self.assertEqual(self.steps(report), [("server/discover", False), ("initialize", True), ("GET (announcements)", True),
                                              ("tools/list", True), ("close", True)])
        self.assertEqual(report["steps"][0]["http_status"], 400)
        self.assertEqual(report["steps"][0]["rpc_error"], -32000)
        self.assertTrue(report["capabilities"]["tools"]["listChanged"])
        self.assertIn("Everything", report["instructions"])
        self.assertEqual(self.about(report), {"old_revision": "note"})

    def test_the_old_transport(self):
        report = self.probe(mcp_servers.http_sse(self))
        self.assertEqual((report["transport"], report["era"]), ("sse", "sse"))
        self.assertEqual(self.about(report)["old_transport"], "warning")

    def test_stdio(self):
        report = self.probe("--", *mcp_servers.filesystem(self.home))
        self.assertEqual((report["program"], report["transport"]), ("node", "stdio"))
        self.assertEqual(self.steps(report), [("start the program", True), ("server/discover", False), ("initialize", True),
                                              ("tools/list", True), ("close", True)])
        self.assertEqual(self.about(report), {"old_revision": "note"})

    def test_sizes_are_those_of_the_list(self):
        report = self.probe("--", *mcp_servers.everything())
        self.ok("connect", "user:1", "srv", "--", *mcp_servers.everything())
        stored = self.ok("tools", "user:1", "srv", "--json").out
        self.assertEqual(report["tools_bytes"], len(stored))
        self.assertEqual(sum(t["bytes"] for t in report["tools"]) + len(report["tools"]) + 1, len(stored))
        self.assertEqual([t["name"] for t in report["tools"]], [t["name"] for t in json.loads(stored)])
        self.assertEqual(report["tools_hash"], self.ok("show", "user:1", "srv", "--json").json["tools_hash"])

    def test_the_newest_protocol(self):
        url = mcp_servers.modern_http(self)
        for where in ([url], ["--", *mcp_servers.modern("stdio-modern")]):
            report = self.probe(*where)
            self.assertEqual((report["era"], report["protocol_version"]), ("modern", "2026-07-28"))
            self.assertEqual((report["fresh_for_ms"], report["shared_by_users"]), (60000, True))
            self.assertIn(("subscriptions/listen", True), self.steps(report))
            self.assertEqual(report["instructions"], "Call anything.")
            self.assertEqual(report["advice"], [])

    def test_a_protocol_that_is_said(self):
        url = mcp_servers.modern_http(self)
        report = self.probe(url, "--protocol", "legacy")
        self.assertEqual(report["protocol_version"], "2025-11-25")
        self.assertEqual(self.about(report)["no_stream"], "note")
        failed = self.probe(url, "--protocol", "sse", code=1)
        self.assertEqual(self.about(failed)["protocol_forced"], "note")

    def test_in_words(self):
        ran = self.ok("probe", "--", *mcp_servers.modern("stdio"))
        self.assertEqual(ran.err, b"")
        self.assertNotIn("\x1b", ran.text)
        for line in (r"node", r"  works +yes", r"  server +modern 1\.2\.3", r"  era +modern", r"  revision +2026-07-28",
                     r"  transport +stdio", r"  capabilities +tools \(listChanged\), resources \(listChanged\), .*",
                     r"  tools +9 tools, 1\.\d KB", r"  fresh +for 1 min, the same for all users", r"STEP +TOOK +OUTCOME",
                     r"tools/list +[\d.]+ ms +ok", r"TOOL +SIZE +DESCRIPTION", r"echo +\d+ B +Answers what it was given"):
            self.assertRegex(ran.text, "(?m)^" + line + "$")

    def test_colours_and_progress_only_on_a_terminal(self):
        screen, terminal = pty.openpty()
        self.addCleanup(os.close, screen)
        child = subprocess.Popen([cli_sandbox.PROGRAM, "probe", "--timeout", "3s", *self.fake_server("silent", str(self.home / "pid"))],
                                 cwd=self.home, env=self.env, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
        os.close(terminal)
        seen = b""
        while True:
            try:
                part = os.read(screen, 65536)
            except OSError:  # the other end is closed: how Linux ends a terminal
                break
            if not part:
                break
            seen += part
        self.assertEqual(child.wait(timeout=60), 1)
        self.assertIn("probing /usr/bin/python3… 1 s".encode(), seen)
        self.assertIn(b"\x1b[31mno\x1b[0m", seen)


class ReadMe(CliTest):
    def test_the_probe_of_the_readme(self):
        """Its command as printed; npx finds the package here, where its folder is linked to."""
        (self.home / "node_modules").symlink_to(cli_sandbox.NODE_MODULES)
        self.env["PATH"] = os.path.dirname(cli_sandbox.PROGRAM) + ":" + self.env["PATH"]
        self.env["npm_config_offline"] = "true"
        text = pathlib.Path(README).read_text(encoding="utf-8")
        block = re.search(r"<!-- probe -->\n```\n\$ (.*?)\n(.*?)```", text, re.S)
        self.assertTrue(block, "README.md has no block marked <!-- probe -->")
        done = subprocess.run(["bash", "-ec", block.group(1)], cwd=self.home, env=self.env, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        def timeless(text):
            return re.sub(r"[\d.]+ ms", "N ms", text)

        lines = timeless(done.stdout).splitlines()
        for wanted in timeless(block.group(2)).splitlines():
            if wanted.strip() != "…":  # there is more than the README has room for
                self.assertTrue(any(tour_test.matches(wanted, line) for line in lines), (wanted, done.stdout))


class ForeignEndpoint(mcp_servers.Page):
    """HTTP+SSE whose messages are to go to another server."""

    def do_GET(self):
        self.kind, self.body = "text/event-stream", b"event: endpoint\ndata: http://127.0.0.1:1/messages\n\n"
        self.respond()

    def do_POST(self):
        self.status, self.kind, self.body = 405, "text/plain", b""
        self.respond()


class WhatIsWrong(Probing):
    def test_web_pages_and_refusals(self):
        cases = ((dict(), "wrong_path", "protocol"),
                 (dict(status=404), "wrong_path", "http_status"),
                 (dict(status=405, kind="text/plain", body=b""), "wrong_path", "http_status"),
                 (dict(status=401, kind="text/plain", body=b"who are you?"), "credentials", "auth_failed"),
                 (dict(status=403, kind="text/plain", body=b"Invalid Host"), "forbidden", "auth_failed"),
                 (dict(status=406, kind="text/plain", body=b"Not Acceptable"), "accept_header", "http_status"),
                 (dict(status=415, kind="text/plain", body=b""), "content_type_header", "http_status"),
                 (dict(status=302, more=[("Location", "https://elsewhere.example/mcp")]), "redirect", "http_status"),
                 (dict(status=307, more=[("Location", "https://elsewhere.example/mcp")]), "redirect", "forbidden_target"),
                 (dict(status=308, more=[("Location", "/again")]), "redirect", "http_status"),
                 (dict(status=503, kind="text/plain", body=b"later"), "busy", "http_status"),
                 (dict(status=500, kind="text/plain", body=b"oops"), "server_error", "http_status"))
        for answers, about, code in cases:
            with self.subTest(about, **answers):
                report = self.probe(mcp_servers.page(self, **answers), code=1)
                self.assertEqual(report["error"]["code"], code)
                self.assertEqual(self.about(report).get(about), "problem", report["advice"])
                self.assertGreater(len(report["steps"]), 0)

    def test_an_event_stream_that_leads_elsewhere(self):
        url = mcp_servers.web(self, ForeignEndpoint)
        for words in ((url,), (url, "--protocol", "sse")):
            self.assertEqual(self.about(self.probe(*words, code=1))["foreign_endpoint"], "problem")

    def test_credentials_that_are_refused(self):
        url = mcp_servers.page(self, status=401, kind="text/plain", body=b"expired")
        ran = self.run_cli("probe", url, "--header", "Authorization: Bearer hunter2")
        self.assertEqual(ran.code, 1)
        self.assertIn("refuses the credentials given", ran.text)
        self.assertNotIn("hunter2", ran.text + ran.errors)

    def test_secrets_of_urls_are_not_shown(self):
        ran = self.run_cli("probe", mcp_servers.page(self) + "?token=hunter2")
        self.assertNotIn("hunter2", ran.text + ran.errors)
        ran = self.run_cli("probe", "https://joe:hunter2@example.com/mcp")
        self.assertEqual(ran.code, 2)
        self.assertNotIn("hunter2", ran.errors)

    def test_nobody_is_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            self.assertEqual(self.about(self.probe(f"http://127.0.0.1:{port}/mcp", code=1)), {"unreachable": "problem"})
        self.assertEqual(self.about(self.probe("http://nowhere.invalid/mcp", code=1)), {"unreachable": "problem"})

    def test_tls_on_a_port_that_speaks_none(self):
        url = mcp_servers.page(self).replace("http://", "https://")
        self.assertEqual(self.about(self.probe(url, code=1)), {"tls": "problem"})

    def test_programs_that_fail(self):
        report = self.probe(*self.fake_server("dies"), code=1)
        self.assertEqual(self.about(report), {"crashed": "problem"})
        self.assertIn("cannot find my configuration", report["error"]["says"])
        self.assertEqual(self.about(self.probe("--", "/nowhere/at-all", code=1)), {"not_started": "problem"})
        report = self.probe("--timeout", "3s", *self.fake_server("silent", str(self.home / "pid")), code=1)
        self.assertEqual(self.about(report), {"silent": "problem"})
        self.assertEqual(self.about(self.probe(*self.fake_server("refuses"), code=1)), {"refused": "problem"})
        report = self.probe(*self.fake_server("list-fails"), code=1)
        self.assertEqual(self.about(report)["list_failed"], "problem")
        self.assertEqual(report["server_info"], {"name": "fake", "version": "1.2.3"})
        self.assertEqual(report["steps"][-2]["says"], "the catalogue is on fire")

    def test_a_program_that_prints(self):
        report = self.probe(*self.fake_server("chatty", '[{"name":"a","inputSchema":{"type":"object"},"description":"x"}]'))
        self.assertEqual(report["stdout_text_lines"], 2)
        self.assertEqual(self.about(report)["stdout_text"], "warning")
        self.assertIn("Starting up", next(a["text"] for a in report["advice"] if a["about"] == "stdout_text"))

    def test_a_program_that_does_not_like_to_be_asked_for_the_newest_protocol(self):
        report = self.probe(*self.fake_server("picky", "[]"))
        self.assertEqual(self.steps(report)[:4], [("start the program", True), ("server/discover", False), ("start it again", True),
                                                  ("initialize", True)])
        self.assertEqual(self.about(report)["probe_unanswered"], "warning")

    def test_a_server_that_announces_without_a_stream(self):
        server = mcp_servers.diary(self, [{"name": "t", "description": "x", "inputSchema": {"type": "object"}}])
        report = self.probe(server.url)
        self.assertEqual(self.about(report), {"no_stream": "note", "old_revision": "note"})

    def test_odd_tools(self):
        good = {"description": "x", "inputSchema": {"type": "object"}}
        tools = [{"name": "fine", **good}, {"name": "two words", **good}, {"name": "n" * 65, **good}, {"name": "n" * 129, **good},
                 {"name": "silent", "inputSchema": {"type": "object"}}, {"name": "bare", "description": "x"},
                 {"name": "wordy", "inputSchema": {"type": "object"}, "description": "w" * 70000},
                 {"name": "remote", "description": "x", "inputSchema": {"type": "object", "$ref": "https://x.example/schema"}},
                 {"name": "bad_header", "description": "x", "inputSchema": {"type": "object", "properties": {
                     "a": {"type": "number", "x-mcp-header": "A"}}}},
                 {"name": "fine", **good}]
        report = self.probe(*self.fake_server("good", json.dumps(tools)))
        self.assertEqual(report["tool_count"], 9)
        self.assertEqual(len(report["dropped"]), 1)
        advice = {a["about"]: a for a in report["advice"]}
        for about, level, name in (("dropped_tools", "warning", "fine"), ("tool_names", "warning", "two words"),
                                   ("long_names", "note", "n" * 65), ("no_description", "note", "silent"),
                                   ("input_schema", "warning", "bare"), ("long_descriptions", "note", "wordy"),
                                   ("network_ref", "warning", "remote"), ("header_annotations", "warning", "bad_header"),
                                   ("large_list", "note", "tokens")):
            self.assertEqual(advice[about]["level"], level)
            self.assertIn(name, advice[about]["text"])
        levels = [a["level"] for a in report["advice"]]
        self.assertEqual(levels, sorted(levels, reverse=True))  # "warning" before "note"

    def test_wrong_words(self):
        for words, says in (((), "give a URL, or a command after --"), (("ftp://x/",), "only http and https"),
                            (("http://x/", "--", "cat"), "not both"), (("http://x/", "--header", "secret"), "--header"),
                            (("http://x/", "--env", "A=1"), "--env"), (("http://x/", "--timeout", "soon"), "--timeout"),
                            (("http://x/", "--ca-file", "/nowhere"), "--ca-file"), (("--protocol", "new", "http://x/"), "none of"),
                            (("--store", "memory:", "http://x/"), "unknown option")):
            self.refused(2, "probe", *words, says=says)

    def test_a_wrong_store_is_no_business_of_a_probe(self):
        ran = self.run_cli("probe", "--", *mcp_servers.modern("stdio"), env={"REDIS_URL": "nonsense"})
        self.assertEqual(ran.code, 0, ran.err)

    def test_ctrl_c_ends_it_and_leaves_no_process(self):
        child = self.start_cli("probe", *self.fake_server("silent", str(self.home / "pid")))
        path = self.home / "pid"
        for _ in range(300):
            if path.exists() and path.read_text(encoding="ascii").endswith("\n"):
                break
            select.select([], [], [], 0.1)
        child.send_signal(2)
        self.assertEqual(child.wait(timeout=30), 130)
        self.assertEqual(child.stdout.read(), b"")
        self.assertFalse(pathlib.Path(f"/proc/{int(path.read_text(encoding='ascii'))}").exists())


if __name__ == "__main__":
    README = sys.argv.pop(3)
    page = (pathlib.Path(README).parent / "docs/mcp.md").read_text(encoding="utf-8")
    DOCUMENTED = set(re.findall(r"`(\w+)`", page[page.index("--json` prints"):]))
    cli_sandbox.main(sys.argv)
