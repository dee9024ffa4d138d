# SPDX-License-Identifier: MIT
"""What a contender and bench/run say to each other, and the workload that all contenders share.

bench/run writes lines, the contender answers each with one:
    OP IN_FLIGHT SECONDS   ->  ready         OP is fill, check, connect or list; whatever is not to be measured happens now
    go                     ->  one JSON object: ops, errors, seconds, client_cpu_seconds
Standard input closed means the end. fill writes every record once; check reads a few back and compares every byte.

The workload is the same everywhere: users 1 … --owners, the same five servers each, the same tool list for all, visited in a
scattered order (a step that shares no factor with the number of records), so that no cache of a processor holds the data.
"""
import asyncio
import json
import resource
import sys
import time

SERVERS = ["github", "linear", "notion", "sentry", "slack"]


class WrongAnswer(Exception):
    pass


def add_arguments(parser):
    parser.add_argument("--tools-file", required=True)
    parser.add_argument("--owners", type=int, required=True)


class Workload:
    STEP = 7919

    def __init__(self, options):
        self.owners = options.owners
        self.servers = SERVERS
        with open(options.tools_file, "rb") as file:
            self.tools = file.read()
        self.at = 0

    def next_record(self):
        self.at = (self.at + self.STEP) % (self.owners * len(self.servers))
        return self.at // len(self.servers) + 1, self.servers[self.at % len(self.servers)]

    def next_owner(self):
        self.at = (self.at + self.STEP) % self.owners
        return self.at + 1


def cpu_seconds(who=resource.RUSAGE_SELF):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def answer(value):
    sys.stdout.write(value + "\n")
    sys.stdout.flush()


def commands():
    """The orders of bench/run, each as (op, in_flight, seconds); answer ready, then await_go, then the result."""
    while line := sys.stdin.readline():
        op, in_flight, seconds = line.split()
        yield op, int(in_flight), float(seconds)


def await_go():
    answer("ready")
    if sys.stdin.readline().strip() != "go":
        sys.exit("expected: go")


def result(ops, errors, seconds, cpu):
    answer(json.dumps({"ops": ops, "errors": errors, "seconds": seconds, "client_cpu_seconds": cpu}))


class AsyncDriver:
    """Runs slices of `connect(user, server)` and `list(user)` coroutines. Between slices nothing runs, so reading stdin may
    block the loop."""

    def __init__(self, workload):
        self.workload = workload
        self.ops = self.errors = 0
        self.until = 0.0

    async def _connect(self):
        while time.perf_counter() < self.until:
            await self.connect(*self.workload.next_record())
            self.ops += 1

    async def _list(self):
        while time.perf_counter() < self.until:
            await self.list(self.workload.next_owner())
            self.ops += 1

    async def _fill(self, start, step):
        records = self.workload.owners * len(self.workload.servers)
        for i in range(start, records, step):
            await self.connect(i // len(self.workload.servers) + 1, self.workload.servers[i % len(self.workload.servers)])
            self.ops += 1

    async def _check(self):
        for user in range(1, self.workload.owners + 1, max(1, self.workload.owners // 20)):
            found = sorted(await self.list(user))
            if found != [(name, "CONNECTED", self.workload.tools) for name in self.workload.servers]:
                raise WrongAnswer(f"user {user} reads back wrong")
            self.ops += 1

    async def serve(self):
        for op, in_flight, seconds in commands():
            self.ops = self.errors = 0
            await_go()
            begun, cpu = time.perf_counter(), cpu_seconds()
            self.until = begun + seconds
            work = {
                "connect": lambda _: self._connect(),
                "list": lambda _: self._list(),
                "fill": lambda i: self._fill(i, in_flight),
                "check": lambda _: self._check(),
            }[op]
            await asyncio.gather(*(work(i) for i in range(in_flight)))
            result(self.ops, self.errors, time.perf_counter() - begun, cpu_seconds() - cpu)
