# SPDX-License-Identifier: MIT
"""HTTP servers that do to a client what no server should. They write bytes, not HTTP, so nothing is beyond them.

A behaviour is a function (exchange) -> None that is called for every request and writes what it likes. The polite ones below
are what a well-behaved server of revision 2025-11-25 without sessions does; the hostile ones replace some of it.
"""
import json
import socket
import threading

TOOL = {"name": "plain", "inputSchema": {"type": "object"}}


class Gone(Exception):
    """The client is no longer there, or the server is to end."""


class Exchange:
    """One request, and the way back to who sent it."""

    def __init__(self, server, link, head, body):
        self.server, self.link, self.head = server, link, head
        lines = head.decode("latin-1").split("\r\n")
        self.verb, self.path = lines[0].split(" ")[:2]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.message = json.loads(body) if body else {}
        self.method, self.id = self.message.get("method", ""), self.message.get("id")

    def write(self, data, piece=None):
        """Writes bytes; in pieces of that many, if given."""
        if isinstance(data, str):
            data = data.encode("utf-8")
        step = piece or max(len(data), 1)
        for begin in range(0, len(data), step):
            if self.server.ending.is_set():
                raise Gone
            try:
                self.link.sendall(data[begin:begin + step])
            except OSError as broken:
                raise Gone from broken

    def wait(self, seconds):
        if self.server.ending.wait(seconds):
            raise Gone

    def hang(self):
        self.server.ending.wait()
        raise Gone

    def close(self):
        raise Gone

    def head_of(self, status=200, kind="application/json", **more):
        names = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
        return f"HTTP/1.1 {status} Words\r\nContent-Type: {kind}\r\n{names}"

    def answer(self, body=b"", status=200, kind="application/json", piece=None, **more):
        body = body.encode("utf-8") if isinstance(body, str) else body
        head = self.head_of(status, kind, **more) + f"Content-Length: {len(body)}\r\n\r\n"
        self.write(head.encode() + body, piece)

    def result(self, value, **more):
        self.answer(self.result_text(value), **more)

    def result_text(self, value):
        body = value if isinstance(value, str) else json.dumps(value)
        return '{"jsonrpc":"2.0","id":' + json.dumps(self.id) + ',"result":' + body + "}"

    def stream(self, text=""):
        """An event stream that lasts as long as the connection."""
        self.write(self.head_of(kind="text/event-stream", Connection="close") + "\r\n" + text)

    def event(self, value, end="\n"):
        self.write(f"event: message{end}data: {self.result_text(value)}{end}{end}")


def refuse_modern(exchange):
    exchange.answer('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: not initialized"}}',
                    status=400)


def initialize(exchange, version="2025-11-25", **more):
    exchange.result({"protocolVersion": version, "capabilities": {"tools": {}},
                     "serverInfo": {"name": "hostile", "version": "1"}}, **more)


def polite(exchange):
    if exchange.verb == "DELETE":
        exchange.answer()
    elif exchange.verb == "GET":
        exchange.answer(status=405)
    elif exchange.method == "server/discover":
        refuse_modern(exchange)
    elif exchange.method == "initialize":
        initialize(exchange)
    elif exchange.id is None or "method" not in exchange.message:
        exchange.answer(status=202)
    elif exchange.method == "tools/list":
        exchange.result({"tools": [TOOL]})
    else:
        exchange.result({})


def polite_but(**replaced):
    """Polite, except for the methods that are named (tools_list for tools/list)."""
    table = {name.replace("_", "/"): behave for name, behave in replaced.items()}
    return lambda exchange: table.get(exchange.method or exchange.verb, polite)(exchange)


class HostileServer:
    def __init__(self, behave):
        self.behave, self.requests, self.connections = behave, [], 0
        self.ending, self.threads, self.links = threading.Event(), [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.start(self.accept)

    def start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.links.append(link)
            self.start(self.serve, link)

    def serve(self, link):
        buffer = b""
        with link:
            try:
                while not self.ending.is_set():
                    while b"\r\n\r\n" not in buffer:
                        buffer += self.receive(link)
                    head, buffer = buffer.split(b"\r\n\r\n", 1)
                    exchange = Exchange(self, link, head, b"")
                    length = int(exchange.headers.get("content-length", 0))
                    while len(buffer) < length:
                        buffer += self.receive(link)
                    exchange = Exchange(self, link, head, buffer[:length])
                    buffer = buffer[length:]
                    self.requests.append(exchange)
                    self.behave(exchange)
            except Gone:
                pass

    @staticmethod
    def receive(link):
        try:
            data = link.recv(65536)
        except OSError as broken:
            raise Gone from broken
        if not data:
            raise Gone
        return data

    def count(self, method):
        return sum(one.method == method for one in self.requests)

    def close(self):
        self.ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in self.links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(20)
