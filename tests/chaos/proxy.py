#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A way to a server that can be cut, held up and slowed down, each direction for itself. A process of its own: `Proxy` starts it.

usage: proxy.py PORT, then one order a line on the standard input, each answered with `done`:
  cut        ends all connections, and refuses new ones
  hold WAY   keeps what goes that way (up: to the server; down; both); nothing is lost
  delay MS   each piece arrives so much later, both ways
  pass       all as at the beginning; what was held arrives
  break      ends the connections there are, once
"""
import asyncio
import json
import pathlib
import subprocess
import sys

HERE = str(pathlib.Path(__file__).resolve())
PIECE = 65536


class Way:
    def __init__(self):
        self.open = asyncio.Event()
        self.open.set()


class Relay:
    def __init__(self, port):
        self.port, self.refusing, self.delay = port, False, 0.0
        self.ways = {"up": Way(), "down": Way()}
        self.writers = set()

    async def serve(self, reader, writer):
        if self.refusing:
            writer.transport.abort()
            return
        self.writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            self.drop(writer)
            return
        self.writers.add(back)
        await asyncio.gather(self.carry("up", reader, back), self.carry("down", there, writer))
        self.drop(writer)
        self.drop(back)

    def drop(self, writer):
        self.writers.discard(writer)
        writer.transport.abort()

    async def carry(self, way, reader, writer):
        """Reads as it comes, and writes in that order when its time has come."""
        pieces, loop = asyncio.Queue(maxsize=1000), asyncio.get_running_loop()
        writing = asyncio.ensure_future(self.deliver(way, pieces, writer))
        try:
            while True:
                piece = await reader.read(PIECE)
                await pieces.put((loop.time() + self.delay, piece))
                if not piece:
                    break
        except OSError:
            await pieces.put((0, b""))
        await writing

    async def deliver(self, way, pieces, writer):
        loop = asyncio.get_running_loop()
        try:
            while True:
                at, piece = await pieces.get()
                if at > loop.time():
                    await asyncio.sleep(at - loop.time())
                await self.ways[way].open.wait()
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        self.drop(writer)

    def order(self, word, *more):
        if word in ("cut", "break"):
            self.refusing = word == "cut"
            for writer in list(self.writers):
                self.drop(writer)
        elif word == "hold":
            for name in self.ways if more[0] == "both" else more:
                self.ways[name].open.clear()
        elif word == "delay":
            self.delay = float(more[0]) / 1000
        else:
            self.refusing, self.delay = False, 0.0
            for way in self.ways.values():
                way.open.set()


async def main():
    relay = Relay(int(sys.argv[1]))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        relay.order(*line.decode().split())
        print("done", flush=True)


class Proxy:
    """The process, for who wants to have one."""

    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, "-B", HERE, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
        self.port = json.loads(self.process.stdout.readline())

    def order(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", "the proxy has ended"

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(main())
