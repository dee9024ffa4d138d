#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every key that a script touches is declared in KEYS of its call.

usage: monitor_test.py PROGRAM FILTER     PROGRAM: contract_store; FILTER: for --gtest_filter, a kind of Redis store

Runs these tests of the contract suite on a redis-server with MONITOR on the side. MONITOR shows each script call, and after it the
commands that the script ran. Scripts are known by their texts, which the store loads when it is opened.
"""
import hashlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "src" / "store" / "redis" / "scripts"
FILES = {"\n".join(path.read_text(encoding="utf-8").split("\n")[:2]): path.name for path in SCRIPTS.glob("*.lua")}

QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


def unescape(match):
    what = match.group(1)
    return bytes([int(what[1:], 16)]) if len(what) == 3 else ESCAPED.get(what, what)


def words_of(line):
    """The command of a line of MONITOR: +1764458000.123456 [0 127.0.0.1:40000] "GET" "key"."""
    return [ESCAPE.sub(unescape, word) for word in QUOTED.findall(line)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A redis-server on a free port, for as long as the object is open."""

    def __init__(self, directory):
        for _ in range(10):  # the port may be taken between looking and binding
            self.port = free_port()
            self.process = subprocess.Popen(
                [os.environ.get("MCPSTATE_REDIS_SERVER", "redis-server"), "--dir", directory, "--port", str(self.port),
                 "--bind", "127.0.0.1", "--save", "",
                 "--client-output-buffer-limit", "replica 0 0 0",  # which is that of MONITOR
                 "--user", "narrow", "on", ">wonder", "~t*", "&*", "+@all"], stdout=subprocess.DEVNULL)
            if self.answers():
                return
        raise AssertionError("redis-server does not start")

    def answers(self):
        until = time.monotonic() + 15
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with self.connect() as link:
                    link.sendall(b"PING\r\n")
                    if link.recv(7) == b"+PONG\r\n":
                        return True
            except OSError:
                threading.Event().wait(0.01)
        self.close()
        return False

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def close(self):
        self.process.kill()
        self.process.wait()


def key_positions(link, replies, command):
    """First, last and step of the keys of a command, by COMMAND INFO; a last key below 0 counts from the end."""
    link.sendall(b"COMMAND INFO " + command + b"\r\n")
    lines = [next(replies) for _ in range(5)]  # *1, *10, $length, name, :arity
    assert lines[0] == b"*1" and lines[1].startswith(b"*"), (command, lines)
    flags = int(next(replies)[1:])
    for _ in range(flags):
        next(replies)
    return tuple(int(next(replies)[1:]) for _ in range(3))


class Observer:
    """What MONITOR tells of scripts."""

    def __init__(self, server):
        self.script, self.declared = None, frozenset()
        self.calls, self.commands = {}, 0  # calls by SHA-1
        self.loaded = {}  # SHA-1 → the file of the script, told by its first two lines
        self.undeclared = []
        self.positions = {}  # of the keys of a command
        self.server = server
        self.link = server.connect()
        self.link.settimeout(None)
        self.link.sendall(b"MONITOR\r\n")
        self.replies = self.link.makefile("rb")
        assert self.replies.readline() == b"+OK\r\n"
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.replies:
            if b'] "echo" "end of the run"' in line:
                return
            source = line[:80].partition(b"]")[0]
            if source.endswith(b" lua"):
                self.take_command(words_of(line))
            elif b'] "EVAL' in line[:80]:
                self.take_call(words_of(line))
            elif b'] "SCRIPT" "LOAD"' in line[:80]:
                text = words_of(line)[2]
                self.loaded[hashlib.sha1(text).hexdigest()] = FILES["\n".join(text.decode().split("\n")[:2])]

    def take_call(self, words):
        name = words[1] if words[0] == b"EVALSHA" else hashlib.sha1(words[1]).hexdigest().encode()
        self.script, self.declared = name.decode(), frozenset(words[3:3 + int(words[2])])
        self.calls[self.script] = self.calls.get(self.script, 0) + 1

    def take_command(self, words):
        self.commands += 1
        first, last, step = self.positions_of(words[0].upper())
        if first == 0:
            return
        end = last if last >= 0 else len(words) + last
        for key in words[first:end + 1:step]:
            if key not in self.declared:
                self.undeclared.append(f"{self.script} {words[0].decode()} {key!r}")

    def positions_of(self, command):
        if command not in self.positions:
            with self.server.connect() as link:
                replies = (line.rstrip(b"\r\n") for line in link.makefile("rb"))
                self.positions[command] = key_positions(link, replies, command)
        return self.positions[command]

    def finish(self):
        with self.server.connect() as link:
            link.sendall(b'*2\r\n$4\r\necho\r\n$14\r\nend of the run\r\n')
            link.recv(100)
        self.thread.join(120)
        assert not self.thread.is_alive(), "MONITOR does not tell of the end of the run"
        self.replies.close()
        self.link.close()


class ScriptsTest(unittest.TestCase):
    def test_every_key_that_a_script_touches_is_declared(self):
        with tempfile.TemporaryDirectory(prefix="mcpstate-monitor-") as directory:
            server = Server(directory)
            self.addCleanup(server.close)
            observer = Observer(server)
            run = subprocess.run([PROGRAM, "--gtest_filter=" + FILTER],
                                 env={**os.environ, "MCPSTATE_TEST_REDIS_PORT": str(server.port)})
            observer.finish()
        self.assertEqual(run.returncode, 0)
        self.assertEqual(observer.undeclared[:20], [])
        # Each script ran, but the one that only doctor uses, and those of a cluster; and MONITOR saw what they did.
        self.assertEqual(sorted(observer.loaded.values()), sorted(FILES.values()))
        elsewhere = {"repair.lua", "claim_copy.lua", "claim_release.lua", "claim_close.lua"}
        self.assertEqual({file for sha, file in observer.loaded.items() if sha not in observer.calls}, elsewhere)
        calls = sum(observer.calls.values())
        self.assertGreater(calls, 0)
        self.assertGreater(observer.commands, calls)
        print(f"{calls} calls of {len(observer.calls)} scripts ran {observer.commands} commands; all keys were declared")

    def test_an_undeclared_key_is_noticed(self):
        with tempfile.TemporaryDirectory(prefix="mcpstate-monitor-") as directory:
            server = Server(directory)
            self.addCleanup(server.close)
            observer = Observer(server)
            with server.connect() as link:
                for keys in (b"0", b"1\r\n$1\r\na"):
                    script = b"#!lua\nreturn redis.call('MGET', 'a', 'b')"
                    count = b"3" if keys == b"0" else b"4"
                    link.sendall(b"*" + count + b"\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n%s\r\n" % (len(script), script, keys))
                    link.recv(100)
            observer.finish()
        self.assertEqual([line.split(" ", 1)[1] for line in observer.undeclared], ["MGET b'a'", "MGET b'b'", "MGET b'b'"])


if __name__ == "__main__":
    PROGRAM, FILTER = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    unittest.main(argv=sys.argv[:1], verbosity=2)
