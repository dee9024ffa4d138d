#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The program as people and scripts use it, on the embedded store.

usage: cli_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import contextlib
import json
import os
import pty
import re
import select
import sqlite3
import subprocess
import unittest

import cli_sandbox
from cli_sandbox import CliTest

TOOLS = b'[ {"name":"b","description":"Second\\nline", "x":1.0e0}, {"name":"a","inputSchema":{"type":"object"}} ]'
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


class Records(CliTest):
    def connected(self, owner="user:42", server="github", tools=TOOLS):
        return self.ok("set", owner, server, "CONNECTED", "--tools", "-", "--json", stdin=tools).json

    def test_set_then_read_back(self):
        written = self.connected()
        self.assertEqual((written["owner"], written["server"], written["status"]), ("user:42", "github", "CONNECTED"))
        self.assertEqual(written["tool_count"], 2)
        shown = self.ok("show", "user:42", "github", "--json").json
        self.assertEqual(shown["revision"], written["revision"])
        self.assertRegex(shown["connected_at"], ISO)
        listed = self.ok("list", "user:42", "--json").json
        self.assertEqual([c["server"] for c in listed], ["github"])
        self.assertNotIn("tools", listed[0])
        with_tools = self.ok("list", "user:42", "--tools", "--json").json
        self.assertEqual(with_tools[0]["tools"], json.loads(TOOLS))

    def test_tools_come_back_byte_for_byte(self):
        self.connected()
        self.assertEqual(self.ok("tools", "user:42", "github", "--json").out, TOOLS)
        table = self.ok("tools", "user:42", "github").text
        self.assertRegex(table, r"github +b +Second\n")
        everything = self.ok("tools", "user:42", "--json").json
        self.assertEqual(everything, [{"server": "github", "status": "CONNECTED", "tools": json.loads(TOOLS)}])

    def test_human_output_is_a_plain_table_and_names_the_store(self):
        self.connected()
        self.ok("set", "user:42", "files", "FAILED", "--reason", "no such directory")
        listed = self.ok("list", "user:42")
        heads = ["SERVER", "STATUS", "TOOLS", "SINCE", "EXPIRES", "REMARK"]
        self.assertEqual(listed.text.splitlines()[0].split(), heads)
        self.assertRegex(listed.text, r"\ngithub +CONNECTED +2 +(now|\d+ s ago) +in 24 h")
        self.assertRegex(listed.text, r"\nfiles +FAILED +- +(now|\d+ s ago) +in 24 h +no such directory\n")
        self.assertNotIn("\x1b", listed.text + listed.errors)
        self.assertRegex(listed.errors, r"store: sqlite .*state\.db")
        owners = self.ok("list").text
        self.assertRegex(owners, r"user:42 +1 +2 +in 24 h")

    def test_owners_as_json(self):
        self.assertEqual(self.ok("list", "--json").json, [])
        self.connected()
        self.connected(owner="session:é k")
        owners = self.ok("list", "--json").json
        self.assertEqual([o["owner"] for o in owners], ["user:42", "session:é k"])
        self.assertEqual(owners[0]["connections"], 1)
        self.assertRegex(owners[0]["expires_at"], ISO)

    def test_failed_keeps_the_last_good_tools_and_disconnect_drops_them(self):
        self.connected()
        self.ok("set", "user:42", "github", "FAILED", "--reason", "gone")
        shown = self.ok("show", "user:42", "github")
        self.assertIn("gone", shown.text)
        self.assertEqual(self.ok("tools", "user:42", "github", "--json").out, TOOLS)
        self.assertEqual(self.ok("disconnect", "user:42", "github", "--json").json, {"disconnected": 1})
        self.assertEqual(self.ok("show", "user:42", "github", "--json").json["status"], "DISCONNECTED")
        self.refused_json(1, "no_record", "tools", "user:42", "github", says="DISCONNECTED")

    def test_an_empty_list_replaces_a_good_one_only_when_asked_to(self):
        self.connected()
        self.refused(2, "set", "user:42", "github", "CONNECTED", "--tools", "-", stdin=b"[]", says="--allow-empty")
        self.assertEqual(self.ok("tools", "user:42", "github", "--json").out, TOOLS)
        self.ok("set", "user:42", "github", "CONNECTED", "--tools", "-", "--allow-empty", stdin=b"[]")
        self.assertEqual(self.ok("tools", "user:42", "github", "--json").out, b"[]")

    def test_a_write_on_a_revision_that_is_gone_is_a_conflict(self):
        revision = str(self.connected()["revision"])
        self.ok("set", "user:42", "github", "FAILED", "--if-revision", revision)
        self.refused(1, "set", "user:42", "github", "CONNECTED", "--if-revision", revision, says="nothing was written")
        self.assertEqual(self.ok("show", "user:42", "github", "--json").json["status"], "FAILED")
        self.refused(1, "set", "user:42", "github", "CONNECTED", "--if-revision", "0")
        self.ok("set", "user:42", "new", "CONNECTED", "--if-revision", "0")

    def test_touch_renews(self):
        before = self.connected()["expires_at"]
        self.assertEqual(self.ok("touch", "user:42", "--ttl", "48h", "--json").json, {"touched": 1})
        self.assertGreater(self.ok("show", "user:42", "github", "--json").json["expires_at"], before)
        self.refused(1, "touch", "user:42", "nothing")

    def test_claim_moves_what_the_session_holds(self):
        self.connected(owner="session:s", server="a")
        self.connected(owner="session:s", server="b")
        self.connected(owner="user:42", server="b")
        moved = self.ok("claim", "session:s", "user:42", "--json").json
        self.assertEqual((moved["moved"], moved["kept"]), (["a"], ["b"]))
        self.assertEqual(self.ok("list", "session:s", "--json").json, [])
        self.refused(2, "claim", "user:42", "session:s")

    def test_clear_asks_or_is_told(self):
        self.connected()
        self.connected(owner="session:s")
        self.refused(2, "clear", "user:42", says="--yes")
        self.refused(2, "clear", "--yes")
        self.refused(2, "clear", "user:42", "--all", "--yes")
        self.assertEqual(self.ok("clear", "user:42", "--yes", "--json").json, {"owners": 1, "records": 1})
        self.assertEqual(self.ok("clear", "--all", "--yes", "--json").json, {"owners": 1, "records": 1})
        self.assertEqual(self.ok("list", "--json").json, [])

    def test_clear_at_a_terminal_asks_and_takes_no_for_an_answer(self):
        self.connected()
        self.assertEqual(self.answer("n", "clear", "user:42"), 1)
        self.assertEqual(len(self.ok("list", "user:42", "--json").json), 1)
        self.assertEqual(self.answer("y", "clear", "user:42"), 0)
        self.assertEqual(self.ok("list", "user:42", "--json").json, [])

    def answer(self, text, *words):
        keyboard, terminal = pty.openpty()
        try:
            child = subprocess.Popen([cli_sandbox.PROGRAM, *words], cwd=self.home, env=self.env, stdin=terminal,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            os.write(keyboard, text.encode() + b"\n")
            out, err = child.communicate(timeout=60)
            self.assertIn(b"[y/N]", err)
            return child.returncode
        finally:
            os.close(keyboard)
            os.close(terminal)

    def test_stats_and_doctor(self):
        self.connected()
        stats = self.ok("stats", "--json").json
        self.assertEqual((stats["kind"], stats["users"], stats["sessions"], stats["connected"]), ("sqlite", 1, 0, 1))
        self.assertGreaterEqual(stats["tools_bytes"], len(TOOLS))
        self.assertRegex(self.ok("stats").text, r"users +1\n")
        found = self.ok("doctor", "--json").json
        self.assertEqual(found["problems"], 0)
        self.assertEqual(found["findings"][0]["check"], "reachable")
        self.assertIn("0 problems", self.ok("doctor").text)
        self.ok("doctor", "--fix")

    def test_colours_only_on_a_terminal_and_not_with_no_color(self):
        self.connected()
        self.assertIn("\x1b[32mCONNECTED", self.on_terminal({}))
        self.assertNotIn("\x1b[32m", self.on_terminal({"NO_COLOR": "1"}))
        self.assertNotIn("\x1b[32m", self.on_terminal({"TERM": "dumb"}))

    def on_terminal(self, env):
        screen, terminal = pty.openpty()
        child = subprocess.Popen([cli_sandbox.PROGRAM, "list", "user:42"], cwd=self.home, env={**self.env, **env},
                                 stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL)
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
        os.close(screen)
        self.assertEqual(child.wait(timeout=60), 0)
        return seen.decode()


class Store(CliTest):
    def test_flag_environment_and_dotenv(self):
        a, b, c = (f"sqlite:{self.home}/{n}.db" for n in "abc")
        self.file(".env", f"# ours\nexport REDIS_URL='{c}'\nMCPSTATE_TTL=2h\n")
        self.ok("set", "user:c", "s", "CONNECTED")
        self.ok("set", "user:b", "s", "CONNECTED", env={"REDIS_URL": b})
        self.ok("set", "user:a", "s", "CONNECTED", "--store", a, env={"REDIS_URL": b})
        for url, owner in ((a, "user:a"), (b, "user:b"), (c, "user:c")):
            self.assertEqual([o["owner"] for o in self.ok("list", "--json", "--url", url).json], [owner])
        self.assertRegex(self.ok("list").text, r"user:c +1 +1 +in 2 h")

    def test_the_embedded_store_is_in_the_state_directory(self):
        self.ok("set", "user:a", "s", "CONNECTED")
        self.assertTrue((self.home / "state/mcpstate/state.db").is_file())

    def test_a_store_that_cannot_be_reached_is_exit_3(self):
        for words in (("list",), ("show", "user:a", "s"), ("set", "user:a", "s", "CONNECTED"), ("stats",)):
            self.refused(3, *words, "--store", f"unix://{self.home}/no.sock")
        self.refused(3, "list", "--store", "redis://localhost:1/0")
        self.refused(3, "list", "--store", "sqlite:/proc/none/state.db")
        self.refused(3, "list", "--store", f"sqlite:{self.home}/tpyo/state.db", says="mkdir -p")
        self.assertFalse((self.home / "tpyo").exists(), "a mistyped path makes nothing")
        found = self.run_cli("doctor", "--json", "--store", f"unix://{self.home}/no.sock")
        self.assertEqual(found.code, 3)
        self.assertEqual(found.json["problems"], 1)
        self.assertEqual(found.json["findings"][0]["check"], "reachable")

    def test_a_file_that_is_no_database_is_reported(self):
        self.refused(3, "list", "--store", "sqlite:" + self.file("not.db", b"this is no database, it is text\n" * 100))

    def test_secrets_of_urls_are_never_shown(self):
        for url in ("redis://joe:hunter2@localhost:1/0", "ftp://joe:hunter2@host/", "redis://joe:hunter2@host:99999/0"):
            ran = self.run_cli("list", env={"REDIS_URL": url})
            self.assertNotEqual(ran.code, 0)
            self.one_error_line(ran)
            self.assertNotIn("hunter2", ran.errors)

    def test_a_full_disk_is_exit_3_with_one_line(self):
        words = ["set", "user:a", "s", "CONNECTED", "--tools", "-"]
        limited = subprocess.run(["bash", "-c", 'ulimit -f 64; exec "$@"', "-", cli_sandbox.PROGRAM, *words], cwd=self.home,
                                 env=self.env, input=b'["' + b"x" * 300000 + b'"]', capture_output=True, timeout=60)
        self.assertEqual(limited.returncode, 3, limited.stderr)
        self.one_error_line(cli_sandbox.Ran(limited))
        self.assertEqual(self.ok("list", "user:a", "--json").json, [])


class Managed(CliTest):
    """Connections that mcpstate itself manages: the command line leaves them alone, as HTTP does."""

    def managed(self, state="CONNECTED"):
        self.ok("set", "user:42", "github", state, *(("--tools", "-") if state == "CONNECTED" else ()), stdin=TOOLS)
        with contextlib.closing(sqlite3.connect(self.home / "state/mcpstate/state.db", timeout=10)) as db, db:
            mark = f'"status":"{state}"'
            done = db.execute("UPDATE records SET info = replace(info, ?, ?)", (mark, '"managed":true,' + mark))
            self.assertEqual(done.rowcount, 1)
        shown = self.ok("show", "user:42", "github", "--json").json
        self.assertIs(shown["managed"], True)
        return shown

    def test_set_never_writes_over_one(self):
        for state in ("CONNECTED", "CONNECTING", "FAILED", "AUTH_REQUIRED"):
            before = self.managed(state)
            for word in ("CONNECTED", "FAILED", "DISCONNECTED"):
                said = self.refused(1, "set", "user:42", "github", word, says="manages user:42 github")
                self.assertIn("--take-over", said)
            self.refused_json(1, "kept_elsewhere", "set", "user:42", "github", "FAILED", "--reason", "x")
            self.refused(1, "set", "user:42", "github", "FAILED", "--if-revision", str(before["revision"]))
            self.assertEqual(self.ok("show", "user:42", "github", "--json").json, before)
            self.ok("clear", "user:42", "--yes")

    def test_connect_never_writes_over_one(self):
        before = self.managed()
        pids = str(self.home / "pid")
        self.refused(1, "connect", "user:42", "github", *self.fake_server("silent", pids), says="--take-over")
        self.assertFalse(os.path.exists(pids), "nothing was started")
        self.assertEqual(self.ok("show", "user:42", "github", "--json").json, before)

    def test_take_over_ends_the_management(self):
        self.managed()
        taken = self.ok("set", "user:42", "github", "FAILED", "--reason", "by hand", "--take-over", "--json").json
        self.assertNotIn("managed", taken)
        self.assertEqual(taken["tool_count"], 2, "the last good tools stay")
        self.ok("set", "user:42", "github", "CONNECTED")
        self.ok("clear", "user:42", "--yes")
        self.managed()
        taken = self.ok("connect", "user:42", "github", "--take-over", "--json", *self.fake_server("good", "[]")).json
        self.assertNotIn("managed", taken)

    def test_one_that_is_disconnected_is_free(self):
        self.managed("DISCONNECTED")
        taken = self.ok("set", "user:42", "github", "CONNECTED", "--json").json
        self.assertNotIn("managed", taken, "nobody would manage it")

    def test_since_is_the_time_of_the_status(self):
        first = self.ok("set", "user:42", "github", "CONNECTED", "--json").json
        self.assertNotIn("status_changed_at", first, "connected_at says it")
        down = self.ok("set", "user:42", "github", "DISCONNECTED", "--json").json
        self.assertGreater(down["status_changed_at"], first["connected_at"])
        self.assertEqual(down["last_connected_at"], first["connected_at"])
        failed = self.ok("set", "user:42", "github", "FAILED", "--json").json
        again = self.ok("set", "user:42", "github", "FAILED", "--reason", "still", "--json").json
        self.assertEqual(again["status_changed_at"], failed["status_changed_at"], "the same status goes on")
        self.assertGreater(failed["status_changed_at"], down["status_changed_at"])
        self.assertRegex(self.ok("show", "user:42", "github").text, r"since +(now|\d+ s ago) \(" + again["status_changed_at"][:19])


class WrongInput(CliTest):
    def test_owners_and_names(self):
        for owner in ("42", "", "user:", "group:1", "user:" + "x" * 10240, b"user:\xff\xfe", "user:\x1b[31m" + "x" * 600):
            self.refused(2, "list", owner)
        for server in ("", "x" * 10240, b"\xff"):
            self.refused(2, "show", "user:1", server)
        self.assertFalse((self.home / "state").exists(), "wrong usage must not create a store")

    def test_options(self):
        for words in (("list", "--ttl", "5"), ("list", "--ttl", "10ms"), ("list", "--timeout", "soon"),
                      ("list", "--prefix", "a b"),
                      ("list", "--layout", "round"), ("list", "--ca-file", "/nowhere.pem"), ("list", "--store", "http://x/"),
                      ("list", "--store", "mysql://x/"), ("list", "--tools"), ("set", "user:1", "s", "UP"),
                      ("set", "user:1", "s", "CONNECTED", "--reason", "x"),
                      ("set", "user:1", "s", "CONNECTED", "--if-revision", "-1"), ("watch", "--count", "x"),
                      ("watch", "--timeout", "x"), (), ("lst",), ("--nope",), ("completion", "fish")):
            self.refused(2, *words)
        self.assertFalse((self.home / "state").exists())
        self.assertIn("did you mean 'list'?", self.refused(2, "lst"))

    def test_tools_beyond_what_an_owner_may_store(self):
        tools = self.file("t.json", b'[{"name":"t","x":"' + b"x" * 500 + b'"}]')
        limit = {"MCPSTATE_OWNER_BYTES": "800"}
        self.ok("set", "user:1", "a", "CONNECTED", "--tools", tools, env=limit)
        self.refused(1, "set", "user:1", "b", "CONNECTED", "--tools", tools, env=limit, says="user:1")
        self.refused(1, "set", "user:1", "b", "CONNECTED", "--tools", tools, "--owner-bytes", "1000")
        self.assertEqual(len(self.ok("list", "user:1", "--json").json), 1)
        self.ok("set", "user:1", "b", "CONNECTED", "--tools", tools, "--owner-bytes", "0", env=limit)
        for wrong in ("-1", "much", "1.5", "16M", str(2 ** 60)):
            self.refused(2, "list", "--owner-bytes", wrong, says="--owner-bytes")
        self.refused(2, "list", env={"MCPSTATE_OWNER_BYTES": "x"}, says="MCPSTATE_OWNER_BYTES")

    def test_tools_files(self):
        for content in (b"", b"{}", b"[1", b'["\xff"]', b'[1] 2', b"nonsense"):
            self.refused(2, "set", "user:1", "s", "CONNECTED", "--tools", self.file("t.json", content), says="t.json")
        self.refused(2, "set", "user:1", "s", "CONNECTED", "--tools", "/nowhere.json", says="/nowhere.json")
        self.refused(2, "set", "user:1", "s", "CONNECTED", "--tools", str(self.home))
        over = b'["' + b"x" * (16 * 1024 * 1024) + b'"]'
        self.refused(2, "set", "user:1", "s", "CONNECTED", "--tools", self.file("big.json", over), says="16 MB")
        self.refused(2, "set", "user:1", "s", "DISCONNECTED", "--tools", "-", stdin=b"[]")
        self.assertFalse((self.home / "state").exists())

    def test_connect(self):
        for words in ((), ("ftp://x/",), ("not a url",), ("http://joe:hunter2@x/",), ("http://x/", "--", "cmd"), ("--",),
                      ("http://x/", "--header", "no colon"), ("http://x/", "--env", "A=1"), ("--env", "1=2", "--", "cmd"),
                      ("--header", "A: b", "--", "cmd"), ("http://x/", "--timeout", "0s")):
            self.assertNotIn("hunter2", self.refused(2, "connect", "user:1", "s", *words))
        self.assertFalse((self.home / "state").exists())

    def test_what_is_not_there(self):
        self.refused(1, "show", "user:1", "nothing", says="nothing")
        self.refused(1, "tools", "user:1", "nothing")
        self.refused(1, "disconnect", "user:1", "nothing")
        self.refused(1, "touch", "user:1", "nothing")

    def test_an_owner_without_connections_is_nothing_wrong(self):
        for words, answer in ((("list", "user:1"), []), (("tools", "user:1"), []), (("touch", "user:1"), {"touched": 0}),
                              (("disconnect", "user:1"), {"disconnected": 0}),
                              (("clear", "user:1", "--yes"), {"owners": 0, "records": 0}),
                              (("claim", "session:s", "user:1"), {"moved": [], "kept": []})):
            self.assertEqual(self.ok(*words, "--json").json, answer)
            self.assertTrue(self.ok(*words).text.strip(), "and is said in words")
        for command in ("list", "tools", "touch", "disconnect", "clear"):
            self.assertIn("exit code 0. A SERVER that is named and not there is 1.", self.ok(command, "--help").text)

    def test_help_of_watch_names_its_events(self):
        said = self.ok("watch", "--help").text
        for name in ("present", "ready", "removed", "resync"):
            self.assertRegex(said, rf"\n  {name} ")

    def test_a_long_reason_does_not_make_the_list_wide(self):
        reason = "because " * 100 + "end"
        self.ok("set", "user:1", "s", "FAILED", "--reason", reason)
        self.assertLess(max(map(len, self.ok("list", "user:1").text.splitlines())), 180)
        self.assertIn(reason, self.ok("show", "user:1", "s").text)
        self.assertEqual(self.ok("list", "user:1", "--json").json[0]["error"]["message"], reason)

    def test_names_cannot_act_on_the_terminal(self):
        self.ok("set", "user:1", "a\x1b]0;x\x07b", "FAILED", "--reason", "r\x1b[2J\nz")
        ran = self.ok("list", "user:1")
        self.assertNotIn("\x1b", ran.text)
        self.assertIn("a\\x1b]0;x\\x07b", ran.text)
        self.assertNotIn("\x1b", self.ok("show", "user:1", "a\x1b]0;x\x07b").text)

    def test_output_that_goes_nowhere_is_a_failure(self):
        self.ok("set", "user:1", "s", "CONNECTED")
        with open("/dev/full", "wb") as full:
            ran = subprocess.run([cli_sandbox.PROGRAM, "list", "--json"], cwd=self.home, env=self.env, stdout=full,
                                 stderr=subprocess.PIPE)
        self.assertEqual(ran.returncode, 1)
        self.assertIn(b"cannot write", ran.stderr)


class Words(CliTest):
    def test_help_lists_every_command(self):
        text = self.ok("--help").text
        listed = re.findall(r"^  ([a-z]+) {2,}\S", text, re.M)
        self.assertEqual(listed, ["list", "show", "tools", "watch", "connect", "call", "disconnect", "set", "touch", "claim",
                                  "clear", "probe", "stats", "doctor", "backup", "restore", "migrate", "serve", "token", "servers", "completion",
                                  "version"])
        for name in listed:
            self.assertIn("Examples:", self.ok(name, "--help").text)

    def test_every_command_speaks_json(self):
        self.ok("set", "user:1", "s", "CONNECTED", "--tools", "-", "--json", stdin=b"[1]").json
        for words in (("list",), ("list", "user:1"), ("show", "user:1", "s"), ("tools", "user:1"), ("tools", "user:1", "s"),
                      ("touch", "user:1"), ("disconnect", "user:1", "s"), ("claim", "session:s", "user:1"), ("stats",),
                      ("doctor",), ("doctor", "--fix"), ("version",), ("clear", "user:1", "--yes")):
            ran = self.ok(*words, "--json")
            self.assertIsInstance(ran.json, (dict, list), words)
            self.assertEqual(ran.err, b"", words)

    def test_version(self):
        self.assertRegex(self.ok("version").text, r"^mcpstate \d+\.\d+\.\d+\n$")
        self.assertEqual("mcpstate " + self.ok("version", "--json").json["version"] + "\n", self.ok("--version").text)

    def test_completion_in_bash(self):
        script = self.file("completion.bash", self.ok("completion", "bash").out)
        self.assertEqual(self.complete(script, "mcpstate", "dis"), {"disconnect"})
        self.assertEqual(self.complete(script, "mcpstate", "list", "--to"), {"--tools"})
        self.assertEqual(self.complete(script, "mcpstate", "list", "--layout", ""), {"plain", "tagged"})
        self.assertEqual(self.complete(script, "mcpstate", "set", "user:1", "s", "FAI"), {"FAILED"})
        self.assertEqual(self.complete(script, "mcpstate", "set", "u", "s", "FAILED", "--tools", script[:-2]), {script})
        for command in (("connect", "user:1", "s"), ("probe",), ("call", "user:1", "s", "t"), ("tools", "user:1", "s", "--refresh")):
            self.assertEqual(self.complete(script, "mcpstate", *command, "--protocol", "m"), {"modern"})
            self.assertEqual(self.complete(script, "mcpstate", *command, "--", "l"), set())
        self.assertEqual(self.complete(script, "mcpstate", "probe", "--c"), {"--cwd", "--ca-file"})

    def complete(self, script, *words):
        line = " ".join(f"'{w}'" for w in words)
        code = (f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _mcpstate; "
                "printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_completion_for_zsh_names_every_command_and_option(self):
        script = self.ok("completion", "zsh").text
        self.assertTrue(script.startswith("#compdef mcpstate\n"))
        for part in ("'list:", "'doctor:", "--if-revision", "--refresh", "'probe:", "'call:", "(auto modern legacy sse)", "(plain tagged)", "_files -/", "'1:OWNER:"):
            self.assertIn(part, script)


class Watch(CliTest):
    def test_a_watch_shows_what_is_there_and_then_what_others_change(self):
        self.ok("set", "user:1", "a", "CONNECTED")
        watching = self.start_cli("watch", "user:1", "--json", "--count", "2", "--timeout", "60s")
        first = [json.loads(self.line_of(watching)) for _ in range(2)]
        self.assertEqual([e["event"] for e in first], ["present", "ready"])
        self.assertEqual(first[0]["connection"]["server"], "a")
        self.ok("set", "user:2", "other", "CONNECTED")
        self.ok("set", "user:1", "b", "FAILED", "--reason", "x")
        change = json.loads(self.line_of(watching))
        self.assertEqual((change["connection"]["server"], change["connection"]["status"]), ("b", "FAILED"))
        self.ok("clear", "user:1", "--yes")
        gone = json.loads(self.line_of(watching))
        self.assertEqual((gone["event"], gone["owner"]), ("removed", "user:1"))
        self.assertEqual(watching.wait(timeout=60), 0)

    def test_it_ends_after_its_time(self):
        self.assertEqual(self.ok("watch", "--timeout", "300ms").text, "")
        self.assertEqual(self.run_cli("watch", "--timeout", "300ms", "--count", "1").code, 1)

    def test_ctrl_c_ends_it_with_130(self):
        watching = self.start_cli("watch", "--json")
        self.assertEqual(json.loads(self.line_of(watching))["event"], "ready")
        watching.send_signal(2)
        self.assertEqual(watching.wait(timeout=30), 130)
        self.assertEqual(watching.stderr.read(), b"")

    def line_of(self, child):
        ready, _, _ = select.select([child.stdout], [], [], 30)
        self.assertTrue(ready, "no event within 30 s")
        return child.stdout.readline()


if __name__ == "__main__":
    import sys
    cli_sandbox.main(sys.argv)
