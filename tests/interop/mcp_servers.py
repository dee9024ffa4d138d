# SPDX-License-Identifier: MIT
"""MCP servers for the tests of the program: real ones from npm, and one that writes down what it is asked."""
import http.server
import json
import pathlib
import select
import socket
import subprocess
import threading

import cli_sandbox

EVERYTHING = "@modelcontextprotocol/server-everything/dist/index.js"
FILESYSTEM = "@modelcontextprotocol/server-filesystem/dist/index.js"


def npm(path):
    return f"{cli_sandbox.NODE_MODULES}/{path}"


def everything(transport="stdio"):
    """The command line of server-everything, as it stands after --."""
    return ["node", npm(EVERYTHING), transport]


def filesystem(folder):
    return ["node", npm(FILESYSTEM), str(folder)]


def modern(mode="stdio"):
    """The command line of our server of revision 2026-07-28."""
    return ["node", str(pathlib.Path(__file__).with_name("npm") / "servers/modern_server.mjs"), mode]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(test, child):
    def stop():
        if child.poll() is None:
            child.kill()
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()
    test.addCleanup(stop)


def words_of(stream, wanted):
    """What a server prints until it has said one of these words, or closed the stream."""
    said = b""
    while not any(word in said.lower() for word in wanted):
        ready, _, _ = select.select([stream], [], [], 60)
        part = stream.read1() if ready else b""
        if not part:
            break
        said += part
    return said


def start_everything(test, transport, path):
    """server-everything on a port that nobody else has; answers its URL."""
    for _ in range(5):
        port = free_port()
        child = subprocess.Popen(everything(transport), env={**test.env, "PORT": str(port)}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE)
        end(test, child)
        said = words_of(child.stderr, (b"listening", b"running", b"eaddrinuse"))
        if b"eaddrinuse" not in said.lower() and child.poll() is None:
            return f"http://127.0.0.1:{port}{path}"
    raise AssertionError(said)


def streamable_http(test):
    return start_everything(test, "streamableHttp", "/mcp")


def http_sse(test):
    return start_everything(test, "sse", "/sse")


def modern_http(test, mode="http"):
    child = subprocess.Popen(modern(mode), env=test.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    end(test, child)
    ready, _, _ = select.select([child.stdout], [], [], 60)
    test.assertTrue(ready)
    return json.loads(child.stdout.readline())["url"]


def web(test, handler):
    """A web server of this handler class; answers its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    test.addCleanup(thread.join)
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/mcp"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every request with what its class says."""
    status, kind, body, more = 200, "text/html", b"<!doctype html><title>Welcome</title>", ()

    def respond(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.body)))
        for name, value in self.more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_DELETE = respond

    def log_message(self, *_):
        pass


def page(test, **answers):
    return web(test, type("Handler", (Page,), answers))


class Diary(http.server.BaseHTTPRequestHandler):
    """A legacy MCP server without a stream, whose one tool never answers; it writes every message and header down."""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.changed:
            self.server.messages.append(message)
            self.server.seen_headers.append(dict(self.headers))
            self.server.changed.notify_all()
            self.server.changed.wait_for(lambda: message.get("method") != self.server.held, 60)
        method = message.get("method")
        if "id" not in message:
            return self.answer(202, b"")
        if method == "initialize":
            return self.result(message, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                                         "serverInfo": {"name": "diary", "version": "1"}})
        if method == "tools/list":
            return self.result(message, {"tools": self.server.tools})
        if method == "tools/call":
            with self.server.changed:
                self.server.changed.wait_for(lambda: any(m.get("method") == "notifications/cancelled"
                                                         for m in self.server.messages), 30)
            self.close_connection = True
            return None
        return self.reply({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}})

    def do_GET(self):
        self.answer(405, b"")

    do_DELETE = do_GET

    def result(self, message, body):
        self.reply({"jsonrpc": "2.0", "id": message["id"], "result": body})

    def reply(self, message):
        self.answer(200, json.dumps(message).encode(), "application/json")

    def answer(self, status, body, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class diary:
    """A running Diary: its url, and what it has been sent so far."""

    def __init__(self, test, tools=()):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Diary)
        self.server.daemon_threads = True
        self.server.messages, self.server.seen_headers, self.server.tools, self.server.held = [], [], list(tools), None
        self.server.changed = threading.Condition()
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        test.addCleanup(self.stop)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mcp"

    def stop(self):
        self.let_go()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def messages(self):
        with self.server.changed:
            return list(self.server.messages)

    def headers(self):
        with self.server.changed:
            return list(self.server.seen_headers)

    def methods(self):
        return [m.get("method") for m in self.messages()]

    def wait_for(self, method, times=1):
        """Whether a message with this method has come so often, within a minute."""
        def has_come():
            return sum(m.get("method") == method for m in self.server.messages) >= times
        with self.server.changed:
            return self.server.changed.wait_for(has_come, 60)

    def hold(self, method):
        """Messages with this method are written down and not answered, until let_go()."""
        with self.server.changed:
            self.server.held = method

    def let_go(self):
        self.hold(None)
        with self.server.changed:
            self.server.changed.notify_all()
