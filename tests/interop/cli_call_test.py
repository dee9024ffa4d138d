#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate call and mcpstate tools --refresh against real MCP servers of both eras.

usage: cli_call_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import base64
import json
import os
import pty
import select
import sys
import time

import cli_sandbox
import mcp_servers
from cli_sandbox import CliTest


class Person:
    """The program at a terminal of its own, and somebody who reads and types."""

    def __init__(self, test, *words):
        self.test, self.seen = test, b""
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.chdir(test.home)
            os.execve(cli_sandbox.PROGRAM, [cli_sandbox.PROGRAM, *words], test.env)
        test.addCleanup(os.close, self.screen)

    def read(self, seconds):
        ready, _, _ = select.select([self.screen], [], [], seconds)
        if not ready:
            return True
        try:
            part = os.read(self.screen, 65536)
        except OSError:  # the other end is closed: how Linux ends a terminal
            return False
        self.seen += part
        return part != b""

    def waits_for(self, text):
        """Until this is on the screen; what was there before is then done with."""
        end = time.monotonic() + 60
        while text.encode() not in self.seen:
            self.test.assertTrue(self.read(1) and time.monotonic() < end, (text, self.seen))
        before, self.seen = self.seen.split(text.encode(), 1)
        return before.decode()

    def types(self, text):
        os.write(self.screen, text.encode())

    def ends(self, code):
        """The rest of what it prints."""
        while self.read(60):
            pass
        self.test.assertEqual(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), code, self.seen)
        return self.seen.decode()


class Calling(CliTest):
    def connect(self, *where, name="srv"):
        return self.ok("connect", "user:1", name, "--json", *where).json

    def call(self, *words, code=0, name="srv", **options):
        ran = self.run_cli("call", "user:1", name, *words, **options)
        self.assertEqual(ran.code, code, (ran.out, ran.err))
        return ran

    def shown(self, name="srv"):
        return self.ok("show", "user:1", name, "--json").json


class Results(Calling):
    def test_over_every_transport(self):
        for name, url in (("http", mcp_servers.streamable_http(self)), ("sse", mcp_servers.http_sse(self))):
            self.connect(url, name=name)
            self.assertEqual(self.call("echo", '{"message":"hello"}', name=name).text, "Echo: hello\n")
        self.connect(mcp_servers.modern_http(self), name="modern")
        self.assertEqual(self.call("echo", '{"text":"hello"}', name="modern").text, '{"text":"hello"}\n')
        self.connect("--", *mcp_servers.everything(), name="stdio")
        self.assertEqual(self.call("echo", '{"message":"hello"}', "--", *mcp_servers.everything(), name="stdio").text, "Echo: hello\n")

    def test_a_file_through_the_file_server(self):
        text = self.file("note.txt", "first\nsecond \x1b[31m\n")
        command = ["--", *mcp_servers.filesystem(self.home)]
        self.connect(*command)
        arguments = json.dumps({"path": text})
        self.assertEqual(self.call("read_text_file", arguments, *command).out, b"first\nsecond \x1b[31m\n")
        self.assertEqual(self.call("read_text_file", "-", *command, stdin=arguments.encode()).out, b"first\nsecond \x1b[31m\n")
        # At a terminal it may not act.
        person = Person(self, "call", "user:1", "srv", "read_text_file", arguments, *command)
        self.assertIn("second \\x1b[31m", person.ends(0))

    def test_json_is_the_result_itself(self):
        self.connect(mcp_servers.modern_http(self))
        ran = self.call("echo", '{"text":"é"}', "--json")
        self.assertEqual(ran.err, b"")
        self.assertEqual(ran.out[:20], b'{"content":[{"type":')
        self.assertFalse(ran.out.endswith(b"\n"))
        self.assertEqual(ran.json["structuredContent"], {"text": "é"})

    def test_other_content_is_summarised(self):
        url = mcp_servers.streamable_http(self)
        self.connect(url)
        image = self.call("get-tiny-image").text
        self.assertRegex(image, r"\[image image/png, [\d.]+ KB\]")
        block = next(b for b in self.call("get-tiny-image", "--json").json["content"] if b["type"] == "image")
        size = len(base64.b64decode(block["data"]))
        self.assertIn(f"{size / 1024:.1f} KB" if size < 10240 else f"{size / 1024:.0f} KB", image)
        self.assertRegex(self.call("get-resource-links", '{"count":2}').text, r"(?m)^\[link .*: \S+://\S+\]$")
        self.assertRegex(self.call("get-resource-reference", '{"resourceType":"Text","resourceId":1}').text, r"\[resource \S+\]\n")

    def test_a_tool_that_fails(self):
        self.connect(mcp_servers.modern_http(self))
        ran = self.call("fail", code=1)
        self.assertEqual((ran.out, ran.errors), (b"", "mcpstate: fail failed: this tool is out of order\n"))
        ran = self.call("fail", "--json", code=1)
        self.assertTrue(ran.json["isError"])
        self.one_error_line(ran)
        self.one_error_line(self.call("nothing_like_it", code=1))

    def test_arguments_become_headers_where_the_tool_wants_that(self):
        self.connect(mcp_servers.modern_http(self))
        given = {"region": "Zürich ", "shard": 3, "dry": True, "where": {"city": " x"}, "note": "n"}
        self.assertEqual(self.call("routed", json.dumps(given), "--json").json["structuredContent"], given)

    def test_what_needs_nobody_is_done_in_rounds(self):
        self.connect(mcp_servers.modern_http(self))
        self.assertEqual(self.call("patience").text, "after 2 rounds\n")


class Records(Calling):
    def test_a_call_renews_the_record_and_changes_nothing_else(self):
        self.connect(mcp_servers.modern_http(self))
        records = [self.shown()]
        self.call("echo", '{"text":"x"}', "--ttl", "48h")
        records.append(self.shown())
        self.call("fail", "--ttl", "72h", code=1)
        records.append(self.shown())
        expiries = [record.pop("expires_at") for record in records]
        self.assertEqual(sorted(set(expiries)), expiries)
        self.assertEqual(records[1:], records[:1] * 2)

    def test_a_call_that_does_not_arrive_changes_nothing(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        before = self.shown()
        server.stop()
        ran = self.call("anything", "--ttl", "48h", code=1)
        self.one_error_line(ran)
        self.assertIn("is the server running", ran.errors)
        self.assertEqual(self.shown(), before)

    def test_what_cannot_be_called(self):
        self.refused(1, "call", "user:1", "srv", "echo", says="mcpstate connect opens one")
        self.connect("--", *mcp_servers.everything())
        self.refused(2, "call", "user:1", "srv", "echo", says="commands are never stored: give it again after --")
        self.ok("set", "user:1", "noted", "CONNECTED")
        self.refused(2, "call", "user:1", "noted", "echo", says="does not say where the server is")
        self.ok("disconnect", "user:1", "srv")
        self.refused(1, "call", "user:1", "srv", "echo", "--", *mcp_servers.everything(), says="DISCONNECTED")
        server = mcp_servers.diary(self)
        self.connect(server.url, name="web")
        self.refused(2, "call", "user:1", "web", "echo", "--", "cat", says="leave the command out")

    def test_wrong_words(self):
        for words, says in ((("[]",), "no JSON object"), (("{",), "no JSON object"), (("{}", "--timeout", "soon"), "--timeout"),
                            (("{}", "--header", "secret"), "--header"), (("{}", "--cwd", "/"), "for a command after --"),
                            (("{}", "--header", "A: 1", "--", "cat"), "--header is for a URL"), (("{}", "{}"), "one word too many")):
            self.refused(2, "call", "user:1", "srv", "echo", *words, says=says)
        self.refused(2, "call", "user:1", "srv", says="TOOL")
        self.refused(2, "call", "user:1", "srv", "", says="not empty")
        self.refused(2, "call", "user:1", "srv", "echo", "-", stdin=b"not json", says="no JSON object")

    def test_headers_go_out_and_are_never_stored(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        self.call("t", "--header", "X-Key: hunter2", "--timeout", "1s", code=1)
        self.assertEqual(dict(zip(server.methods(), server.headers()))["tools/call"]["X-Key"], "hunter2")
        for path in (self.home / "state/mcpstate").iterdir():
            self.assertNotIn(b"hunter2", path.read_bytes())


class Endings(Calling):
    def test_a_slow_tool_is_given_up(self):
        self.connect(mcp_servers.modern_http(self))
        ran = self.call("slow", '{"ms":60000}', "--timeout", "1s", code=1)
        self.one_error_line(ran)
        self.assertIn("may or may not have been carried out", ran.errors)
        self.assertEqual(self.report(), {"slow_started": 1, "slow_cancelled": 1, "slow_finished": 0})

    def report(self):
        return self.call("report", "--json").json["structuredContent"]

    def test_signs_of_progress_give_it_time(self):
        self.connect("--", *mcp_servers.everything())
        ran = self.call("trigger-long-running-operation", '{"duration":3,"steps":6}', "--timeout", "2s", "--", *mcp_servers.everything())
        self.assertIn("completed", ran.text)

    def test_progress_is_shown_at_a_terminal(self):
        command = ["--", *mcp_servers.everything()]
        self.connect(*command)
        person = Person(self, "call", "user:1", "srv", "trigger-long-running-operation", '{"duration":4,"steps":4}', *command)
        person.waits_for("calling trigger-long-running-operation… 50 %")
        self.assertIn("completed", person.ends(0))

    def test_ctrl_c_cancels_a_call_of_the_newest_protocol(self):
        self.connect(mcp_servers.modern_http(self))
        child = self.start_cli("call", "user:1", "srv", "slow", '{"ms":60000}')
        self.wait_until(lambda: self.report()["slow_started"] == 1, child)
        self.interrupted(child)
        self.wait_until(lambda: self.report()["slow_cancelled"] == 1)

    def test_ctrl_c_cancels_a_call_of_the_protocol_before(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        child = self.start_cli("call", "user:1", "srv", "t")
        self.assertTrue(server.wait_for("tools/call"))
        self.interrupted(child)
        called = next(m for m in server.messages() if m.get("method") == "tools/call")
        cancelled = next(m for m in server.messages() if m.get("method") == "notifications/cancelled")
        self.assertEqual(cancelled["params"]["requestId"], called["id"])

    def test_ctrl_c_ends_a_slow_program(self):
        command = ["--", *mcp_servers.everything()]
        self.connect(*command)
        person = Person(self, "call", "user:1", "srv", "trigger-long-running-operation", '{"duration":600,"steps":600}', *command)
        person.waits_for("calling")
        begun = time.monotonic()
        person.types("\x03")
        person.ends(130)
        self.assertLess(time.monotonic() - begun, 10)

    def interrupted(self, child):
        begun = time.monotonic()
        child.send_signal(2)
        self.assertEqual(child.wait(timeout=30), 130)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(child.stderr.read(), b"")

    def wait_until(self, condition, child=None):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end)
            if child:
                self.assertIsNone(child.poll())


# What server-everything asks, and what is typed; where nothing is, its default counts.
FORM = (("String, Your full, legal name", "Ada"), ("Boolean, Agree to the terms and conditions (yes or no; may be left out)", "y"),
        ("[It was a dark and stormy night.]", ""), ("(email; may be left out)", "ada@example.com"), ("(uri; may be left out)", ""),
        ("(date; may be left out)", ""), ("(integer, 1 to 100) [42]", "7"), ("(number, 0 to 1000) [3.14]", ""),
        ("(one of Monica, Rachel, Joey, Chandler, Ross, Phoebe) [Monica]", "joey"),
        ("(any of Guitar, Piano, Violin, Drums, Bass, 1 to 3; with commas between) [Guitar]", "Piano, bass"),
        ("(one of Superman, Green Lantern, Wonder Woman) [Superman]", "green lantern"),
        ("(any of Tuna, Salmon, Trout, 1 to 3; with commas between) [Tuna]", ""),
        ("(one of Cats, Dogs, Birds, Fish, Reptiles) [Cats]", "Dogs"))


class Questions(Calling):
    """A server asks the person at the terminal; in both eras."""

    def setUp(self):
        super().setUp()
        self.connect(mcp_servers.modern_http(self))

    def greet(self):
        person = Person(self, "call", "user:1", "srv", "greet", '{"greeting":"Hi"}', "--json")
        person.waits_for("srv asks:")
        person.waits_for("Who is there?")
        person.waits_for("[c]ancel: ")
        return person

    def guest_of(self, screen):
        lines = [line for line in screen.splitlines() if line.startswith("{")]
        return json.loads(lines[-1])["structuredContent"]["guest"]

    def test_answers_are_sent_and_defaults_filled_in(self):
        person = self.greet()
        person.types("\n")
        person.waits_for("Name [Ada]: ")
        person.types("Bob\n")
        person.waits_for("age (integer) [36]: ")
        person.types("old\n")
        person.waits_for("that is not a number")
        person.waits_for("age (integer) [36]: ")
        person.types("\n")
        person.waits_for("member (yes or no) [yes]: ")
        person.types("n\n")
        person.waits_for("colour (one of red, green) [green]: ")
        person.types("RED\n")
        self.assertEqual(self.guest_of(person.ends(0)), {"name": "Bob", "age": 36, "member": False, "colour": "red"})

    def test_a_person_may_decline_or_go_away(self):
        for typed in ("d\n", "c\n", "\x04"):
            person = self.greet()
            person.types(typed)
            self.assertIn("no guest", person.ends(0))

    def test_ctrl_c_at_a_question(self):
        person = self.greet()
        person.types("\x03")
        person.ends(130)

    def test_nobody_is_asked_where_nobody_is(self):
        ran = self.call("greet", code=1)
        self.assertIn("-32021", ran.errors)

    def test_a_session_asks_while_it_works_and_waits_for_the_person(self):
        url = mcp_servers.streamable_http(self)
        self.connect(url, name="old")
        person = Person(self, "call", "user:1", "old", "trigger-elicitation-request", "--timeout", "2s")
        person.waits_for("old asks:")
        person.waits_for("[c]ancel: ")
        end = time.monotonic() + 4  # longer than the tool may take; a person may
        while time.monotonic() < end:
            self.assertTrue(person.read(end - time.monotonic()), person.seen)
        person.types("y\n")
        for question, typed in FORM:
            person.waits_for(question + ": ")
            person.types(typed + "\n")
        printed = person.ends(0)
        result = json.JSONDecoder().raw_decode(printed, printed.index("Raw result: ") + len("Raw result: "))[0]
        self.assertEqual(result, {"action": "accept", "content": {
            "name": "Ada", "check": True, "firstLine": "It was a dark and stormy night.", "email": "ada@example.com", "integer": 7,
            "number": 3.14, "untitledSingleSelectEnum": "Joey", "untitledMultipleSelectEnum": ["Piano", "Bass"],
            "titledSingleSelectEnum": "hero-2", "titledMultipleSelectEnum": ["fish-1"], "legacyTitledEnum": "pet-2"}})


class Refreshing(Calling):
    def test_what_has_changed_is_told_and_recorded(self):
        url = mcp_servers.modern_http(self)
        before = self.connect(url)
        self.assertIn("9 tools, nothing has changed", self.ok("tools", "user:1", "srv", "--refresh").text)
        self.call("grow", '{"name":"newcomer"}')
        ran = self.ok("tools", "user:1", "srv", "--refresh")
        self.assertRegex(ran.text, r"user:1 srv: 10 tools\n  added    newcomer\n")
        record = self.shown()
        self.assertEqual((record["tool_count"], record["status"]), (10, "CONNECTED"))
        self.assertEqual(record["connected_at"], before["connected_at"])
        self.assertGreater(record["checked_at"], before["checked_at"])
        names = [t["name"] for t in json.loads(self.ok("tools", "user:1", "srv", "--json").out)]
        self.assertIn("newcomer", names)

    def test_in_json(self):
        old = [{"name": "a"}, {"name": "b", "description": "old"}]
        new = [{"name": "b", "description": "new"}, {"name": "c"}, {"name": "c"}]
        self.connect(*self.fake_server("good", json.dumps(old)))
        told = self.ok("tools", "user:1", "srv", "--refresh", "--json", *self.fake_server("good", json.dumps(new))).json
        self.assertEqual((told["added"], told["removed"], told["changed"]), (["c"], ["a"], ["b"]))
        self.assertEqual((told["tool_count"], len(told["dropped"])), (2, 1))
        self.assertEqual(told["revision"], self.shown()["revision"])

    def test_a_server_that_does_not_answer_changes_nothing(self):
        self.connect(*self.fake_server("good", '[{"name":"a"}]'))
        before = self.shown()
        for mode in ("dies", "list-fails", "list-wrong"):
            self.refused(1, "tools", "user:1", "srv", "--refresh", *self.fake_server(mode), says="the record is as it was")
        self.assertEqual(self.shown(), before)
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, b'[{"name":"a"}]')

    def test_an_empty_list_over_a_good_one(self):
        self.connect(*self.fake_server("good", '[{"name":"a"}]'))
        ran = self.ok("tools", "user:1", "srv", "--refresh", *self.fake_server("good", "[]"))
        self.assertIn("kept", ran.errors)
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, b'[{"name":"a"}]')
        self.ok("tools", "user:1", "srv", "--refresh", "--allow-empty", *self.fake_server("good", "[]"))
        self.assertEqual(self.ok("tools", "user:1", "srv", "--json").out, b"[]")

    def test_a_failed_connection_that_answers_again_is_connected(self):
        self.connect(*self.fake_server("good", '[{"name":"a"}]'))
        self.ok("set", "user:1", "srv", "FAILED", "--reason", "away")
        self.ok("tools", "user:1", "srv", "--refresh", *self.fake_server("good", '[{"name":"a"}]'))
        record = self.shown()
        self.assertEqual(record["status"], "CONNECTED")
        self.assertNotIn("error", record)

    def test_all_of_an_owner(self):
        self.connect(mcp_servers.modern_http(self), name="web")
        self.connect(*self.fake_server("good", '[{"name":"a"}]'), name="program")
        self.ok("set", "user:1", "gone", "DISCONNECTED")
        ran = self.ok("tools", "user:1", "--refresh")
        self.assertIn("user:1 web: 9 tools, nothing has changed", ran.text)
        self.assertIn("user:1 program has no URL", ran.errors)
        self.assertEqual([c["server"] for c in self.ok("tools", "user:1", "--refresh", "--json").json], ["web"])
        self.assertIn("nothing to refresh", self.ok("tools", "user:2", "--refresh").text)

    def test_who_was_faster_wins(self):
        server = mcp_servers.diary(self)
        self.connect(server.url)
        server.hold("tools/list")
        child = self.start_cli("tools", "user:1", "srv", "--refresh")
        self.assertTrue(server.wait_for("tools/list", 2))
        self.ok("disconnect", "user:1", "srv")
        server.let_go()
        self.assertEqual(child.wait(timeout=60), 1)
        self.assertIn(b"mcpstate: ", child.stderr.read())
        self.assertEqual(self.shown()["status"], "DISCONNECTED")

    def test_wrong_words(self):
        self.refused(2, "tools", "user:1", "--header", "A: 1", says="go with --refresh")
        self.refused(2, "tools", "user:1", "--refresh", "--header", "A: 1", says="name it")
        self.refused(2, "tools", "user:1", "--refresh", "--", "cat", says="name it")
        self.refused(1, "tools", "user:1", "srv", "--refresh", says="no connection of user:1 is named 'srv'")
        self.connect(*self.fake_server("good", "[]"))
        self.refused(2, "tools", "user:1", "srv", "--refresh", says="after --")


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
