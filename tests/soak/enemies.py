#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who means harm: MCP servers, a program that is one, and an owner with a token of its own. Each in processes of its own.

    enemies.py servers              HTTP servers, one for each behaviour; says their URLs as one line of JSON
    enemies.py program              an MCP server over stdio that floods, and ignores the end of its input and SIGTERM
    enemies.py owner PORT TOKEN [WHAT…]   the owner user:mallory, at full rate; WHAT: some of ACTIONS (all), or server:NAME
"""
import gzip
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from hostile_server import HostileServer, polite_but  # noqa: E402
from serving import Child  # noqa: E402

HERE = str(pathlib.Path(__file__).resolve())
OWNER = "user:mallory"
PATH = "/v1/users/mallory/connections"
CHANGED = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'
QUESTION = 'data: {"jsonrpc":"2.0","id":"q%d","method":"roots/list"}\n\n'
PING = 'data: {"jsonrpc":"2.0","id":"p%d","method":"ping"}\n\n'


def huge_ids(exchange):
    exchange.stream("id: " + "i" * 8_000_000 + "\n")
    while True:
        exchange.write("data: x\n\n" * 10_000)


def flood(text):
    def behave(exchange):
        exchange.stream(": here\n\n")
        number = 0
        while True:
            exchange.write("".join(text % (number + n) if "%" in text else text for n in range(1000)))
            number += 1000
    return behave


def no_end(exchange):
    exchange.write(exchange.head_of(Connection="close") + "\r\n[")
    while True:
        exchange.write(" " * 65536)


BOMB = gzip.compress(bytes(200_000_000))


def bomb(exchange):
    exchange.answer(BOMB, Content_Encoding="gzip")


def silence(exchange):
    exchange.hang()


def announcing(exchange):
    exchange.result({"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                     "serverInfo": {"name": "n" * 100_000, "version": "1"}})


def large_list(exchange):
    tools = [{"name": f"t{n}-{random.random()}", "description": "d" * 3000, "inputSchema": {"type": "object"}} for n in range(3000)]
    exchange.result({"tools": tools})


BEHAVIOURS = {
    "huge-ids": polite_but(tools_list=huge_ids),
    "list-changed": polite_but(initialize=announcing, GET=flood(CHANGED)),
    "changed-lists": polite_but(initialize=announcing, GET=flood(CHANGED), tools_list=large_list),
    "questions": polite_but(GET=flood(QUESTION)),
    "pings": polite_but(GET=flood(PING)),
    "no-end": polite_but(tools_list=no_end),
    "gzip-bomb": polite_but(tools_list=bomb),
    "silence": polite_but(initialize=silence),
}


PARENT = os.getppid()


def wait_for_parent(seconds):
    """False when the test that started this has ended, however it did."""
    time.sleep(seconds)
    return os.getppid() == PARENT


def serve():
    servers = {name: HostileServer(behave) for name, behave in BEHAVIOURS.items()}
    print(json.dumps({name: server.url for name, server in servers.items()}), flush=True)
    while wait_for_parent(1):
        for server in servers.values():
            server.requests.clear()
    os._exit(0)


def program():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Nobody is left behind, whoever was killed: a program of a test ends by itself.
    signal.alarm(120)
    for line in sys.stdin:
        request = json.loads(line)
        answers = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                                  "serverInfo": {"name": "mallory", "version": "1"}}, "tools/list": {"tools": []}}
        result = answers.get(request.get("method"))
        if result is not None:
            print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
        elif "id" in request:
            print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        if request.get("method") == "tools/list":
            break
    threading.Thread(target=lambda: [sys.stderr.write("e" * 10_000 + "\n") for _ in iter(int, 1)], daemon=True).start()
    while True:
        try:
            sys.stdout.write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n' * 100)
            sys.stdout.flush()
        except OSError:
            signal.pause()


class Owner:
    """At full rate, whatever is answered."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.large = json.dumps({"status": "CONNECTED", "tools": [{"name": f"t{n}", "description": "d" * 4000} for n in range(4000)]})

    def link(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, link, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        link.request(method, path, body, headers)
        answer = link.getresponse()
        answer.read()
        return answer.status

    def raw(self, bytes_, hold):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as link:
            link.sendall(bytes_)
            time.sleep(hold)

    def get(self, path):
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()

    # One round each; called for ever, by several threads.
    def bodies(self):
        link = self.link()
        for n in range(20):
            self.ask(link, "PUT", f"{PATH}/large{n}/state", self.large)

    def unread(self):
        links = []
        for _ in range(8):
            link = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(self.get(PATH + "?tools=true"))
            links.append(link)
        time.sleep(5)
        for link in links:
            link.close()

    def streams(self):
        links = [socket.create_connection(("127.0.0.1", self.port), timeout=20) for _ in range(20)]
        for link in links:
            link.sendall(self.get("/v1/users/mallory/events?tools=true"))
        time.sleep(5)
        for link in links:
            link.close()

    def storm(self):
        link = self.link()
        for _ in range(20):
            name = random.choice([*BEHAVIOURS, "evil-program"])
            self.ask(link, "PUT", f"{PATH}/{name}", "{}")
            if random.random() < 0.3:
                self.ask(link, "DELETE", f"{PATH}/{name}")
            if random.random() < 0.3:
                self.ask(link, "POST", f"{PATH}/{name}/retry")

    def keep(self):
        link = self.link()
        for name in [*BEHAVIOURS, "evil-program"]:
            self.ask(link, "PUT", f"{PATH}/{name}", "{}")
        time.sleep(5)

    def reads(self):
        link = self.link()
        for _ in range(50):
            self.ask(link, "GET", PATH + random.choice(["", "?tools=true"]))

    def odd(self):
        random_bytes = random.randbytes(2000)
        for bytes_ in (random_bytes, b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\n\r\n", self.get("/v1/%00%ff/" + "../" * 500),
                       b"PUT " + PATH.encode() + b"/x/state HTTP/1.1\r\nHost: h\r\nContent-Length: 17000000\r\n\r\n{",
                       b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nfffffffffffffff\r\n",
                       b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000, self.get("/healthz") * 500):
            self.raw(bytes_, 0.05)

    def connect(self, name):
        self.ask(self.link(), "PUT", f"{PATH}/{name}", "{}")
        time.sleep(5)

    def run(self, what):
        kind, _, name = what.partition(":")
        while True:
            try:
                if name:
                    self.connect(name)
                else:
                    getattr(self, kind)()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)


ACTIONS = ("bodies", "unread", "streams", "storm", "keep", "reads", "odd")


def own(port, token, *what):
    owner = Owner(int(port), token)
    for action in what or ACTIONS:
        threading.Thread(target=owner.run, args=(action,), daemon=True).start()
    print("at work", flush=True)
    while wait_for_parent(1):
        pass
    os._exit(0)


class Enemies:
    """The processes of all of them, for a test."""

    def __init__(self):
        self.servers = Child([sys.executable, "-B", HERE, "servers"], None, "^{")
        self.urls = json.loads(self.servers.line)
        self.owners = []

    def registered(self):
        """Entries of a servers file."""
        out = {name: {"url": url} for name, url in self.urls.items()}
        out["evil-program"] = {"command": sys.executable, "args": ["-B", HERE, "program"]}
        return out

    def attack(self, port, token, *what):
        self.owners.append(Child([sys.executable, "-B", HERE, "owner", str(port), token, *what], None, "at work"))

    def retreat(self):
        for owner in self.owners:
            owner.end()
        self.owners = []

    def end(self):
        self.retreat()
        self.servers.end()


if __name__ == "__main__":
    {"servers": serve, "program": program, "owner": own}[sys.argv[1]](*sys.argv[2:])
