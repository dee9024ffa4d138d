# SPDX-License-Identifier: MIT
"""The programs that are compared, and how one slice of one of them is measured."""
import json
import os
import re
import select
import subprocess
import time

from servers import pin
from slices import SERVERS

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = "mcpstate"
FLOOR = "hiredis"


class Failed(Exception):
    pass


class Contender:
    """One process, kept for all slices with one size of tools."""

    def __init__(self, name, argv, server, cpus, fills=True):
        self.name, self.argv, self.server, self.cpus, self.fills = name, argv, server, cpus, fills
        self.process = None
        self.buffered = b""

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=pin(self.cpus))

    def say(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{self.name} ended early") from None

    def hear(self, seconds=300):
        limit = time.monotonic() + seconds
        while b"\n" not in self.buffered:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, limit - time.monotonic()))
            got = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not got:
                raise Failed(f"{self.name} " + ("ended early" if ready else f"says nothing for {seconds} s"))
            self.buffered += got
        line, self.buffered = self.buffered.split(b"\n", 1)
        return line.decode()

    def order(self, op, in_flight, seconds):
        """Has one order carried out; what the contender says about it, and the server's processor time in seconds."""
        self.say(f"{op} {in_flight} {seconds}")
        if (answer := self.hear()) != "ready":
            raise Failed(f"{self.name} says {answer!r} where 'ready' belongs")
        server_before = self.server.cpu_seconds() if self.server else 0.0
        self.say("go")
        got = json.loads(self.hear())
        return got, (self.server.cpu_seconds() if self.server else 0.0) - server_before

    def slice(self, op, in_flight, seconds):
        """Runs one slice and answers its figures; server and client processor time per operation in microseconds."""
        got, server = self.order(op, in_flight, seconds)
        if got["errors"] or not got["ops"]:
            raise Failed(f"{self.name} {op}, {in_flight} in flight: {got}")
        return {"rate": got["ops"] / got["seconds"], "ops": got["ops"],
                "client_us": got["client_cpu_seconds"] / got["ops"] * 1e6, "server_us": server / got["ops"] * 1e6}

    def stop(self):
        if not self.process:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def all_contenders(options, redis, postgres, tools_file, directory, cpus):
    """Ours and the floor share database 0, those that know four keys database 1. The first of a database fills it."""
    common = ["--tools-file", tools_file, "--owners", str(options.owners)]
    port = ["--port", str(redis.port)]
    build = os.path.join(options.build, "bench")
    ours = [os.path.join(build, "bench_contender_mcpstate"), "--store"]
    python = ["/usr/bin/python3", os.path.join(HERE, "contender_redis_py.py"), *port, "--db", "1", *common, "--mode"]
    node = ["node", os.path.join(HERE, "contender_ioredis.mjs"), *port, "--db", "1", *common, "--mode"]
    sqlite = "sqlite:" + os.path.join(directory, f"{os.path.basename(tools_file)}.db")
    return [
        Contender(OURS, [*ours, f"redis://127.0.0.1:{redis.port}/0", *common], redis, cpus),
        Contender(FLOOR, [os.path.join(build, "bench_contender_hiredis"), *port, *common], redis, cpus, fills=False),
        Contender("redis-py original", [*python, "original"], redis, cpus),
        Contender("redis-py best", [*python, "best"], redis, cpus, fills=False),
        Contender("ioredis original", [*node, "original"], redis, cpus, fills=False),
        Contender("ioredis pipelined", [*node, "pipelined"], redis, cpus, fills=False),
        Contender("ioredis auto", [*node, "auto"], redis, cpus, fills=False),
        Contender("PostgreSQL", ["/usr/bin/python3", os.path.join(HERE, "contender_postgres.py"), "--socket", postgres.socket,
                                 "--bin", postgres.bin, *common], postgres, cpus),
        Contender("mcpstate SQLite", [*ours, sqlite, *common], None, cpus),
    ]


def shapes(lines):
    """Of MONITOR's lines: each command's name, its script, and the lengths of its arguments as printed. Which record it is
    about does not matter, so names are made the same length."""
    out = []
    for line in lines:
        if " lua]" in line or '"' not in line:
            continue
        line = re.sub("|".join(SERVERS), "S", re.sub(r"user:\d+", "user:N", line))
        words = line[line.index('"') + 1 : line.rindex('"')].split('" "')
        if words[0] in ("SET", "EVALSHA", "SDIFF", "SORT_RO"):
            out.append((words[0], words[1] if words[0] == "EVALSHA" else "", tuple(len(w) for w in words[1:])))
    return out


def commands_of(contender, redis, op):
    """What one contender sends in a short slice with one operation in flight, as shapes of its first operation."""
    contender.say(f"{op} 1 0.001")
    contender.hear()
    with redis.open() as monitor:
        monitor.sendall(b"MONITOR\r\n")
        text = monitor.recv(5)
        contender.say("go")
        contender.hear()
        monitor.settimeout(10)
        redis.ask("ECHO", "that-was-all")
        while b"that-was-all" not in text:
            text += monitor.recv(1 << 20)
    return shapes(text.decode(errors="replace").split("\r\n"))[:2]


def assert_identical_commands(ours, floor, redis):
    """The floor is one only if it sends what the library sends."""
    for op in ("connect", "list"):
        a, b = commands_of(ours, redis, op), commands_of(floor, redis, op)
        if len(a) != 2 or a != b:
            raise Failed(f"{op}: the library sends {a}, the floor {b}")
