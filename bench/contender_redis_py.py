#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""redis-py's asyncio client doing connects and lists, in one of two ways.

original  What the program does whose key layout we keep: three or four commands per connect, awaited one by one; a list
          asks for the names and then for every key of every name. The stock event loop.
best      The fastest we know how to write it: one pipeline per connect, SMEMBERS and one MGET per list, on uvloop.

Both use the parser of hiredis, one connection per operation in flight, and neither parses nor prints JSON.
Talks to bench/run over stdin and stdout: see slices.py.
"""
import argparse
import asyncio
import datetime
import os
import sys

import redis.asyncio
import uvloop

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slices  # noqa: E402

TTL = 86400


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


class Original:
    def __init__(self, client, workload):
        self.redis = client
        self.tools = workload.tools

    async def connect(self, user, server):
        base = f"mcp:user:{user}:server:{server}:"
        await self.redis.set(base + "status", "CONNECTED", ex=TTL)
        await self.redis.sadd(f"mcp:user:{user}:connections", server)
        await self.redis.set(base + "connected_at", now(), ex=TTL)
        await self.redis.set(base + "tools", self.tools, ex=TTL)

    async def list(self, user):
        found = []
        for name in await self.redis.smembers(f"mcp:user:{user}:connections"):
            base = f"mcp:user:{user}:server:{name.decode()}:"
            status = await self.redis.get(base + "status")
            connected_at = await self.redis.get(base + "connected_at")
            tools = await self.redis.get(base + "tools")
            found.append((name, status, connected_at, tools))
        return found


class Best(Original):
    async def connect(self, user, server):
        base = f"mcp:user:{user}:server:{server}:"
        pipe = self.redis.pipeline(transaction=False)
        pipe.set(base + "status", "CONNECTED", ex=TTL)
        pipe.sadd(f"mcp:user:{user}:connections", server)
        pipe.set(base + "connected_at", now(), ex=TTL)
        pipe.set(base + "tools", self.tools, ex=TTL)
        await pipe.execute()

    async def list(self, user):
        names = list(await self.redis.smembers(f"mcp:user:{user}:connections"))
        keys = []
        for name in names:
            base = f"mcp:user:{user}:server:{name.decode()}:"
            keys += (base + "status", base + "connected_at", base + "tools")
        values = await self.redis.mget(keys)
        return [(name, *values[3 * i : 3 * i + 3]) for i, name in enumerate(names)]


class Driver(slices.AsyncDriver):
    def __init__(self, mode, client, workload):
        super().__init__(workload)
        self.does = (Best if mode == "best" else Original)(client, workload)

    async def connect(self, user, server):
        await self.does.connect(user, server)

    async def list(self, user):
        found = await self.does.list(user)
        if len(found) != len(self.workload.servers) or found[0][3] is None:
            raise slices.WrongAnswer(f"user {user}: {len(found)} records")
        return [(name.decode(), status.decode(), tools) for name, status, _, tools in found]


async def main(options):
    workload = slices.Workload(options)
    client = redis.asyncio.Redis(port=options.port, db=options.db)
    try:
        await Driver(options.mode, client, workload).serve()
    finally:
        await client.close()


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--db", type=int, default=0)
    parser.add_argument("--mode", choices=["original", "best"], required=True)
    slices.add_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    if arguments.mode == "best":
        uvloop.install()
    asyncio.run(main(arguments))
