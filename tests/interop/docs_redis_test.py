#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs docs/redis.md: every fenced block, in order, on a redis-server of its own, as a reader would.

Each fenced block is marked by an HTML comment on the line before it:

    <!-- run -->              a sh block: run, must end with 0;  <!-- run, exit 3 --> with another code
    <!-- output -->           what the block before it prints: each line must come, in this order; "…" stands for any text,
                              and a line that is only "…" for any lines
    <!-- file: NAME -->       the block becomes this file in the working directory
    <!-- not run: REASON -->  shown only

A block without a mark, or an "output" after nothing that ran, is an error. What differs here from a reader's machine is
substituted in commands and expected output, and nothing else: see SUBSTITUTIONS.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import redis

from redis_sandbox import PROGRAM, RedisServer, Sandbox, free_port
from serving import Service

PAGE = pathlib.Path(os.environ["MCPSTATE_SOURCE"]) / "docs" / "redis.md"
MARK = re.compile(r"^<!-- (run|output|file|not run)(?:, exit (\d+))?(?:: (.+))? -->$")


class Block:
    def __init__(self, line, mark, language, text):
        self.line, self.language, self.text = line, language, text
        found = MARK.match(mark)
        if not found:
            raise AssertionError(f"redis.md:{line}: the block is not marked (run, output, file or not run): {mark!r}")
        self.kind, exit_code, self.argument = found.groups()
        self.exit_code = int(exit_code or 0)
        if self.kind in ("file", "not run") and not self.argument:
            raise AssertionError(f"redis.md:{line}: {self.kind} says no name or reason")
        if self.kind == "run" and language != "sh":
            raise AssertionError(f"redis.md:{line}: only sh blocks are run")


def blocks_of(text):
    out, lines, at = [], text.split("\n"), 0
    while at < len(lines):
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1)
            out.append(Block(at + 1, lines[at - 1], lines[at][3:], "\n".join(lines[at + 1:end]) + "\n"))
            at = end
        at += 1
    return out


def matches(expected, printed):
    """Whether the expected lines come one after the other; answers the first that does not, or None."""
    lines, at, skip = printed.rstrip("\n").split("\n"), 0, False
    for want in expected.rstrip("\n").split("\n"):
        if want == "…":
            skip = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in want.split("…")))
        while True:
            if at >= len(lines):
                return want
            found = pattern.fullmatch(lines[at].rstrip())
            at += 1
            if found:
                break
            if not skip:
                return f"{want}    (instead: {lines[at - 1]})"
        skip = False
    if at < len(lines) and not skip:
        return f"(nothing more; instead: {lines[at]})"
    return None


class Machine:
    """A reader's machine, small: a server with a configuration file, a working directory and one shell session."""

    def __init__(self, case):
        self.sandbox = Sandbox()
        case.addCleanup(self.sandbox.close)
        self.etc = os.path.join(self.sandbox.home, "etc-redis")
        os.mkdir(self.etc)
        config = self.sandbox.file("etc-redis/redis.conf", "")
        self.server = RedisServer(config=config)
        case.addCleanup(self.server.close)
        tools = os.path.join(self.sandbox.home, "bin")
        os.mkdir(tools)
        os.symlink(PROGRAM, os.path.join(tools, "mcpstate"))
        os.symlink("/usr/bin/python3", os.path.join(tools, "python3"))
        self.work = os.path.join(self.sandbox.home, "work")
        os.mkdir(self.work)
        self.session = os.path.join(self.sandbox.home, "session")
        pathlib.Path(self.session).write_text(f'export PATH="{tools}:$PATH"\n', encoding="utf-8")
        # Everything in which this machine differs from a reader's. Commands and expected output alike.
        self.substitutions = [
            (r"\b6379\b", str(self.server.port)),
            (r"\b6380\b", str(free_port())),
            (r"/etc/redis\b", self.etc),
        ]
        # The documented port is redis-cli's default; here it has to be said. A later -p wins.
        self.in_commands = [(r"\bredis-cli\b", f"redis-cli -p {self.server.port}"), (r"\bsudo ", "")]

    def adapted(self, text, command=False):
        for pattern, here in (self.in_commands if command else []) + self.substitutions:
            text = re.sub(pattern, lambda _, h=here: h, text)
        return text

    def run(self, text):
        script = (f"source {self.session}\n"
                  f"trap 'code=$?; export -p > {self.session}; exit $code' EXIT\n"
                  f"set -eu -o pipefail\n{self.adapted(text, command=True)}")
        return subprocess.run(["bash", "-c", script], cwd=self.work, env=self.sandbox.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)


class TheRedisPage(unittest.TestCase):
    maxDiff = None

    def compare(self, expected, printed):
        # Answers come on standard output, refusals on standard error; a failing command has only the latter.
        missing = matches(expected, printed.stdout if printed.stdout else printed.stderr)
        self.assertIsNone(missing, f"expected\n{expected}\nprinted\n{printed.stdout}{printed.stderr}")

    def test_every_command_does_what_the_page_says(self):
        machine = Machine(self)
        printed, where = None, 0
        ran = 0
        for block in blocks_of(PAGE.read_text(encoding="utf-8")):
            if block.kind == "file":
                pathlib.Path(machine.work, block.argument).write_text(machine.adapted(block.text), encoding="utf-8")
            elif block.kind == "run":
                done = machine.run(block.text)
                self.assertEqual(done.returncode, block.exit_code,
                                 f"redis.md:{block.line}\n{block.text}\n{done.stdout}{done.stderr}")
                printed, where, ran = done, block.line, ran + 1
            elif block.kind == "output":
                self.assertIsNotNone(printed, f"redis.md:{block.line}: output of nothing")
                with self.subTest(f"redis.md:{where}"):
                    self.compare(machine.adapted(block.text), printed)
                printed = None
        self.assertGreater(ran, 25)

    def test_a_block_without_a_mark_is_noticed(self):
        with self.assertRaisesRegex(AssertionError, "redis.md:2: the block is not marked"):
            blocks_of("text\n```sh\necho\n```\n")

    def test_output_that_differs_is_noticed(self):
        self.assertIsNone(matches("a\n…\nd…\n", "a\nb\nc\ndef\n"))
        self.assertIsNotNone(matches("a\nc\n", "a\nb\nc\n"))
        self.assertIsNotNone(matches("a\n", "a\nb\n"))
        self.assertIsNotNone(matches("a\n…\nz\n", "a\nb\n"))

    def test_every_heading_in_the_contents_exists(self):
        text = PAGE.read_text(encoding="utf-8")
        anchors = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)}
        for link in re.findall(r"\]\(#([^)]+)\)", text):
            self.assertIn(link, anchors)


class TheUserOfThePage(unittest.TestCase):
    """The ACL user is granted what mcpstate uses: nothing is missing, and nothing could be left out."""

    def setUp(self):
        page = PAGE.read_text(encoding="utf-8")
        found = re.search(r"redis-cli (ACL SETUSER mcpstate .*?)\n(?:redis-cli|```)", page, re.S)
        words = found.group(1).replace("\\\n", " ").replace("\\|", "|").replace("'", "").split()
        self.granted = {w[1:] for w in words if w.startswith("+")}
        password = next(w[1:] for w in words if w.startswith(">"))
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.admin = self.server.client()
        self.addCleanup(self.admin.close)
        self.admin.execute_command(*words)
        self.box = Sandbox(store=f"redis://mcpstate:{password}@127.0.0.1:{self.server.port}/3")
        self.addCleanup(self.box.close)

    def used(self):
        """Commands that ran since CONFIG RESETSTAT."""
        stats = self.admin.info("commandstats")
        return {name[len("cmdstat_"):].lower() for name, row in stats.items() if row["calls"] > 0}

    def exercise(self):
        box, tools = self.box, self.box.file("tools.json", '[{"name":"a"}]')
        foreign = self.server.client(3)
        for words in (["set", "user:1", "a", "CONNECTED", "--tools", tools],
                      ["set", "user:1", "b", "FAILED", "--reason", "x"],
                      ["list", "user:1"], ["show", "user:1", "a"], ["tools", "user:1", "a"],
                      ["touch", "user:1", "--ttl", "48h"],
                      ["disconnect", "user:1", "a"], ["set", "session:s", "c", "CONNECTED", "--tools", tools],
                      ["set", "session:s", "d", "CONNECTED", "--tools", tools],
                      ["set", "user:1", "d", "CONNECTED", "--tools", tools],
                      ["claim", "session:s", "user:1"], ["list"], ["stats"], ["watch", "user:1", "--timeout", "10ms"]):
            box.ok(*words)
        foreign.set("mcp:user:1:server:f:status", "CONNECTED")
        foreign.sadd("mcp:user:1:connections", "f", "ghost")
        box.ok("list", "user:1")
        box.ok("doctor", "--fix")
        box.ok("doctor")
        empty = box.file("empty.json", "[]")
        self.assertEqual(box.run("set", "user:1", "d", "CONNECTED", "--tools", empty).code, 2)  # refused by the script
        foreign.lpush("mcp:user:1:server:wrong:tools", "x")
        self.assertNotEqual(box.run("set", "user:1", "wrong", "CONNECTED").code, 0)
        foreign.unlink("mcp:user:1:server:wrong:tools")
        box.ok("disconnect", "user:1")
        box.ok("clear", "user:1", "--yes")
        box.ok("clear", "--all", "--yes")
        foreign.close()

    def write_after_a_flush_of_the_scripts(self):
        """A process that lives longer than the scripts in the server (a restart flushes them too) sends their texts again."""
        service = Service(self.box.program, "--store", self.box.store, env=self.box.environment())
        try:
            self.admin.script_flush()
            body = {"status": "FAILED", "reason": "x"}
            answer = service.ask("PUT", "/v1/users/1/connections/e/state", body)
            self.assertLess(answer.status, 300, answer.body)
        finally:
            service.end(signal.SIGTERM)

    def test_mcpstate_may_do_all_it_needs(self):
        self.admin.execute_command("ACL", "LOG", "RESET")
        self.exercise()
        refused = {str(row["object"]) for row in self.admin.acl_log()}
        # Tried, and not needed: the page says what each would add.
        self.assertLessEqual(refused, {"sort_ro", "config|get"} | self.managing())

    def managing(self):
        """What a program that manages connections needs beside the rights of the page: doctor tries these, too."""
        return {"zadd", "zrem", "zcard", "hset", "hdel", "hgetall"}

    def test_a_service_needs_what_the_page_adds(self):
        more = re.search(r"A program that manages connections needs a few more: `([^`]+)`", PAGE.read_text(encoding="utf-8"))
        self.admin.execute_command("ACL", "SETUSER", "mcpstate", *more.group(1).split())
        self.admin.execute_command("ACL", "LOG", "RESET")
        self.write_after_a_flush_of_the_scripts()
        self.assertLessEqual({str(row["object"]) for row in self.admin.acl_log()}, {"sort_ro", "config|get"})

    def test_and_nothing_else(self):
        self.admin.config_resetstat()
        self.exercise()
        self.write_after_a_flush_of_the_scripts()
        self.assertEqual(self.granted - self.used(), set(), "granted and not used")

    def test_other_keys_and_other_commands_are_refused(self):
        self.admin.set("secret", "x", ex=60)
        user = redis.Redis.from_url(self.box.store)
        self.addCleanup(user.close)
        for words in (["GET", "secret"], ["SET", "mcp", "x"], ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"],
                      ["ACL", "LIST"], ["CLIENT", "LIST"], ["MONITOR"], ["EVAL", "return redis.call('GET', 'secret')", "0"],
                      ["PUBLISH", "a", "b"], ["SCRIPT", "FLUSH"]):
            with self.subTest(words=words), self.assertRaises(redis.exceptions.ResponseError):
                user.execute_command(*words)


class TheUserThatDoctorPrints(TheUserOfThePage):
    """The same of what doctor --acl prints, which includes what a program that manages connections needs."""

    test_a_service_needs_what_the_page_adds = None

    def setUp(self):
        super().setUp()
        rules = self.box.ok("doctor", "--acl", "--json").json["rules"]
        self.granted = {rule[1:] for rule in rules if rule.startswith("+")}
        self.admin.execute_command("ACL", "SETUSER", "mcpstate", "reset", "on", ">printed", *rules)
        self.box.store = f"redis://mcpstate:printed@127.0.0.1:{self.server.port}/3"

    def managing(self):
        return set()

    def exercise(self):
        super().exercise()
        self.manage()

    def manage(self):
        """A managed connection from its order to its end."""
        servers = self.box.file("servers.json", '{"mcpServers":{"none":{"command":"/nonexistent"}}}')
        service = Service(self.box.program, "--store", self.box.store, "--servers", servers, env=self.box.environment())
        try:
            path = "/v1/users/1/connections/none"
            answer = service.ask("PUT", path + "?wait=10s", {"server": "none"})
            self.assertLess(answer.status, 300, answer.body)
            self.assertLess(service.ask("DELETE", path).status, 300)
        finally:
            service.end(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main(verbosity=2)
